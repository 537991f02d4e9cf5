// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/consent_export.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/clinical/consent.h"
#include "libs/testing/matchers.h"
#include "services/consent/adapters/statement_terms.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using nlohmann::json;
using testing::HasReason;
using testing::IsOk;

MyPermissions Mine() {
  MyPermissions mine;
  mine.policy = "FI-2026-1";
  mine.permissions = Bits(5);
  Statement own{Bits(5), Bits(2), *ParseRfc3339("2026-01-01T00:00:00Z"),
                *ParseRfc3339("2030-01-01T00:00:00Z")};
  own.form = "urn:form|2.1";
  own.recontact = false;
  mine.statements = {{Source::kOwn, "", own}};
  return mine;
}

// Secondary use for health research of not-for-profit organisations alone.
MyPermissions Limited() {
  MyPermissions mine = Mine();
  mine.statements[0].says.purposes = {"DUO:0000006"};
  mine.statements[0].says.conditions = {"DUO:0000045"};
  return mine;
}

const ExportFacts kFacts{"010190-1234", "fi.1mg.example", "FI", *ParseRfc3339("2026-06-01T00:00:00Z")};

// Read back by the code that reads holders' consents, in either release of FHIR.
TEST(ConsentExport, FhirSaysTheSameToAnotherReader) {
  for (const char* format : {"fhir-r4", "fhir-r5"}) {
    auto exported = ExportConsents(format, Mine(), kFacts);
    ASSERT_THAT(exported, IsOk());
    EXPECT_EQ(exported->media_type, "application/fhir+json");
    auto records = clinical::ParseFhirConsents(exported->content);
    ASSERT_THAT(records, IsOk());
    ASSERT_EQ(records->size(), 1u);
    EXPECT_EQ(records->at(0).person_identifier, "010190-1234");
    EXPECT_EQ(records->at(0).PermissionsAt(kFacts.at), 5) << format;
    EXPECT_EQ(records->at(0).PermissionsAt(*ParseRfc3339("2030-01-01T00:00:00Z")), 0) << format;
    EXPECT_EQ(records->at(0).PermissionsAt(*ParseRfc3339("2025-12-31T23:59:59Z")), 0) << format;
  }
  EXPECT_THAT(ExportConsents("xml", Mine(), kFacts), HasReason("FORMAT_UNKNOWN"));
}

json FhirOf(const std::string& format, const MyPermissions& mine) {
  return json::parse(ExportConsents(format, mine, kFacts)->content)["entry"][0]["resource"];
}
json Codes(const json& provision) {
  json codes = json::array();
  for (const json& code : provision["code"]) codes.push_back(code["coding"][0]["code"]);
  return codes;
}

TEST(ConsentExport, FhirKeepsTheFormWithItsVersionAndTheOrganisation) {
  MyPermissions mine = Mine();
  mine.statements[0].says.organisation = "ES-ALTRUISM-1";
  for (const char* format : {"fhir-r4", "fhir-r5"}) {
    auto records = clinical::ParseFhirConsents(ExportConsents(format, mine, kFacts)->content);
    ASSERT_THAT(records, IsOk());
    EXPECT_EQ(records->at(0).form, "urn:form|2.1") << format;
    EXPECT_EQ(records->at(0).organisation, "ES-ALTRUISM-1") << format;
  }
}

TEST(ConsentExport, FhirNamesThePurposesOfAPermission) {
  MyPermissions mine = Limited();
  mine.statements[0].says.conditions.clear();
  const json r4 = FhirOf("fhir-r4", mine)["provision"]["provision"],
             r5 = FhirOf("fhir-r5", mine)["provision"];
  for (const json& provisions : {r4, r5}) {
    EXPECT_EQ(Codes(provisions[0]), json::array({"AF"}));
    EXPECT_FALSE(provisions[0].contains("purpose"));
    EXPECT_EQ(Codes(provisions[1]), json::array({"SEC"}));
    EXPECT_EQ(provisions[1]["purpose"][0]["code"], "DUO:0000006");
    EXPECT_EQ(provisions[1]["purpose"][0]["system"], "http://purl.obolibrary.org/obo/duo.owl");
  }
  EXPECT_EQ(r5.size(), 2u) << "the decision denies the rest";
  EXPECT_EQ(Codes(r4[2]), json::array({"SLQ"}));
}

