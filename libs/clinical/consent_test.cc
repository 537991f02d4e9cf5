// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/consent.h"

#include <gmock/gmock.h>

#include "libs/clinical/test_support.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

std::string Code(const std::string& code, const char* system = "urn:1plusmg:consent-permission") {
  return R"("code":[{"coding":[{"system":")" + std::string(system) + R"(","code":")" + code +
         R"("}]}])";
}

std::string Consent(const std::string& person, const std::string& provision,
                    const std::string& status = "active") {
  return R"({"resource":{"resourceType":"Consent","status":")" + status +
         R"(","patient":{"identifier":{"value":")" + person +
         R"("}},"dateTime":"2024-02","provision":)" + provision + "}}";
}

std::string Bundle(const std::vector<std::string>& entries) {
  std::string text = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
  for (std::size_t i = 0; i < entries.size(); ++i) text += (i > 0 ? "," : "") + entries[i];
  return text + "]}";
}

int Permissions(const std::string& provision, const std::string& status = "active") {
  auto records = ParseFhirConsents(Bundle({Consent("P", provision, status)}));
  return records.ok() ? (*records)[0].PermissionsAt(*ParseRfc3339("2025-01-01T00:00:00Z")) : -1;
}

TEST(ConsentTest, DenyWinsAndOnlyActiveCounts) {
  std::string permit_af = R"({"type":"permit",)" + Code("AF") + "}";
  std::string permit_slq = R"({"type":"permit",)" + Code("SLQ") + "}";
  std::string deny_af = R"({"type":"deny",)" + Code("AF") + "}";
  std::string base = R"({"type":"deny","provision":[)";
  EXPECT_EQ(Permissions(base + permit_af + "]}"), kPermitAlleleFrequency);
  EXPECT_EQ(Permissions(base + permit_af + "," + permit_slq + "]}"),
            kPermitAlleleFrequency | kPermitSubjectLevel);
  EXPECT_EQ(Permissions(base + deny_af + "," + permit_af + "," + permit_slq + "]}"),
            kPermitSubjectLevel);
  EXPECT_EQ(Permissions(base + permit_af + "," + deny_af + "]}"), 0);
  EXPECT_EQ(Permissions(base + permit_af + R"(,{"type":"deny"}]})"), 0) << "a denial of everything";
  EXPECT_EQ(Permissions(base + permit_af + R"(,{"type":"deny",)" + Code("x", "urn:other") + "}]}"),
            0);
  EXPECT_EQ(Permissions(R"({"type":"permit"})"), 0) << "a permission must be named";
  EXPECT_EQ(Permissions(base + permit_af + "]}", "inactive"), 0);
  EXPECT_EQ(Permissions(base + permit_af + "]}", "on-hold"), -1);
  EXPECT_EQ(Permissions(base + R"({"type":"permit",)" + Code("XX") + "}]}"), -1);
  EXPECT_EQ(Permissions(base + R"({"type":"permit","purpose":[],)" + Code("AF") + "}]}"), -1);
}

constexpr char kDuo[] = "http://purl.obolibrary.org/obo/duo.owl";
constexpr char kOwn[] = "urn:1plusmg:purpose";

std::string Purpose(const std::string& code, const char* system = kDuo) {
  return R"({"system":")" + std::string(system) + R"(","code":")" + code + R"("})";
}

std::string Condition(const std::string& code) {
  return R"({"url":"urn:1plusmg:project-condition","valueCode":")" + code + R"("})";
}

// A permit of these codes for purposes, under conditions; either may be empty.
std::string Limited(const std::string& codes, const std::string& purposes,
                    const std::string& conditions = "") {
  return R"({"type":"permit",)" + codes +
         (purposes.empty() ? "" : R"(,"purpose":[)" + purposes + "]") +
         (conditions.empty() ? "" : R"(,"modifierExtension":[)" + conditions + "]") + "}";
}

std::string Root(const std::string& provisions) {
  return R"({"type":"deny","provision":[)" + provisions + "]}";
}

const Time kThen = *ParseRfc3339("2025-01-01T00:00:00Z");

using Codes = std::vector<std::string>;

