// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/registry_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace genofed::consent {
namespace {

using nlohmann::json;

// The German Medical Informatics Initiative's codes, and an objection register's.
constexpr char kTable[] = R"({"identifier_system": "urn:oid:1.2.246.21", "codes": [
  {"system": "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3", "code": "2.16.840.1.113883.3.1937.777.24.5.3.8",
   "permissions": ["SEC"], "purposes": ["DUO:0000006"]},
  {"system": "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3", "code": "2.16.840.1.113883.3.1937.777.24.5.3.46",
   "permissions": ["SEC"], "purposes": ["DUO:0000006"], "retrospective": true},
  {"system": "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3", "code": "recontact", "wish": "recontact"},
  {"system": "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3", "code": "biobank", "ignore": true},
  {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTOUT", "permissions": ["SLQ", "SEC"],
   "decision": "deny"},
  {"system": "urn:1plusmg:consent-permission", "code": "AF", "permissions": ["AF"]}]})";

RegistryMapping Table() { return *ParseRegistryMapping(kTable); }

json Code(const std::string& code, const std::string& system = "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3") {
  return {{"coding", {{{"system", system}, {"code", code}}}}};
}
const std::string kUse = "2.16.840.1.113883.3.1937.777.24.5.3.8";
const std::string kRetrospective = "2.16.840.1.113883.3.1937.777.24.5.3.46";

json Patient() { return {{"identifier", {{"system", "urn:oid:1.2.246.21"}, {"value", "P1"}}}}; }

json R4(const json& provisions, const std::string& status = "active") {
  return {
      {"resourceType", "Consent"},
      {"id", "c1"},
      {"status", status},
      {"patient", Patient()},
      {"provision",
       {{"type", "deny"}, {"period", {{"start", "2026-01-01"}, {"end", "2030-12-31"}}}, {"provision", provisions}}}};
}

RegistryRecord Read(const json& consent) {
  auto record = ReadRegistryRecord(consent, Table());
  EXPECT_TRUE(record.has_value());
  return record.value_or(RegistryRecord());
}

TEST(RegistryRecord, R4PermitsWhatTheTableKnows) {
  const auto record = Read(R4({{{"type", "permit"}, {"code", {Code(kUse), Code("recontact"), Code("biobank")}}}}));
  EXPECT_EQ(record.person_identifier, "P1");
  EXPECT_TRUE(record.counts);
  EXPECT_EQ(record.says.permits.Names(), "SEC");
  EXPECT_TRUE(record.refused.empty()) << "the root's deny is only the default";
  EXPECT_EQ(record.says.purposes, std::vector<std::string>{"DUO:0000006"});
  EXPECT_EQ(record.says.recontact, true);
  EXPECT_EQ(record.says.from, *ParseRfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(record.says.until, *ParseRfc3339("2031-01-01T00:00:00Z")) << "a period's end is inclusive";
}

// What a code of the registry means may be limited as what people say themselves.
TEST(RegistryRecord, ACodeMayPermitUnderConditions) {
  const auto table = ParseRegistryMapping(R"({"codes": [
    {"system": "s", "code": "limited", "permissions": ["SEC"], "purposes": ["DUO:0000006"],
     "conditions": ["DUO:0000045", "DUO:0000022=FI"]},
    {"system": "s", "code": "reviewed", "permissions": ["SEC"], "conditions": ["DUO:0000021", "DUO:0000045"]},
    {"system": "s", "code": "counts", "permissions": ["SLQ"]}]})");
  ASSERT_TRUE(table.ok()) << Describe(table.status());
  const auto read = [&](const json& codes) {
    return ReadRegistryRecord(R4({{{"type", "permit"}, {"code", codes}}}), *table)
        .value_or(RegistryRecord())
        .says;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(read(json::array({Code("limited", "s")})).conditions,
            (List{"DUO:0000022=FI", "DUO:0000045"}));
  EXPECT_EQ(read(json::array({Code("limited", "s")})).purposes, List{"DUO:0000006"});
  const Statement both = read({Code("limited", "s"), Code("reviewed", "s"), Code("counts", "s")});
  EXPECT_EQ(both.conditions, (List{"DUO:0000021", "DUO:0000022=FI", "DUO:0000045"}))
      << "the conditions of all";
  EXPECT_EQ(both.purposes, List()) << "one of them is for any";
  EXPECT_EQ(both.permits.Names(), "SLQ,SEC");
  EXPECT_EQ(read(json::array({Code("counts", "s")})).conditions, List());
}