// What a person takes along limits the next holder as it limited the first; who reads FHIR and does not know our
// extension must not read over it.
TEST(ConsentExport, FhirKeepsTheConditionsOnTheProject) {
  MyPermissions mine = Limited();
  mine.statements[0].says.conditions = {"DUO:0000022=FI", "DUO:0000045"};
  for (const char* format : {"fhir-r4", "fhir-r5"}) {
    auto records = clinical::ParseFhirConsents(ExportConsents(format, mine, kFacts)->content);
    ASSERT_THAT(records, IsOk());
    EXPECT_EQ(records->at(0).PermissionsAt(kFacts.at), 5) << format;
    EXPECT_EQ(records->at(0).LimitsAt(kFacts.at).purposes, std::vector<std::string>{"DUO:0000006"}) << format;
    EXPECT_EQ(records->at(0).LimitsAt(kFacts.at).conditions, mine.statements[0].says.conditions) << format;
  }
  const json limited = FhirOf("fhir-r4", Limited())["provision"]["provision"][1];
  EXPECT_EQ(Codes(limited), json::array({"SEC"}));
  EXPECT_EQ(limited["modifierExtension"], json::parse(R"([{"url": "urn:1plusmg:project-condition", "valueCode": "DUO:0000045"}])"));
}

// In R5 everything that is not excepted is denied, and a "no" is what nobody says.
TEST(ConsentExport, FhirKeepsWishes) {
  MyPermissions mine = Limited();
  Statement& says = mine.statements[0].says;
  says.recontact = true;
  says.incidental_findings = false;
  const auto read = [&](const char* format) {
    auto records = clinical::ParseFhirConsents(ExportConsents(format, mine, kFacts)->content);
    EXPECT_THAT(records, IsOk());
    EXPECT_EQ(records->at(0).PermissionsAt(kFacts.at), 5) << format;
    EXPECT_EQ(records->at(0).LimitsAt(kFacts.at).conditions, says.conditions) << format;
    return records->at(0).WishesAt(kFacts.at);
  };
  EXPECT_EQ(read("fhir-r4"), (clinical::ConsentWishes{true, false}));
  EXPECT_EQ(read("fhir-r5"), (clinical::ConsentWishes{true, {}}));
  says.recontact.reset();
  says.incidental_findings = true;
  EXPECT_EQ(read("fhir-r4"), (clinical::ConsentWishes{{}, true}));
  EXPECT_EQ(read("fhir-r5"), (clinical::ConsentWishes{{}, true}));
}

TEST(ConsentExport, FhirSaysWhoSpokeAndForHowLong) {
  MyPermissions mine = Mine();
  mine.statements[0].source = Source::kHolder;
  mine.statements[0].says.by_guardian = true;
  EXPECT_EQ(FhirOf("fhir-r4", mine)["performer"][0]["type"], "RelatedPerson");
  EXPECT_EQ(FhirOf("fhir-r5", mine)["grantor"][0]["type"], "RelatedPerson");
  EXPECT_TRUE(FhirOf("fhir-r4", mine)["provision"].contains("period"));
  EXPECT_TRUE(FhirOf("fhir-r5", mine).contains("period"));
  // What a person does not permit is refused without an end.
  EXPECT_FALSE(FhirOf("fhir-r4", Mine())["provision"].contains("period"));
  EXPECT_FALSE(FhirOf("fhir-r5", Mine()).contains("period"));
}