TEST(ConsentTest, SecondaryUseMayBeForPurposesAndUnderConditions) {
  const auto read = [](const std::string& provisions) {
    auto records = ParseFhirConsents(Bundle({Consent("P", Root(provisions))}));
    EXPECT_TRUE(records.ok()) << Describe(records.status());
    return records.ok() ? records->at(0).LimitsAt(kThen) : ConsentLimits{{"unreadable"}, {}};
  };
  EXPECT_EQ(read(Limited(Code("SEC"), "")), ConsentLimits());
  EXPECT_EQ(read(Limited(Code("SEC"), Purpose("DUO:0000006") + "," + Purpose("EHDS:53-1-a", kOwn),
                         Condition("DUO:0000045") + "," + Condition("DUO:0000022=FI"))),
            (ConsentLimits{{"DUO:0000006", "EHDS:53-1-a"}, {"DUO:0000022=FI", "DUO:0000045"}}));
  // One record has one list of each: every purpose that is permitted, and every condition of any.
  EXPECT_EQ(read(Limited(Code("SEC"), Purpose("DUO:0000006"), Condition("DUO:0000045")) + "," +
                 Limited(Code("SEC"), Purpose("DUO:0000011"))),
            (ConsentLimits{{"DUO:0000006", "DUO:0000011"}, {"DUO:0000045"}}));
  EXPECT_EQ(read(Limited(Code("SEC"), Purpose("DUO:0000006"), Condition("DUO:0000045")) + "," +
                 Limited(Code("SEC"), "")),
            (ConsentLimits{{}, {"DUO:0000045"}}));
  // What is over limits nothing any more, and a denial with a purpose is one of everything.
  EXPECT_EQ(
      read(R"({"type":"permit","period":{"end":"2024"},"purpose":[)" + Purpose("DUO:0000006") +
           "]," + Code("SEC") + "}," + Limited(Code("SEC"), Purpose("DUO:0000011"))),
      (ConsentLimits{{"DUO:0000011"}, {}}));
  EXPECT_EQ(Permissions(Root(Limited(Code("SEC"), "") + R"(,{"type":"deny","purpose":[)" +
                             Purpose("DUO:0000011") + "]," + Code("SEC") + "}")),
            0);
}

std::string Wish(const std::string& type, const std::string& code, const std::string& more = "") {
  return R"({"type":")" + type + R"(",)" + more + Code(code, "urn:1plusmg:consent-wish") + "}";
}

TEST(ConsentTest, WishesStandBesidePermissions) {
  const auto read = [](const std::vector<std::string>& consents) {
    std::vector<std::string> all;
    for (const std::string& provisions : consents) all.push_back(Consent("P", Root(provisions)));
    auto records = ParseFhirConsents(Bundle(all));
    EXPECT_TRUE(records.ok()) << Describe(records.status());
    const auto wishes = WishesOf(*records, kThen);
    return std::pair(static_cast<int>(EffectivePermissions(*records, kThen)["P"]),
                     wishes.contains("P") ? wishes.at("P") : ConsentWishes());
  };
  const std::string research = Limited(Code("SEC"), "");
  const std::string yes = Wish("permit", "recontact"), no = Wish("deny", "recontact"),
                    told = Wish("permit", "incidental-findings");
  EXPECT_EQ(read({research}), std::pair(4, ConsentWishes()));
  EXPECT_EQ(read({research + "," + yes + "," + told}), std::pair(4, ConsentWishes{true, true}));
  EXPECT_EQ(read({research + "," + no}), std::pair(4, ConsentWishes{false, {}}))
      << "a denial of a wish is none of permissions";
  EXPECT_EQ(read({research + "," + no + "," + yes}), std::pair(4, ConsentWishes{false, {}}));
  // A Consent of wishes alone may refuse everything else: a denial wins.
  EXPECT_EQ(read({research, yes}), std::pair(0, ConsentWishes{true, {}}));
  EXPECT_EQ(read({research + "," + yes, research + "," + no}), std::pair(4, ConsentWishes{false, {}}));
  EXPECT_EQ(read({yes}), std::pair(0, ConsentWishes{true, {}}));
  // A denial of something else may be one of wishes, too.
  EXPECT_EQ(read({research + "," + yes + R"(,{"type":"deny","code":[{"coding":[{"system":"urn:x","code":"all"}]}]})"}),
            std::pair(0, ConsentWishes{false, false}));
  EXPECT_EQ(read({research + "," + Wish("permit", "recontact", R"("period":{"end":"2024"},)")}),
            std::pair(4, ConsentWishes()))
      << "over";

  const std::string with_purpose = R"("purpose":[)" + Purpose("DUO:0000006") + "],";
  for (const std::string& wrong :
       {Wish("permit", "letters"), Wish("permit", "recontact", with_purpose)}) {
    EXPECT_EQ(Permissions(Root(wrong)), -1) << wrong;
  }
}