TEST(RegistryRecord, RetrospectiveUseBeginsBeforeTheConsent) {
  EXPECT_FALSE(Read(R4({{{"type", "permit"}, {"code", {Code(kRetrospective)}}}})).says.from.has_value());
}

TEST(RegistryRecord, ARefusalOfTheUnknownRefusesEverything) {
  EXPECT_EQ(
      Read(R4({{{"type", "permit"}, {"code", {Code(kUse)}}}, {{"type", "deny"}, {"code", {Code("new")}}}})).refused,
      PermissionSet::All());
  EXPECT_TRUE(Read(R4({{{"type", "permit"}, {"code", {Code("new")}}}})).says.permits.empty());
  const auto both =
      Read(R4({{{"type", "permit"}, {"code", {Code(kUse)}}}, {{"type", "deny"}, {"code", {Code(kUse)}}}}));
  EXPECT_TRUE(both.says.permits.empty()) << "deny wins";
  EXPECT_EQ(both.refused.Names(), "SEC");
}

TEST(RegistryRecord, AConditionThatCannotBeKeptRefuses) {
  const auto record = Read(R4({{{"type", "permit"}, {"code", {Code(kUse)}}, {"actor", json::array()}}}));
  EXPECT_TRUE(record.unreadable);
  EXPECT_EQ(record.refused, PermissionSet::All());
}

// hl7.org/fhir/R4/extensibility.html#modifierExtension: not to be passed over.
TEST(RegistryRecord, AModifierThatNobodyKnowsRefuses) {
  const json modifiers =
      json::array({{{"url", "urn:example:unless-at-night"}, {"valueBoolean", true}}});
  for (const char* type : {"permit", "deny"}) {
    json provision = {{"type", type}, {"code", {Code(kUse)}}};
    provision["modifierExtension"] = modifiers;
    EXPECT_TRUE(Read(R4(json::array({provision}))).unreadable) << type;
  }
  json whole = R4({{{"type", "permit"}, {"code", {Code(kUse)}}}});
  EXPECT_FALSE(Read(whole).unreadable);
  whole["modifierExtension"] = modifiers;
  EXPECT_EQ(Read(whole).refused, PermissionSet::All());
  whole["status"] = "inactive";
  EXPECT_FALSE(Read(whole).counts);
}

TEST(RegistryRecord, R5DecidesAndProvisionsAreExceptions) {
  json consent = {{"resourceType", "Consent"},
                  {"id", "c2"},
                  {"status", "active"},
                  {"subject", Patient()},
                  {"decision", "deny"},
                  {"period", {{"end", "2028"}}},
                  {"provision", {{{"code", {Code("AF", "urn:1plusmg:consent-permission")}}}}}};
  auto record = Read(consent);
  EXPECT_EQ(record.says.permits.Names(), "AF");
  EXPECT_EQ(record.says.until, *ParseRfc3339("2029-01-01T00:00:00Z"));
  consent["decision"] = "permit";
  record = Read(consent);
  EXPECT_EQ(record.refused.Names(), "AF");
  consent.erase("provision");
  EXPECT_TRUE(Read(consent).unreadable) << "permits, but nobody knows what";
  consent["decision"] = "deny";
  EXPECT_EQ(Read(consent).refused, PermissionSet::All());
}