TEST(ConsentExport, DuoAndReceipt) {
  const json duo = json::parse(ExportConsents("duo", Limited(), kFacts)->content);
  EXPECT_EQ(duo["dataUse"][0]["duo"], "DUO:0000006");
  EXPECT_EQ(duo["dataUse"][0]["uri"], "http://purl.obolibrary.org/obo/DUO_0000006");
  EXPECT_EQ(duo["dataUse"][0]["modifiers"][0], "DUO:0000045");
  const json receipt = json::parse(ExportConsents("receipt", Mine(), kFacts)->content);
  EXPECT_EQ(receipt["dct:conformsTo"], "ISO/IEC TS 27560:2023");
  EXPECT_EQ(receipt["dpv:hasRecord"][0]["dpv:hasConsentStatus"]["@id"], "dpv:ConsentGiven");
  EXPECT_EQ(receipt["dpv:hasRecord"][0]["permits"], json({"AF", "SEC"}));
}

TEST(ConsentExport, EverythingIsInOneDocumentHoweverManyAccessesThereAre) {
  const DatasetVersion dataset{"GOE-FI-A-1", 1};
  MemoryStore store;
  Node node(store);
  ASSERT_THAT(node.registrar.Run(node.ctx, {dataset, {{kFacts.person, Says(7)}}}), IsOk());
  store.state.headers = {{"o1", {"o1", dataset, "", "phenotypes"}},
                         {"o2", {"o2", dataset, "", "genotypes"}}};
  ASSERT_THAT(node.mine.Set(node.ctx, kFacts.person, Limited().statements[0].says), IsOk());
  constexpr int kRuns = 250;
  for (int i = 0; i < kRuns; ++i)
    ASSERT_THAT(node.AppendRun(dataset, "run-" + std::to_string(i)), IsOk());
  std::string document, token;
  int pieces = 0;
  do {
    const auto piece = ExportEverything(node.ctx, node.mine, token, kFacts);
    ASSERT_THAT(piece, IsOk());
    document += piece->json;
    token = piece->next_page_token;
    ++pieces;
  } while (!token.empty());
  EXPECT_EQ(pieces, 3);
  const json all = json::parse(document);
  EXPECT_EQ(all["about"], "010190-1234");
  EXPECT_EQ(all["statements"][0]["terms"]["purposes"][0], "DUO:0000006");
  EXPECT_EQ(all["held"], json::parse(R"([{"dataset": "GOE-FI-A-1", "version": 1,
                                          "files": ["genotypes", "phenotypes"]}])"));
  EXPECT_FALSE(all["openings"].empty());
  ASSERT_EQ(all["accesses"].size(), static_cast<std::size_t>(kRuns));
  for (std::size_t i = 0; i < kRuns; ++i) {
    EXPECT_EQ(all["accesses"][i]["run"], "run-" + std::to_string(kRuns - 1 - i));
    EXPECT_FALSE(all["accesses"][i]["receipt"].empty());
  }
  // Of a stranger there is a document, and nothing in it.
  ExportFacts stranger = kFacts;
  stranger.person = "stranger";
  const auto nothing = ExportEverything(node.ctx, node.mine, "", stranger);
  ASSERT_THAT(nothing, IsOk());
  EXPECT_TRUE(json::parse(nothing->json)["accesses"].empty());
  EXPECT_FALSE(json::parse(nothing->json).contains("held"));
}

TEST(StatementTerms, SurviveStorageAndAreNeverGuessed) {
  const Statement own = Limited().statements[0].says;
  Statement read{own.permits, own.denies, own.from, own.until};
  ASSERT_THAT(ReadTerms(WriteTerms(own), read), IsOk());
  EXPECT_EQ(read, own);
  EXPECT_EQ(WriteTerms(Statement{Bits(7), {}, {}, {}}), "");
  for (const char* broken : {"{", "[]", R"({"unknown": 1})", R"({"purposes": "x"})", R"({"guardian": "yes"})"}) {
    Statement statement;
    EXPECT_THAT(ReadTerms(broken, statement), HasReason("TERMS_BROKEN")) << broken;
  }
}

}  // namespace
}  // namespace genofed::consent