TEST(ConsentTest, ALimitThatNobodyKnowsIsAFaultAndNamed) {
  const auto fault = [](const std::string& provision) {
    const auto records = ParseFhirConsents(Bundle({Consent("P", Root(provision))}));
    const auto fields = Fields(records.status());
    if (Reason(records.status()) != "CONSENT_INVALID" || fields.size() != 1)
      return Describe(records.status());
    constexpr std::string_view kPath = "entry[0].resource.provision.provision[0]";
    EXPECT_TRUE(fields[0].field.starts_with(kPath)) << fields[0].field;
    return fields[0].field.substr(std::min(kPath.size(), fields[0].field.size())) + " " +
           fields[0].description.substr(0, 24);
  };
  EXPECT_EQ(fault(Limited(Code("SEC"), Purpose("DUO:9999999"))),
            ".purpose[0].code must be a purpose, such ");
  EXPECT_EQ(fault(Limited(Code("SEC"), Purpose("health"))),
            ".purpose[0].code must be a purpose, such ");
  EXPECT_EQ(fault(Limited(Code("SEC"), Purpose("EHDS:53-1-a"))),
            ".purpose[0].code must be a purpose, such ");
  EXPECT_EQ(fault(Limited(Code("SEC"), Purpose("DUO:0000006", kOwn))),
            ".purpose[0].code must be a purpose, such ");
  EXPECT_EQ(fault(Limited(Code("SEC"), Purpose("DUO:0000045"))),
            ".purpose[0].code is a condition on the pr");
  EXPECT_EQ(fault(Limited(Code("SEC"),
                          Purpose("HRESCH", "http://terminology.hl7.org/CodeSystem/v3-ActReason"))),
            ".purpose[0].system must be http://purl.obol");
  EXPECT_EQ(fault(R"({"type":"permit","purpose":[],)" + Code("SEC") + "}"),
            ".purpose must be an array of 1 to");
  EXPECT_EQ(fault(Limited(Code("AF"), Purpose("DUO:0000006"))), ".code must be SEC alone, which");
  EXPECT_EQ(fault(Limited(Code("SLQ"), "", Condition("DUO:0000045"))),
            ".code must be SEC alone, which");
  for (const char* code :
       {"DUO:0000022", "DUO:0000022=fi", "DUO:0000006", "DUO:0000043", "not-for-profit"})
    EXPECT_EQ(fault(Limited(Code("SEC"), "", Condition(code))),
              ".modifierExtension[0].valueCode must be a condition that")
        << code;
  EXPECT_EQ(fault(Limited(Code("SEC"), "", R"({"url":"urn:example:x","valueCode":"DUO:0000045"})")),
            ".modifierExtension[0].url changes what is meant in");
  EXPECT_EQ(fault(Limited(Code("SEC"), "", R"({"url":"urn:1plusmg:project-condition"})")),
            ".modifierExtension[0].valueCode is required");
  // It would be limited, too, and its rule does not say so.
  EXPECT_EQ(fault(R"({"type":"permit","purpose":[)" + Purpose("DUO:0000006") +
                  R"(],"provision":[)" + Limited(Code("SEC"), "") + "]}"),
            ".provision[0] permits within a provisi");
  const auto whole = ParseFhirConsents(
      R"({"resourceType":"Consent","status":"active","patient":{"reference":"Patient/P"},"provision":{"type":"deny"},)"
      R"("modifierExtension":[)" +
      Condition("DUO:0000045") + "]}");
  EXPECT_EQ(Fields(whole.status()).at(0).field, "modifierExtension[0].url")
      << "of a provision alone";
}