TEST(RegistryRecord, ARefusalOfEverythingIsOneInEitherRelease) {
  json r4 = R4(json::array());
  EXPECT_EQ(Read(r4).refused, PermissionSet::All());
  EXPECT_FALSE(Read(r4).unreadable);
  r4["provision"].erase("provision");
  EXPECT_EQ(Read(r4).refused, PermissionSet::All());
  r4["provision"]["code"] = {{{"text", "research"}}};
  EXPECT_EQ(Read(r4).refused, PermissionSet::All()) << "of something that is in no table";
  r4["provision"] = {{"type", "permit"}};
  EXPECT_TRUE(Read(r4).unreadable) << "permits, but nobody knows what";
  r4["provision"] = json::object();
  EXPECT_TRUE(Read(r4).unreadable);
  r4["policyRule"] = Code("OPTOUT", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
  r4["provision"] = {{"type", "deny"}};
  EXPECT_EQ(Read(r4).refused.Names(), "SLQ,SEC") << "the code decides";
}

TEST(RegistryRecord, AnR5DenialIsOfAllButItsExceptions) {
  json consent = {{"resourceType", "Consent"}, {"id", "c2"},
                  {"status", "active"},        {"subject", Patient()},
                  {"decision", "deny"},        {"provision", {{{"code", {Code(kUse)}}}}}};
  auto record = Read(consent);
  EXPECT_EQ(record.says.permits.Names(), "SEC");
  EXPECT_EQ(record.refused.Names(), "AF,SLQ");
  EXPECT_FALSE(record.refuses_outside);
  consent["period"] = {{"end", "2028"}};
  EXPECT_FALSE(Read(consent).refuses_outside) << "over as a whole";
  consent["provision"][0]["period"] = {{"end", "2027"}};
  EXPECT_TRUE(Read(consent).refuses_outside) << "the denial is longer in force than the exception";
  EXPECT_EQ(Read(consent).says.until, *ParseRfc3339("2028-01-01T00:00:00Z"));
  consent["provision"][0]["code"] = json::array({Code("new")});
  record = Read(consent);
  EXPECT_TRUE(record.says.permits.empty());
  EXPECT_EQ(record.refused, PermissionSet::All());
}

TEST(RegistryRecord, AnObjectionRegistersCodeDecidesByItself) {
  json consent = {{"resourceType", "Consent"},
                  {"id", "c3"},
                  {"status", "active"},
                  {"patient", Patient()},
                  {"policyRule", Code("OPTOUT", "http://terminology.hl7.org/CodeSystem/v3-ActCode")}};
  EXPECT_EQ(Read(consent).refused.Names(), "SLQ,SEC");
  EXPECT_FALSE(Read(consent).unreadable);
  consent["status"] = "inactive";
  EXPECT_FALSE(Read(consent).counts);
  consent["status"] = "of-a-kind-unknown";
  EXPECT_EQ(Read(consent).refused, PermissionSet::All());
}

// R5 has no policyRule: its regulatoryBasis says the same, as a list
// (hl7.org/fhir/R5/consent-definitions.html#Consent.regulatoryBasis).
TEST(RegistryRecord, R5SaysInItsRegulatoryBasisWhatDecidesByItself) {
  json consent = {
      {"resourceType", "Consent"},
      {"id", "c3"},
      {"status", "active"},
      {"subject", Patient()},
      {"decision", "deny"},
      {"regulatoryBasis",
       {Code("other"), Code("OPTOUT", "http://terminology.hl7.org/CodeSystem/v3-ActCode")}}};
  EXPECT_EQ(Read(consent).refused.Names(), "SLQ,SEC") << "the code decides of what";
  consent["decision"] = "permit";
  EXPECT_EQ(Read(consent).refused.Names(), "SLQ,SEC") << "and how";
  EXPECT_FALSE(Read(consent).unreadable);
  consent["provision"] = {{{"code", {Code("new")}}}};
  EXPECT_EQ(Read(consent).refused, PermissionSet::All()) << "an exception that nobody knows";
  consent.erase("provision");
  consent["regulatoryBasis"] = json::array({Code("other")});
  EXPECT_TRUE(Read(consent).unreadable) << "permits, but nobody knows what";
  consent["regulatoryBasis"] = Code("OPTOUT", "http://terminology.hl7.org/CodeSystem/v3-ActCode");
  EXPECT_TRUE(Read(consent).unreadable) << "is a list";
}

TEST(RegistryRecord, ARejectionRefusesWhatWasAskedFor) {
  const auto record = Read(R4({{{"type", "permit"}, {"code", {Code(kUse)}}}}, "rejected"));
  EXPECT_TRUE(record.counts);
  EXPECT_TRUE(record.says.permits.empty());
  EXPECT_EQ(record.refused.Names(), "SEC");
}

TEST(RegistryRecord, SaysWhomItIsAboutAndWhoSpoke) {
  json consent = R4(json::array());
  consent["patient"] = {{"reference", "Patient/7"}};
  consent["performer"] = {{{"reference", "RelatedPerson/3"}}};
  auto record = ReadRegistryRecord(consent, Table());
  EXPECT_EQ(record->patient, "Patient/7");
  EXPECT_TRUE(record->says.by_guardian);
  consent["patient"] = {{"identifier", {{"system", "urn:other"}, {"value", "X"}}}};
  EXPECT_EQ(Read(consent).person_identifier, "") << "another system's identifier is another person";
  consent.erase("patient");
  EXPECT_EQ(Read(consent).person_identifier + Read(consent).patient, "");
  for (const char* odd : {"null", "[]", "1", R"({"id":1,"patient":[]})"})
    EXPECT_FALSE(ReadRegistryRecord(json::parse(odd), Table()).has_value());
}

TEST(RegistryRecord, ReferencesMayBeAbsolute) {
  json consent = R4(json::array());
  const auto patient = [&](const std::string& reference) {
    consent["patient"] = {{"reference", reference}};
    return ReadRegistryRecord(consent, Table(), "https://registry.example/r4/")->patient;
  };
  EXPECT_EQ(patient("Patient/7"), "Patient/7");
  EXPECT_EQ(patient("https://registry.example/r4/Patient/7"), "Patient/7");
  EXPECT_EQ(patient("https://registry.example/r4/Patient/7/_history/2"), "Patient/7");
  for (const char* other :
       {"https://other.example/r4/Patient/7", "https://registry.example/r4x/Patient/7", "Patient/",
        "Patient/7/../8", "Patient/..", "RelatedPerson/7", "urn:uuid:7", "#7"})
    EXPECT_EQ(patient(other), "") << other;
}

TEST(RegistryRecord, AGuardianIsSeenWhereverTheReferenceLeads) {
  json consent = R4(json::array());
  consent["contained"] = {{{"resourceType", "RelatedPerson"}, {"id", "g"}},
                          {{"resourceType", "Patient"}, {"id", "p"}}};
  const auto by_guardian = [&](const json& performer) {
    consent["performer"] = json::array({performer});
    return Read(consent).says.by_guardian;
  };
  EXPECT_TRUE(by_guardian({{"reference", "https://registry.example/r4/RelatedPerson/3"}}));
  EXPECT_TRUE(by_guardian({{"reference", "#g"}}));
  EXPECT_TRUE(by_guardian({{"type", "RelatedPerson"}, {"display", "mother"}}));
  EXPECT_FALSE(by_guardian({{"reference", "#p"}}));
  EXPECT_FALSE(by_guardian({{"reference", "Patient/7"}}));
}

// Altruism is of a form of an organisation: without them it permits nobody.
TEST(RegistryRecord, SaysByWhichFormAndOfWhom) {
  json r4 = R4(json::array());
  r4["policy"] = {{{"authority", "https://example"}},
                  {{"uri", "urn:example:dga-form|2"}},
                  {{"uri", "urn:other"}}};
  r4["organization"] = {{{"identifier", {{"value", "ES-ALTRUISM-1"}}}}};
  json r5 = {{"resourceType", "Consent"},
             {"id", "c1"},
             {"status", "active"},
             {"subject", Patient()},
             {"decision", "deny"},
             {"policyBasis", {{"url", "urn:example:dga-form|2"}}},
             {"manager", {{{"identifier", {{"value", "ES-ALTRUISM-1"}}}}}}};
  for (const json& consent : {r4, r5}) {
    EXPECT_EQ(Read(consent).says.form, "urn:example:dga-form|2");
    EXPECT_EQ(Read(consent).says.organisation, "ES-ALTRUISM-1");
  }
  r5.erase("manager");
  r5["controller"] = {{{"reference", "Organization/7"}}};
  r5["policyBasis"] = {{"reference", {{"reference", "DocumentReference/3"}}}};
  EXPECT_EQ(Read(r5).says.organisation, "Organization/7");
  EXPECT_EQ(Read(r5).says.form, "DocumentReference/3");
  r5["policyBasis"] = {{"url", std::string(201, 'x')}};
  r5["controller"] = 7;
  EXPECT_EQ(Read(r5).says.form + Read(r5).says.organisation, "");
}

TEST(RegistryRecord, PatientsHaveIdentifiersAndLives) {
  const auto patient = ReadRegistryPatient(
      {{"identifier", {{{"system", "urn:x"}, {"value", "no"}}, {{"system", "urn:oid:1.2.246.21"}, {"value", "P9"}}}},
       {"birthDate", "2010-05-04"},
       {"deceasedDateTime", "2026-02-03T04:05:06Z"}},
      Table());
  EXPECT_EQ(patient.person_identifier, "P9");
  EXPECT_EQ(patient.who.adult_at, *ParseRfc3339("2028-05-04T00:00:00Z"));
  EXPECT_EQ(patient.who.died_at, *ParseRfc3339("2026-02-03T04:05:06Z"));
  EXPECT_FALSE(patient.lives);
  EXPECT_TRUE(ReadRegistryPatient({{"deceasedBoolean", false}}, Table()).lives);
  EXPECT_FALSE(ReadRegistryPatient({{"deceasedBoolean", true}}, Table()).lives);
  EXPECT_FALSE(ReadRegistryPatient(json::object(), Table()).lives) << "says nothing";
}

// By the country's policy, and not by the registry's table.
TEST(RegistryRecord, PatientsComeOfAgeByThePolicy) {
  RegistryMapping table = Table();
  const auto of_age = [&](const char* born) {
    return ReadRegistryPatient({{"birthDate", born}}, table).who.adult_at;
  };
  EXPECT_EQ(of_age("2012-02-29"), *ParseRfc3339("2030-03-01T00:00:00Z"));
  EXPECT_EQ(of_age("2012-02"), *ParseRfc3339("2030-02-01T00:00:00Z"))
      << "the earliest that is possible";
  table.adult_age = 16;
  EXPECT_EQ(of_age("2012-02-29"), *ParseRfc3339("2028-02-29T00:00:00Z"));
  EXPECT_EQ(of_age("2012"), *ParseRfc3339("2028-01-01T00:00:00Z"));
  EXPECT_EQ(ReadRegistryPatient({{"birthDate", "2012-02-29"}}, table).who.born,
            *ParseRfc3339("2012-02-29T00:00:00Z"));
}

TEST(RegistryMapping, RefusesWhatMeansNothing) {
  const auto age = ParseRegistryMapping(
      R"({"adult_age": 18, "codes": [{"system": "s", "code": "c", "ignore": true}]})");
  EXPECT_NE(Describe(age.status()).find("the consent policy's to say"), std::string::npos);
  for (
      const char* wrong :
      {"", "[]", "{}", R"({"codes": []})", R"({"codes": [{"system": "s"}]})",
       R"({"codes": [{"system": "s", "code": "c"}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["X"]}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["AF"], "conditions": ["DUO:0000045"]}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["SEC"], "conditions": ["DUO:0000022"]}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["SEC"], "conditions": ["nice"]}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["AF"], "ignore": true}]})",
       R"({"codes": [{"system": "s", "code": "c", "permissions": ["AF"], "typo": 1}]})",
       R"({"codes": [{"system": "s", "code": "c", "ignore": true},
                                          {"system": "s", "code": "c", "ignore": true}]})"}) {
    EXPECT_EQ(Reason(ParseRegistryMapping(wrong).status()), "REGISTRY_MAPPING_INVALID") << wrong;
  }
}

}  // namespace
}  // namespace genofed::consent