// Two records of one person: each limits the other.
TEST(ConsentTest, LimitsOfSeveralConsentsAllHold) {
  const auto both = [](const std::string& one, const std::string& other) {
    auto records = ParseFhirConsents(Bundle({Consent("P", Root(one)), Consent("P", Root(other))}));
    EXPECT_TRUE(records.ok()) << Describe(records.status());
    return std::pair(int{EffectivePermissions(*records, kThen)["P"]},
                     LimitsOfPermissions(*records, kThen)["P"]);
  };
  const auto sec = [](const std::string& purpose, const std::string& condition = "") {
    return Limited(Code("SEC"), purpose.empty() ? "" : Purpose(purpose),
                   condition.empty() ? "" : Condition(condition));
  };
  EXPECT_EQ(both(sec("DUO:0000042"), sec("DUO:0000006")),
            std::pair(4, ConsentLimits{{"DUO:0000006"}, {}}));
  EXPECT_EQ(both(sec("DUO:0000007"), sec("DUO:0000006")),
            std::pair(4, ConsentLimits{{"DUO:0000007"}, {}}));
  EXPECT_EQ(both(sec("", "DUO:0000045"), sec("DUO:0000006", "DUO:0000021")),
            std::pair(4, ConsentLimits{{"DUO:0000006"}, {"DUO:0000021", "DUO:0000045"}}));
  EXPECT_EQ(both(sec("DUO:0000011"), sec("DUO:0000006")).first, 0) << "nothing in common";
  EXPECT_EQ(both(sec("DUO:0000011"), Limited(Code("AF"), "")).first, 0)
      << "one of them does not permit it";
}

TEST(ConsentTest, OneWrongEntryRefusesTheBundleAndIsNamed) {
  std::string good = Consent("P1", R"({"type":"deny"})");
  auto records =
      ParseFhirConsents(Bundle({good, R"({"resource":{"resourceType":"Patient"}})",
                                R"({"resource":{"resourceType":"Consent","status":"active"}})"}));
  EXPECT_EQ(Reason(records.status()), "CONSENT_INVALID");
  ASSERT_EQ(Fields(records.status()).size(), 2U);
  EXPECT_EQ(Fields(records.status())[0].field, "entry[2].resource.patient");
  EXPECT_EQ(Fields(records.status())[1].field, "entry[2].resource.provision");
  for (const char* bad : {"", "[]", "{}", R"({"resourceType":"Bundle","entry":7})",
                          R"({"resourceType":"Bundle","entry":[7]})"}) {
    EXPECT_FALSE(ParseFhirConsents(bad).ok()) << bad;
  }
  EXPECT_TRUE(ParseFhirConsents(R"({"resourceType":"Bundle"})")->empty());
}

TEST(ConsentTest, SeveralConsentsOfOnePersonIntersect) {
  auto provision = [](const std::string& codes, const std::string& period) {
    std::string text = R"({"type":"deny",)" + period + R"("provision":[)";
    for (std::string_view code : Split(codes, ' ')) {
      text += std::string(text.back() == '[' ? "" : ",") + R"({"type":"permit",)" +
              Code(std::string(code)) + "}";
    }
    return text + "]}";
  };
  auto records = ParseFhirConsents(
      Bundle({Consent("P1", provision("AF SLQ", "")), Consent("P1", provision("AF SEC", "")),
              Consent("P1", provision("SEC", ""), "inactive"),
              Consent("P2", provision("AF", ""), "rejected"),
              Consent("P3", provision("AF", R"("period":{"start":"2024","end":"2024-06-30"},)"))}));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  auto at = [&](const char* time) { return EffectivePermissions(*records, *ParseRfc3339(time)); };
  EXPECT_EQ(at("2024-05-01T00:00:00Z")["P1"], kPermitAlleleFrequency);
  EXPECT_EQ(at("2024-05-01T00:00:00Z")["P2"], 0);
  EXPECT_EQ(at("2024-06-30T23:59:59Z")["P3"], kPermitAlleleFrequency)
      << "the end date is inclusive";
  EXPECT_EQ(at("2024-07-01T00:00:00Z")["P3"], 0);
  EXPECT_EQ(at("2023-12-31T23:59:59Z")["P3"], 0);
}

// FHIR R5: the decision is the base, and each level of provisions the opposite of the level around it
// (hl7.org/fhir/R5/consent-definitions.html#Consent.decision).
int PermissionsR5(const std::string& decision, const std::string& provisions) {
  auto records = ParseFhirConsents(
      R"({"resourceType":"Consent","status":"active","subject":{"reference":"Patient/P"},"date":"2024-02-01")" +
      (decision.empty() ? "" : R"(,"decision":")" + decision + "\"") + R"(,"provision":[)" + provisions + "]}");
  return records.ok() ? (*records)[0].PermissionsAt(*ParseRfc3339("2025-01-01T00:00:00Z")) : -1;
}

TEST(ConsentTest, R5ProvisionsAreExceptions) {
  const std::string af = "{" + Code("AF") + "}", slq = "{" + Code("SLQ") + "}";
  EXPECT_EQ(PermissionsR5("deny", af), kPermitAlleleFrequency);
  EXPECT_EQ(PermissionsR5("deny", af + "," + slq), kPermitAlleleFrequency | kPermitSubjectLevel);
  EXPECT_EQ(PermissionsR5("permit", af), 0) << "an exception from a permission; nothing is named as permitted";
  EXPECT_EQ(PermissionsR5("deny", "{" + Code("AF") + R"(,"provision":[)" + af + "]}"), 0) << "denied one level deeper";
  EXPECT_EQ(PermissionsR5("deny", "{" + Code("AF") + R"(,"provision":[{"actor":[]}]})"), 0) << "may mean anything";
  EXPECT_EQ(PermissionsR5("deny", "{" + Code("AF") + R"(,"period":{"end":"2024-12-31"}})"), 0) << "is over";
  EXPECT_EQ(PermissionsR5("", af), -1);
  EXPECT_EQ(PermissionsR5("maybe", af), -1);
  EXPECT_EQ(PermissionsR5("deny", "7"), -1);
}

TEST(ConsentTest, PeriodsOfProvisionsLieInThoseAroundThem) {
  auto records = ParseFhirConsents(Bundle({Consent(
      "P", R"({"type":"deny","period":{"start":"2024","end":"2026"},"provision":[{"type":"permit","period":{"start":"2020","end":"2025"},)" +
               Code("AF") + R"(},{"type":"permit",)" + Code("SLQ") + "}]}")}));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  auto at = [&](const char* time) { return int{(*records)[0].PermissionsAt(*ParseRfc3339(time))}; };
  EXPECT_EQ(at("2023-06-01T00:00:00Z"), 0);
  EXPECT_EQ(at("2025-12-31T23:59:59Z"), kPermitAlleleFrequency | kPermitSubjectLevel);
  EXPECT_EQ(at("2026-01-01T00:00:00Z"), kPermitSubjectLevel);
  EXPECT_EQ(at("2027-01-01T00:00:00Z"), 0);
}

// A consent to treatment without any of our permissions must not take away what a consent to research gives.
TEST(ConsentTest, ConsentsToTreatmentAreLeftOut) {
  const std::string treatment =
      R"({"resource":{"resourceType":"Consent","status":"active","scope":{"coding":[{"code":"treatment"}]},)"
      R"("patient":{"reference":"Patient/P"},"provision":{"type":"permit"}}})";
  auto records = ParseFhirConsents(Bundle({treatment}));
  ASSERT_TRUE(records.ok());
  EXPECT_TRUE(records->empty());
}

// R4 names who spoke in performer, R5 in grantor; the reference may lead anywhere.
TEST(ConsentTest, SaysWhetherAGuardianSpokeAndByWhichForm) {
  const auto read = [](const std::string& members) {
    auto records = ParseFhirConsents(
        R"({"resourceType":"Consent","status":"active","patient":{"reference":"Patient/P"},"provision":{"type":"deny"},)" +
        members + "}");
    return records.ok() ? records->at(0) : ConsentRecord();
  };
  for (const char* member : {"performer", "grantor"}) {
    const auto by_guardian = [&](const std::string& who) {
      return read("\"" + std::string(member) + "\":[" + who +
                  R"(],"contained":[{"resourceType":"RelatedPerson","id":"g"}])")
          .by_guardian;
    };
    EXPECT_TRUE(by_guardian(R"({"reference":"RelatedPerson/3"})"));
    EXPECT_TRUE(by_guardian(R"({"reference":"https://registry.example/r4/RelatedPerson/3"})"));
    EXPECT_TRUE(by_guardian(R"({"reference":"#g"})"));
    EXPECT_TRUE(
        by_guardian(R"({"reference":"Patient/P"},{"type":"RelatedPerson","display":"mother"})"));
    EXPECT_FALSE(by_guardian(R"({"reference":"Patient/P"})"));
    EXPECT_FALSE(by_guardian(R"({"reference":"#p"})"));
  }
  EXPECT_EQ(read(R"("policy":[{"authority":"a"},{"uri":"urn:form|2"}])").form, "urn:form|2");
  EXPECT_EQ(read(R"("policyBasis":{"url":"urn:form|2"})").form, "urn:form|2");
  EXPECT_EQ(read(R"("organization":[{"identifier":{"value":"ORG-1"}}])").organisation, "ORG-1");
  EXPECT_EQ(read(R"("controller":[{"reference":"Organization/1"}])").organisation,
            "Organization/1");
}

TEST(ConsentTest, PatientsOfTheBundleTellWhenPeopleWereBornAndDied) {
  const auto patient = [](const std::string& members) {
    return R"({"resource":{"resourceType":"Patient",)" + members + "}}";
  };
  auto records = ParseFhirConsents(Bundle(
      {Consent("P1", R"({"type":"deny"})"), Consent("P2", R"({"type":"deny"})"),
       Consent("P3", R"({"type":"deny"})"),
       patient(
           R"("id":"7","identifier":[{"value":"P1"}],"birthDate":"2010-05","deceasedDateTime":"2020-01-02T03:04:05Z")"),
       patient(R"("id":"P2","deceasedBoolean":true)")}));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  EXPECT_EQ(records->at(0).birth_date, ParseIsoDate("2010-05"));
  EXPECT_EQ(records->at(0).death_date, ParseIsoDate("2020-01-02"));
  EXPECT_TRUE(records->at(1).died && !records->at(1).death_date && !records->at(1).birth_date);
  EXPECT_FALSE(records->at(2).died);
  EXPECT_EQ(ReachesAge(*records->at(0).birth_date, kAdultAge),
            *ParseRfc3339("2028-05-01T00:00:00Z"))
      << "the earliest";
  EXPECT_EQ(ReachesAge(*ParseIsoDate("2004-02-29"), 18), *ParseRfc3339("2022-03-01T00:00:00Z"));
}

// One person's consents give one answer: a guardian among those who gave it makes all of it lapse.
TEST(ConsentTest, OriginsAreThoseOfAllConsentsInForce) {
  ConsentRecord own, guardian;
  own.person_identifier = guardian.person_identifier = "P";
  own.status = guardian.status = ConsentStatus::kActive;
  own.form = guardian.form = "urn:form|1";
  guardian.by_guardian = true;
  const Time now = *ParseRfc3339("2025-01-01T00:00:00Z");
  EXPECT_TRUE(OriginsOfPermissions(std::vector{own, guardian}, now)["P"].by_guardian);
  EXPECT_EQ(OriginsOfPermissions(std::vector{own, guardian}, now)["P"].form, "urn:form|1");
  guardian.form = "urn:form|2";
  EXPECT_EQ(OriginsOfPermissions(std::vector{own, guardian}, now)["P"].form, "");
  guardian.status = ConsentStatus::kEnded;
  EXPECT_FALSE(OriginsOfPermissions(std::vector{own, guardian}, now)["P"].by_guardian);
  ConsentRecord wishes = own;
  wishes.form = "urn:recontact|1";
  wishes.rules.push_back({true, 0, {}, {}, {}, kWishRecontact});
  EXPECT_EQ(OriginsOfPermissions(std::vector{wishes, own}, now)["P"].form, "urn:form|1");
  EXPECT_EQ(OriginsOfPermissions(std::vector{wishes}, now)["P"].form, "urn:recontact|1");
}

// expected.tsv was written independently: last column, for example AF,SLQ,SEC.
TEST(ConsentTest, SharedBundleGivesTheExpectedPermissions) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the consent bundle";
  auto records = ParseFhirConsents(ReadText(SharedDir() / "etl-equivalence/consents.fhir-r4.json"));
  ASSERT_TRUE(records.ok()) << Describe(records.status());
  EXPECT_EQ(records->size(), 30U);
  auto effective = EffectivePermissions(*records, *ParseRfc3339("2025-01-01T00:00:00Z"));
  std::string table = ReadText(SharedDir() / "etl-equivalence/expected.tsv");
  int people = 0;
  for (std::string_view line : Split(table, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    auto columns = Split(line, '\t');
    int expected = 0;
    for (std::string_view word : Split(Trim(columns.back()), ',')) {
      expected |= word == "AF" ? 1 : word == "SLQ" ? 2 : word == "SEC" ? 4 : 0;
    }
    EXPECT_EQ(effective[std::string(columns[0])], expected) << "person " << people;
    ++people;
  }
  EXPECT_EQ(people, 40);
}

}  // namespace
}  // namespace genofed::clinical
