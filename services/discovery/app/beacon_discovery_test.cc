// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/beacon_discovery.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stop_token>

#include "libs/beacon/snapshot.h"
#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/discovery/app/beacon_disclosure.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using beacon::EntryType;
using genofed::testing::HasReason;
using nlohmann::json;
using std::chrono::seconds;

class FakeStore final : public BeaconStore {
 public:
  Status Add(const Context&, const BeaconPublication& publication) override {
    if (std::find(rows.begin(), rows.end(), publication) == rows.end()) rows.push_back(publication);
    return absl::OkStatus();
  }
  Status Replace(const Context&, const BeaconPublication& publication) override {
    for (BeaconPublication& row : rows) {
      if (row.dataset == publication.dataset && row.version == publication.version) row = publication;
    }
    return absl::OkStatus();
  }
  Result<std::vector<BeaconPublication>> List(const Context&) override { return rows; }
  std::vector<BeaconPublication> rows;
};

// Dataset A: 20 people, p0 to p11 female; each has a sample. Variant "common" has 8 carriers,
// "rare" has 2; of "frequency" only an allele count is known. The folder "many" has 30 more
// variants like "common"; in "effects" terms say what they do; in "seizures" p0 to p9 have
// these, in "seizures and one" p10 has just what they are a kind of; "six" has as many datasets, of which B has 20 people and a variant
// "common", too.
beacon::Folder MakeFolder(const std::string& path) {
  beacon::Folder folder;
  const auto add = [&](EntryType type, const std::string& id, json record,
                       const std::string& dataset = "A") {
    record[std::string(beacon::Facts(type).id_field)] = id;
    folder.records[beacon::Index(type)].push_back({dataset, id, record.dump()});
  };
  add(EntryType::kDataset, "A", {{"name", "a"}});
  add(EntryType::kCohort, "C", {{"name", "c"}});
  const auto variant = [](int start) {
    return json{{"variation",
                 {{"variantType", "SNP"},
                  {"referenceBases", "A"},
                  {"alternateBases", "T"},
                  {"location",
                   {{"sequence_id", "refseq:NC_000003.12"},
                    {"interval", {{"start", start}, {"end", start + 1}}}}}}}};
  };
  json common = variant(10), rare = variant(20), frequency = variant(30);
  for (int i = 0; i < 20; ++i) {
    const std::string person = "p" + std::to_string(i);
    json described = {{"sex", {{"id", i < 12 ? "NCIT:C16576" : "NCIT:C20197"}}},
                      {"ethnicity", {{"id", i < 17 ? "ET:1" : "ET:2"}}}};
    const auto has = [&](const char* term, const char* label) {
      described["phenotypicFeatures"] = json::array({{{"featureType", {{"id", term}, {"label", label}}}}});
    };
    if (path.starts_with("seizures") && i < 10) has("HP:0001250", "fits");
    if (path == "seizures and one" && i == 10) has("HP:0012638", "something");
    add(EntryType::kIndividual, person, described);
    add(EntryType::kBiosample, "b" + std::to_string(i), {{"individualId", person}});
    const json carrier = {{"individualId", person},
                          {"biosampleId", "b" + std::to_string(i)},
                          {"zygosity", {{"id", i < 7 ? "GENO:0000135" : "GENO:0000136"}}}};
    if (i < 8) common["caseLevelData"].push_back(carrier);
    if (i < 2) rare["caseLevelData"].push_back(carrier);
  }
  frequency["frequencyInPopulations"] = {{{"source", "s"},
                                          {"sourceReference", "r"},
                                          {"frequencies",
                                           {{{"population", "Total"},
                                             {"alleleCount", 40},
                                             {"alleleNumber", 100},
                                             {"alleleFrequency", 0.4}}}}}};
  const auto effect = [](const char* term) { return json::array({{{"id", term}}}); };
  if (path == "effects") {
    common["molecularAttributes"]["molecularEffects"] = effect("SO:0001583");
    rare["molecularAttributes"]["molecularEffects"] = effect("SO:0001587");
  }
  add(EntryType::kVariant, "common", common);
  add(EntryType::kVariant, "rare", rare);
  add(EntryType::kVariant, "frequency", frequency);
  for (int i = 0; path == "many" && i < 30; ++i) {
    json more = variant(100 + i);
    more["caseLevelData"] = common["caseLevelData"];
    add(EntryType::kVariant, "more" + std::to_string(i), more);
  }
  if (path != "six") return folder;
  for (const char* dataset : {"B", "C", "D", "E", "F"})
    add(EntryType::kDataset, dataset, {{"name", dataset}}, dataset);
  for (int i = 0; i < 20; ++i)
    add(EntryType::kIndividual, "p" + std::to_string(i), {{"sex", {{"id", "NCIT:C16576"}}}}, "B");
  add(EntryType::kVariant, "common", common, "B");
  return folder;
}

class FakeOpener final : public BeaconOpener {
 public:
  Result<std::shared_ptr<const beacon::Collection>> Open(
      const BeaconPublication& publication) override {
    if (publication.path == "broken")
      return Error(StatusCode::kDataLoss, "SNAPSHOT_CORRUPT", "broken");
    beacon::Folder folder = MakeFolder(publication.path);
    if (const auto named = names.find(publication.dataset); named != names.end())
      Rename(folder, named->second);
    return std::make_shared<const beacon::Collection>(
        beacon::CollectionOf(folder, publication.path == "test").value());
  }
  std::map<std::string, std::string> names;  // of dataset A, by folder

 private:
  static void Rename(beacon::Folder& folder, const std::string& name) {
    for (auto& records : folder.records) {
      for (beacon::FolderRecord& record : records) record.dataset = name;
    }
    beacon::FolderRecord& described = folder.records[beacon::Index(EntryType::kDataset)].front();
    json record = json::parse(described.json);
    record["id"] = described.id = name;
    described.json = record.dump();
  }
};

class BeaconDiscoveryTest : public ::testing::Test {
 protected:
  BeaconDiscoveryTest() { consent_.rows["F"] = 20; }

  void Publish(const std::string& path = "folder", const std::string& name = "F") {
    ASSERT_TRUE(view_.Publish(ctx_, {name, 1, path, "x"}).ok());
  }
  BeaconDiscovery Discovery(bool open) {
    return {view_, mechanism_, budgets_, audit_, clock_, open, nullptr, &record_access_};
  }
  Result<BeaconAnswer> Ask(const beacon::Target& target, const char* query, bool open = false,
                           const OpenedDatasets& opened = {}) {
    return Discovery(open).Run(
        ctx_, beacon::ParseRequest(target, std::string(R"({"query":)") + query + "}").value(),
        opened, "me");
  }
  Result<BeaconAnswer> Ask(EntryType type, const char* query, bool open = false,
                           const OpenedDatasets& opened = {}) {
    return Ask(beacon::Target{type, std::nullopt, ""}, query, open, opened);
  }
  std::int64_t Count(EntryType type, const char* query, bool open = false) {
    return Ask(type, query, open).value().count;
  }

  static Context AsAnn() {
    Principal principal;
    principal.user.emplace();
    principal.user->subject = "ann";
    return Context::Background().WithPrincipal(std::move(principal));
  }

  const Context ctx_ = AsAnn();
  FakeStore store_;
  FakeOpener opener_;
  FakeConsent consent_;
  FakeProjectConsent project_consent_{consent_};
  FakeListing listing_;
  Context::SteadyTime now_{seconds(1000)};
  testing::FakeClock clock_;
  RecordAccess record_access_{project_consent_, clock_};
  FakeBudgetStore budget_store_;
  Budgets all_budgets_{budget_store_, clock_};
  Budgets* budgets_ = nullptr;
  FakeAuditStore audit_store_;
  DisclosureAudit audit_{audit_store_};
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  BeaconView view_{
      store_, opener_, consent_, listing_, mechanism_, seconds(5), [this] { return now_; }};
};

TEST_F(BeaconDiscoveryTest, WithoutControlEverythingIsAnswered) {
  Publish();
  GF_ASSERT_OK_AND_ASSIGN(
      const auto answer,
      Ask(EntryType::kIndividual,
          R"({"filters": ["NCIT:C16576"], "pagination": {"skip": 1, "limit": 5}})", true));
  EXPECT_EQ(answer.count, 12);
  EXPECT_EQ(answer.granularity, beacon::Granularity::kRecord);
  ASSERT_EQ(answer.sets.size(), 1U);
  EXPECT_EQ(answer.sets[0].results.size(), 5U);
  EXPECT_EQ(json::parse(answer.sets[0].results[0])["id"], "p5");
  EXPECT_EQ(Count(EntryType::kVariant, "{}", true), 3);
}

TEST_F(BeaconDiscoveryTest, UnderControlCountsFollowTheFloor) {
  Publish();
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["NCIT:C16576"]})"), 12);
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["ET:2"]})"), 0) << "3 of 20";
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["ET:1"]})"), 20)
      << "but 3 of 20 are said to match, too";
  EXPECT_EQ(Count(EntryType::kBiosample, R"({"filters": [{"id": "ET:2", "scope": "individual"}]})"),
            0)
      << "samples count by their people";
  EXPECT_EQ(Count(EntryType::kBiosample, "{}"), 20);
  const auto lowered = Ask(EntryType::kIndividual, "{}").value();
  EXPECT_EQ(lowered.granularity, beacon::Granularity::kCount);
  EXPECT_TRUE(lowered.sets[0].results.empty());
  // One person by name is no more to be had than somebody who is not there.
  for (const char* id : {"p0", "nobody"}) {
    const auto one =
        Discovery(false)
            .Run(ctx_, beacon::ParseRequest({EntryType::kIndividual, std::nullopt, id}, "").value(),
                 {}, "me")
            .value();
    EXPECT_FALSE(one.exists) << id;
  }
}

TEST_F(BeaconDiscoveryTest, UnderControlVariantsAreMentionedWithEnoughCarriers) {
  Publish();
  const auto answer = Ask(EntryType::kVariant, "{}").value();
  EXPECT_EQ(answer.count, 2);
  EXPECT_EQ(answer.granularity, beacon::Granularity::kRecord);
  std::vector<std::string> ids;
  for (const std::string& result : answer.sets[0].results) {
    const json record = json::parse(result);
    ids.push_back(record["variantInternalId"]);
    EXPECT_FALSE(record.contains("caseLevelData"));
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"common", "frequency"}));
  // Of the 8 carriers 8 are female and none is male: a filter counts those who meet it.
  EXPECT_EQ(Count(EntryType::kVariant, R"({"filters": ["NCIT:C16576"]})"), 1);
  EXPECT_EQ(Count(EntryType::kVariant, R"({"filters": ["NCIT:C20197"]})"), 0);
  // A dataset with so few carriers is none that has the variant.
  EXPECT_EQ(
      Count(
          EntryType::kDataset,
          R"({"requestParameters": {"referenceName": "3", "start": [10], "alternateBases": "T"}})"),
      1);
  EXPECT_EQ(
      Count(
          EntryType::kDataset,
          R"({"requestParameters": {"referenceName": "3", "start": [20], "alternateBases": "T"}})"),
      0);
}

// 11A>T on chromosome 3 of GRCh38, by the published sequence: VRS, "Computed identifiers", done once more by hand.
TEST_F(BeaconDiscoveryTest, VariantsHaveTheNamesThatTheirRecordsLack) {
  Publish();
  AlleleNames names;
  ASSERT_TRUE(names.Prepare(ctx_).ok());
  const auto common = [&](bool open, const OpenedDatasets& opened, const AlleleNames* known) {
    const BeaconDiscovery discovery(view_, mechanism_, budgets_, audit_, clock_, open, known,
                                    &record_access_);
    const auto request = beacon::ParseRequest({EntryType::kVariant, std::nullopt, "common"}, "").value();
    return json::parse(discovery.Run(ctx_, request, opened, "me").value().sets.at(0).results.at(0));
  };
  const json expected = {
      {"genomicHGVSId", "NC_000003.12:g.11A>T"},
      {"variantAlternativeIds",
       {{{"id", "ga4gh:VA.g2ia9Qu2x06KuynHH-O2cBkP4g65bbiw"}, {"notes", "GA4GH VRS 2.0"}},
        {{"id", "ga4gh:VA.m6sjk-kKDXICJLR_MVGZTQEsiDdJx5yd"}, {"notes", "GA4GH VRS 1.3"}}}}};
  EXPECT_EQ(common(false, {}, &names)["identifiers"], expected);
  const json by_visa = common(false, {{"F", {}}}, &names);
  EXPECT_EQ(by_visa["identifiers"], expected);
  EXPECT_TRUE(by_visa.contains("caseLevelData"));
  EXPECT_FALSE(common(false, {}, nullptr).contains("identifiers"));
  EXPECT_FALSE(common(true, {}, &names).contains("identifiers")) << "records are compared with what was loaded";
}

TEST_F(BeaconDiscoveryTest, OfOnePersonsVariantsNothingIsMentioned) {
  Publish();
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {1};
  ++consent_.epoch;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  for (const auto& [parent, id] :
       {std::pair(EntryType::kIndividual, "p0"), std::pair(EntryType::kIndividual, "p1"),
        std::pair(EntryType::kIndividual, "nobody"), std::pair(EntryType::kBiosample, "b0")}) {
    const auto answer = Ask({EntryType::kVariant, parent, id}, "{}").value();
    EXPECT_EQ(answer.count, 0) << id;
    EXPECT_TRUE(answer.sets.empty()) << id;
  }
  EXPECT_EQ(Ask({EntryType::kVariant, EntryType::kIndividual, "p0"}, "{}", true)->count, 2);
  EXPECT_EQ(Ask({EntryType::kVariant, EntryType::kDataset, "A"}, "{}")->count, 2);
}

// Neither by what a variant's record says of its carriers, nor by alternatives of which they alone
// meet one.
TEST_F(BeaconDiscoveryTest, NoFilterPicksOutWhoCarriesAVariant) {
  Publish();
  const std::pair<const char*, std::int64_t> queries[] = {
      {R"({"filters": [{"id": "caseLevelData.individualId", "operator": "=", "value": "p0",
                        "scope": "genomicVariant"}]})",
       2},
      {R"({"filters": [{"id": "caseLevelData.biosampleId", "operator": "=", "value": "b%"}]})", 2},
      {R"({"filters": [{"id": "GENO:0000136", "scope": "genomicVariant"}]})", 1},
      {R"({"filters": [{"id": "frequencyInPopulations.frequencies.alleleCount", "operator": "=",
                        "value": "40"}]})",
       1},
      {R"({"filters": [[{"id": "id", "operator": "=", "value": "b0", "scope": "biosample"},
                        {"id": "NCIT:C20197", "scope": "individual"}]]})",
       2}};
  for (const auto& [query, exactly] : queries) {
    EXPECT_EQ(Count(EntryType::kVariant, query), 0) << query;
    EXPECT_EQ(Count(EntryType::kVariant, query, true), exactly) << query;
  }
  // Of all carriers who meet one or the other enough are told of.
  EXPECT_EQ(
      Count(EntryType::kVariant,
            R"({"filters": [[{"id": "id", "operator": "=", "value": "b0", "scope": "biosample"},
                                   {"id": "NCIT:C16576", "scope": "individual"}]]})"),
      1);
  // A sample counts only for what it carries itself.
  EXPECT_EQ(
      Count(EntryType::kVariant,
            R"({"filters": [{"id": "id", "operator": "=", "value": "b%", "scope": "biosample"}]})"),
      1);
}

TEST_F(BeaconDiscoveryTest, AVisaOpensRecordsOfPeopleWhoPermitThat) {
  Publish();
  consent_.withdrawn[Permission::kSecondaryUse] = {0};
  ++consent_.epoch;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  const auto opened = Ask(EntryType::kIndividual, "{}", false, {{"F", {}}}).value();
  EXPECT_EQ(opened.granularity, beacon::Granularity::kRecord);
  EXPECT_EQ(opened.count, 19);
  EXPECT_EQ(json::parse(opened.sets[0].results[0])["id"], "p1");
  EXPECT_EQ(project_consent_.entries.size(), 1U) << "in the ledger";
  EXPECT_EQ(Ask(EntryType::kIndividual, "{}", false, {{"OTHER", {}}})->granularity,
            beacon::Granularity::kCount);
  // Their genotypes are left out of the variants that others carry, too.
  const auto variants = Ask(EntryType::kVariant, "{}", false, {{"F", {}}}).value();
  EXPECT_EQ(json::parse(variants.sets[0].results[0])["caseLevelData"].size(), 7U);
}

// Also a number tells a project what nobody else is told.
TEST_F(BeaconDiscoveryTest, NothingIsOpenedThatTheLedgerDoesNotSay) {
  Publish();
  project_consent_.logs = false;
  for (const char* query : {"{}", R"({"requestedGranularity": "count"})"}) {
    EXPECT_THAT(Ask(EntryType::kIndividual, query, false, {{"F", {}}}),
                HasReason("LEDGER_FROZEN"));
  }
  EXPECT_THAT(Ask(EntryType::kIndividual, "{}", false, {{"OTHER", {}}}), IsOk());
}

// Found by nobody: their records neither.
TEST_F(BeaconDiscoveryTest, AVisaOpensNobodyWhoIsNotToBeFound) {
  Publish();
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 1};
  ++consent_.epoch;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  EXPECT_EQ(Ask(EntryType::kIndividual, "{}", false, {{"F", {}}})->count, 18);
}

TEST_F(BeaconDiscoveryTest, WhoWithdrewIsNotThere) {
  Publish();
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 1};
  ++consent_.epoch;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["NCIT:C16576"]})"), 10);
  EXPECT_EQ(Count(EntryType::kIndividual, "{}", true), 18) << "without disclosure control neither";
  EXPECT_EQ(Count(EntryType::kBiosample, "{}", true), 18);
}

TEST_F(BeaconDiscoveryTest, TestDataAnswerInTestModeAlone) {
  Publish("test");
  EXPECT_FALSE(Ask(EntryType::kIndividual, "{}")->holds);
  const auto answer = Ask(EntryType::kIndividual, R"({"testMode": true})").value();
  EXPECT_EQ(answer.count, 20);
  EXPECT_EQ(answer.granularity, beacon::Granularity::kRecord)
      << "of nobody: everybody may see them";
}

TEST_F(BeaconDiscoveryTest, IncludeModesNameDatasets) {
  Publish();
  const auto sets = [&](const char* filter, const char* include) {
    const std::string query = std::string(R"({"filters": [")") + filter +
                              R"("], "includeResultsetResponses": ")" + include + "\"}";
    return Ask(EntryType::kIndividual, query.c_str())->sets.size();
  };
  EXPECT_EQ(sets("NCIT:C16576", "HIT"), 1U);
  EXPECT_EQ(sets("NCIT:C16576", "MISS"), 0U);
  EXPECT_EQ(sets("ET:2", "HIT"), 0U) << "too few to tell is a miss in every mode";
  EXPECT_EQ(sets("ET:2", "MISS"), 1U);
  EXPECT_EQ(sets("ET:2", "ALL"), 1U);
  EXPECT_EQ(sets("NCIT:C16576", "NONE"), 0U);
}

TEST_F(BeaconDiscoveryTest, WhatIsNotIncludedWasAnsweredAllTheSame) {
  Publish();
  const char* nobody = R"({"filters": ["ET:2"], "includeResultsetResponses": "HIT"})";
  const auto answer = Ask(EntryType::kIndividual, nobody);
  EXPECT_TRUE(answer->sets.empty());
  EXPECT_EQ(answer->answered, 1);
  EXPECT_EQ(Ask(EntryType::kIndividual, R"({"requestParameters": {"datasets": ["Z"]}})")->answered,
            0);
}

TEST_F(BeaconDiscoveryTest, NoDatasetIsThereTwice) {
  consent_.rows["G"] = 20;
  Publish();
  Publish("folder", "G");  // another folder whose dataset has the same name
  const auto answer = Ask(EntryType::kIndividual, "{}").value();
  EXPECT_EQ(answer.sets.size(), 1U);
  EXPECT_EQ(answer.count, 20);
  EXPECT_EQ(Count(EntryType::kDataset, "{}"), 1);
}

TEST_F(BeaconDiscoveryTest, OnlyListedFoldersAnswerAndStalePermissionsDoNot) {
  listing_.unlisted.insert({"F", 1});
  Publish();
  EXPECT_FALSE(Ask(EntryType::kIndividual, "{}")->holds);
  listing_.unlisted.clear();
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  EXPECT_TRUE(Ask(EntryType::kIndividual, "{}")->holds);
  now_ += seconds(6);
  EXPECT_THAT(Ask(EntryType::kIndividual, "{}"), HasReason("CONSENT_STALE"));
  consent_.up = false;
  EXPECT_FALSE(view_.Refresh(ctx_).ok());
  EXPECT_THAT(Ask(EntryType::kIndividual, "{}"), HasReason("CONSENT_STALE"));
}

TEST_F(BeaconDiscoveryTest, AFolderThatDoesNotFitIsRefused) {
  consent_.rows["F"] = 19;
  EXPECT_THAT(view_.Publish(ctx_, {"F", 1, "folder", "x"}), HasReason("ROWS_MISMATCH"));
  EXPECT_THAT(view_.Publish(ctx_, {"F", 1, "broken", "x"}), HasReason("SNAPSHOT_CORRUPT"));
  EXPECT_TRUE(store_.rows.empty());
}

// What an account may be told is bounded, a question that was answered costs nothing again, and
// records are not counts.
TEST_F(BeaconDiscoveryTest, CountsAreChargedToTheAccount) {
  Publish();
  budgets_ = &all_budgets_;
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["NCIT:C16576"]})"), 12);
  EXPECT_EQ(Count(EntryType::kIndividual,
                  R"({"filters": ["NCIT:C16576"], "includeResultsetResponses": "ALL"})"),
            12);
  ASSERT_EQ(budget_store_.charged["me"].size(), 1U) << "the second time costs nothing";
  budget_store_.spent_out = {"F"};
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["NCIT:C16576"]})"), 12);
  EXPECT_THAT(Ask(EntryType::kIndividual, R"({"filters": ["ET:1"]})"), HasReason("BUDGET_SPENT"));
  EXPECT_EQ(Count(EntryType::kIndividual, R"({"filters": ["ET:1"]})", true), 17)
      << "without control nothing is charged";
}

// What is missing in a total is named, with the reason.
TEST_F(BeaconDiscoveryTest, AFolderThatSaysNothingIsNamed) {
  consent_.rows["G"] = 20;
  Publish();
  // Of the second one the dataset is known by another name.
  opener_.names["G"] = "Z";
  Publish("folder", "G");
  budgets_ = &all_budgets_;
  EXPECT_EQ(Ask(EntryType::kIndividual, "{}")->count, 40);
  budget_store_.spent_out = {"G"};
  for (const char* granularity : {"boolean", "count", "record"}) {
    const auto answer = Ask(
        EntryType::kIndividual,
        fmt::format(R"({{"filters": ["NCIT:C16576"], "requestedGranularity": "{}"}})", granularity)
            .c_str());
    ASSERT_TRUE(answer.ok()) << Describe(answer.status());
    EXPECT_EQ(answer->count, 12);
    ASSERT_EQ(answer->withheld.size(), 1U) << granularity;
    EXPECT_EQ(answer->withheld[0].folder, "G");
    EXPECT_EQ(answer->withheld[0].datasets, std::vector<std::string>{"Z"});
    EXPECT_EQ(answer->withheld[0].retry_after, seconds(7));
  }
  const auto other = Ask(EntryType::kIndividual, R"({"filters": ["NCIT:C16576"],
                                                     "requestParameters": {"datasets": ["A"]}})");
  EXPECT_TRUE(other->withheld.empty()) << "was not asked";
  // In a refusal by the same names.
  budget_store_.spent_out = {"F", "G"};
  const auto refused = Ask(EntryType::kIndividual, R"({"filters": ["ET:1"]})");
  ASSERT_THAT(refused, HasReason("BUDGET_SPENT"));
  std::vector<std::string> named;
  for (const FieldViolation& field : Fields(refused.status())) named.push_back(field.description);
  EXPECT_EQ(named, (std::vector<std::string>{"A", "Z"}));
}

// A number of datasets or cohorts is one of people, whatever they are asked of.
TEST_F(BeaconDiscoveryTest, CollectionsOfAParentAreToldByTheirPeople) {
  Publish();
  budgets_ = &all_budgets_;
  const beacon::Target of_dataset{EntryType::kCohort, EntryType::kDataset, "A"},
      of_cohort{EntryType::kDataset, EntryType::kCohort, "C"};
  std::size_t asked = 0;
  for (const auto& target : {of_dataset, of_cohort}) {
    const auto count = [&](const char* query) { return Ask(target, query)->count; };
    EXPECT_EQ(count("{}"), 1) << "that they are there is public";
    EXPECT_EQ(budget_store_.charged["me"].size(), asked);
    const char* allele =
        R"({"requestParameters": {"referenceName": "3", "start": [%], "alternateBases": "T"}})";
    for (const auto& [start, told] : {std::pair("10", 1), std::pair("20", 0), std::pair("25", 0)}) {
      std::string query = allele;
      query.replace(query.find('%'), 1, start);
      EXPECT_EQ(count(query.c_str()), told) << query;
      EXPECT_EQ(budget_store_.charged["me"].size(), ++asked)
          << "told or not, somebody's or nobody's";
    }
    EXPECT_EQ(count(R"({"filters": ["ET:2"]})"), 0) << "3 of 20";
    EXPECT_EQ(count(R"({"filters": ["NCIT:C16576"]})"), 1);
    asked += 2;
  }
  EXPECT_EQ(Ask({EntryType::kDataset, EntryType::kIndividual, "p0"}, "{}")->count, 0);
}

// Exact counts under a budget that five of them may use up.
class BeaconBudgetTest : public BeaconDiscoveryTest {
 protected:
  static disclosure::Policy Policy() {
    disclosure::Policy policy = FloorOfFive();
    policy.auc = 0.95;
    return policy;
  }
  Result<BeaconAnswer> Ask(EntryType type, const std::string& query) {
    return BeaconDiscovery(view_, policed_, &all_budgets_, audit_, clock_, false)
        .Run(ctx_,
             beacon::ParseRequest({type, std::nullopt, ""}, R"({"query":)" + query + "}").value(),
             {}, "me");
  }
  double Spent() {
    double nats = 0;
    for (const Spending& spending : budget_store_.charged["me"]) nats += spending.nats;
    return nats;
  }
  const disclosure::Mechanism policed_{Policy(), ""};
};

TEST_F(BeaconBudgetTest, APageOfRecordsFitsIntoTheBudgetAndIsTheNextOfThePageBefore) {
  Publish("many");
  ASSERT_EQ(disclosure::MostAtOnce(Policy()), 5);
  std::set<std::string> seen;
  for (int page = 0; page < 8; ++page) {
    const auto answer = Ask(EntryType::kVariant, R"({"pagination": {"limit": 0, "skip": )" +
                                                     std::to_string(page) + "}}");
    ASSERT_TRUE(answer.ok()) << Describe(answer.status());
    EXPECT_EQ(answer->count, 32);
    ASSERT_EQ(answer->sets.size(), 1U);
    EXPECT_EQ(answer->sets[0].results.size(), 4U) << "and what it says how many there are";
    if (page == 0) {
      EXPECT_LE(Spent(), disclosure::BudgetOf(Policy()));
      const auto& charged = budget_store_.charged["me"];
      ASSERT_EQ(charged.size(), 5U);
      const double worst = disclosure::WorstCharge(Policy());
      EXPECT_DOUBLE_EQ(charged[0].worst, worst) << "how many there are";
      for (std::size_t i = 1; i < 5; ++i)
        EXPECT_DOUBLE_EQ(charged[i].worst, 4 * worst) << "all records of the page";
    }
    for (const std::string& result : answer->sets[0].results)
      EXPECT_TRUE(seen.insert(json::parse(result)["variantInternalId"]).second);
  }
  EXPECT_EQ(seen.size(), 32U);
}

TEST_F(BeaconBudgetTest, WithoutWhatAPageCouldCostTheAnswerIsANumber) {
  Publish("many");
  ASSERT_TRUE(Ask(EntryType::kVariant, R"({"requestedGranularity": "count"})").ok());
  budget_store_.spent_out = {"F"};
  const auto answer = Ask(EntryType::kVariant, "{}").value();
  EXPECT_EQ(answer.count, 32);
  EXPECT_EQ(answer.granularity, beacon::Granularity::kCount);
  EXPECT_TRUE(answer.sets.at(0).results.empty());
}

TEST_F(BeaconBudgetTest, HowManyVariantsThereAreIsChargedInEveryGranularityAndOnEveryPage) {
  Publish();
  const char* pagination = R"("pagination": {"skip": 100000, "limit": 1})";
  const auto ask = [&](const char* start) {
    return Ask(EntryType::kVariant, std::string("{") + pagination +
                                        R"(, "requestParameters": {"referenceName": "3",
                                              "start": [)" +
                                        start + R"(], "alternateBases": "T"}})")
        ->count;
  };
  EXPECT_EQ(ask("10"), 1);
  ASSERT_EQ(budget_store_.charged["me"].size(), 1U);
  EXPECT_GT(Spent(), 0);
  EXPECT_EQ(ask("20"), 0);
  EXPECT_EQ(ask("25"), 0) << "nobody's";
  EXPECT_EQ(budget_store_.charged["me"].size(), 3U);
  ASSERT_TRUE(audit_.Flush(ctx_).ok());
  EXPECT_EQ(audit_store_.entries.size(), 3U);
}

TEST_F(BeaconBudgetTest, VariantsOfTwoDatasetsAreTwoQuestionsWhateverTheirNames) {
  consent_.rows["F"] = 40;
  Publish("six");
  const auto answer =
      Ask(EntryType::kVariant,
          R"({"requestParameters": {"referenceName": "3", "start": [10], "alternateBases": "T",
                                    "datasets": ["A", "B"]}})");
  ASSERT_TRUE(answer.ok()) << Describe(answer.status());
  EXPECT_EQ(answer->sets.size(), 2U);
  EXPECT_EQ(budget_store_.charged["me"].size(), 4U) << "two numbers, two variants";
}

TEST_F(BeaconBudgetTest, MoreDatasetsThanABudgetAllowsAreAskedOneByOne) {
  consent_.rows["F"] = 40;
  Publish("six");
  EXPECT_THAT(Ask(EntryType::kIndividual, "{}"), HasReason("TOO_MUCH_AT_ONCE"));
  EXPECT_TRUE(budget_store_.charged.empty());
  consent_.rows["G"] = 20;
  opener_.names["G"] = "Z";
  Publish("folder", "G");
  const auto one = Ask(EntryType::kIndividual, "{}");
  ASSERT_TRUE(one.ok()) << Describe(one.status());
  EXPECT_EQ(one->count, 20);
  ASSERT_EQ(one->withheld.size(), 1U);
  EXPECT_EQ(one->withheld[0].folder, "F");
  EXPECT_EQ(one->withheld[0].datasets.size(), 6U);
  EXPECT_EQ(one->withheld[0].retry_after, std::nullopt);
  EXPECT_EQ(
      Ask(EntryType::kIndividual, R"({"requestParameters": {"datasets": ["A", "B"]}})")->count, 40);
}

TEST_F(BeaconDiscoveryTest, TheSameQuestionHasOneName) {
  const auto name = [](const char* query) {
    return Canonical(beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""},
                                          std::string(R"({"query":)") + query + "}")
                         .value());
  };
  const std::string plain = name(R"({"filters": ["ET:1", "NCIT:C16576"]})");
  EXPECT_EQ(
      plain,
      name(
          R"({"filters": ["NCIT:C16576", "ET:1"], "requestedGranularity": "count", "pagination": {"skip": 3}})"));
  EXPECT_NE(plain, name(R"({"filters": ["ET:1"]})"));
  EXPECT_EQ(name(R"({"filters": [["ET:1", "ET:2"]]})"),
            name(R"({"filters": [["ET:2", "ET:1", "ET:2"]]})"));
}

// Whoever spells a question otherwise, or asks several datasets, is told the same and charged once.
TEST_F(BeaconDiscoveryTest, ADatasetsAnswerDoesNotDependOnHowItWasAskedFor) {
  disclosure::Policy policy = FloorOfFive();
  policy.epsilon = 0.2;
  policy.noise_bound = 7;
  const disclosure::Mechanism noisy(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, noisy, seconds(5), [this] { return now_; });
  ASSERT_TRUE(view.Publish(ctx_, {"F", 1, "folder", "x"}).ok());
  const BeaconDiscovery discovery(view, noisy, &all_budgets_, audit_, clock_, false);
  std::set<std::int64_t> counts;
  for (const char* parameters :
       {R"("referenceName": "3", "start": [10], "referenceBases": "A", "alternateBases": "T")",
        R"("referenceName": "chr3", "start": "10", "referenceBases": "a", "alternateBases": "T")",
        R"("referenceName": "3", "start": [9], "referenceBases": "CA", "alternateBases": "CT")",
        R"("referenceName": "3", "start": [10], "referenceBases": "A", "alternateBases": "T",
           "datasets": ["A"])",
        R"("referenceName": "3", "start": [10], "referenceBases": "A", "alternateBases": "T",
           "datasets": ["nobody's", "A"])"}) {
    const std::string body =
        fmt::format(R"({{"query": {{"requestParameters": {{{}}}}}}})", parameters);
    const auto request = beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""}, body);
    ASSERT_TRUE(request.ok()) << Describe(request.status());
    const auto answer = discovery.Run(ctx_, *request, {}, "me");
    ASSERT_TRUE(answer.ok());
    counts.insert(answer->count);
  }
  const auto by_path = beacon::ParseRequest(
      {EntryType::kIndividual, EntryType::kDataset, "A"},
      R"({"query": {"requestParameters": {"referenceName": "3", "start": [10], "referenceBases": "A",
                                          "alternateBases": "T"}}})");
  ASSERT_TRUE(by_path.ok()) << Describe(by_path.status());
  counts.insert(discovery.Run(ctx_, *by_path, {}, "me")->count);
  EXPECT_EQ(counts.size(), 1U) << "one draw of noise";
  EXPECT_EQ(budget_store_.charged["me"].size(), 1U);
}

// Nothing is charged of other folders, nor are they withheld.
TEST_F(BeaconDiscoveryTest, ThePathOfADatasetAsksNoOther) {
  consent_.rows["G"] = 20;
  Publish();
  opener_.names["G"] = "Z";
  Publish("folder", "G");
  budgets_ = &all_budgets_;
  budget_store_.spent_out = {"G"};
  const auto ask = [&](EntryType type, const char* dataset) {
    return Ask({type, EntryType::kDataset, dataset},
               R"({"filters": ["NCIT:C16576"], "includeResultsetResponses": "ALL",
                   "requestedGranularity": "count"})");
  };
  for (const EntryType type : {EntryType::kIndividual, EntryType::kVariant}) {
    const auto answer = ask(type, "A");
    ASSERT_TRUE(answer.ok()) << Describe(answer.status());
    EXPECT_EQ(answer->count, type == EntryType::kIndividual ? 12 : 1);
    EXPECT_TRUE(answer->withheld.empty());
    EXPECT_EQ(answer->sets.size(), 2U);
  }
  EXPECT_EQ(budget_store_.charged["me"].size(), 2U);
  for (const Spending& spending : budget_store_.charged["me"]) EXPECT_EQ(spending.dataset, "F");
  EXPECT_EQ(ask(EntryType::kIndividual, "ELSEWHERE")->count, 0);
  EXPECT_EQ(budget_store_.charged["me"].size(), 2U);
  EXPECT_THAT(ask(EntryType::kIndividual, "Z"), HasReason("BUDGET_SPENT"));
}

// Each finds other people, though Beacon's echo is the same for some.
TEST_F(BeaconDiscoveryTest, WhatAFilterSaysIsPartOfTheQuestion) {
  const char* filters[] = {R"([{"id": "HP:0000118"}])",
                           R"([{"id": "HP:0000118", "includeDescendantTerms": false}])",
                           R"([{"id": "HP:0000118", "similarity": "low"}])",
                           R"([{"id": "HP:0000118", "scope": "biosample"}])",
                           R"([{"id": "HP:0000118", "operator": "=", "value": "x"}])",
                           R"([{"id": "HP:0000118:=x"}])",
                           R"([["ET:1", "ET:2"]])",
                           R"([{"id": "ET:1|ET:2"}])",
                           R"(["ET:1", "ET:2"])",
                           R"([])"};
  std::map<std::string, std::string> names;
  for (const char* one : filters) {
    const auto request =
        beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""},
                             std::string(R"({"query": {"filters": )") + one + "}}");
    ASSERT_TRUE(request.ok()) << one << Describe(request.status());
    const auto [held, added] = names.emplace(Canonical(*request), one);
    EXPECT_TRUE(added) << one << " is " << held->second;
  }
}

TEST_F(BeaconDiscoveryTest, TermsOfFewPeopleAreNotListed) {
  Publish();
  const auto ids = [&](bool open) {
    std::vector<std::string> out;
    const auto terms = Discovery(open).Terms(ctx_, std::nullopt);
    for (const auto& term : terms.value()) {
      if (term.type == "ontology") out.push_back(term.id);
    }
    return out;
  };
  EXPECT_EQ(ids(false), (std::vector<std::string>{"ET:1", "NCIT:C16576", "NCIT:C20197"}));
  EXPECT_EQ(ids(true), (std::vector<std::string>{"ET:1", "ET:2", "GENO:0000135", "GENO:0000136",
                                                 "NCIT:C16576", "NCIT:C20197"}));
}

// What 10 people have is found by whatever it is a kind of; that somebody has just that shows nowhere.
TEST_F(BeaconDiscoveryTest, TermsDoNotSayThatOnePersonHasJustThis) {
  const auto terms = [&](const char* path) {
    store_.rows.clear();
    BeaconView view(store_, opener_, consent_, listing_, mechanism_, seconds(5), [this] { return now_; });
    EXPECT_TRUE(view.Publish(ctx_, {"F", 1, path, "x"}).ok());
    std::map<std::string, std::string> labels;
    const auto listed = BeaconDiscovery(view, mechanism_, nullptr, audit_, clock_, false).Terms(ctx_, std::nullopt);
    for (const auto& term : listed.value()) labels[term.id] = term.label;
    return labels;
  };
  const auto without = terms("seizures"), with = terms("seizures and one");
  EXPECT_EQ(with, without);
  EXPECT_EQ(without.at("HP:0001250"), "Seizure");
  EXPECT_EQ(without.at("HP:0012638"), "Abnormal nervous system physiology");
  EXPECT_TRUE(without.contains("HP:0000118"));
  EXPECT_FALSE(terms("folder").contains("HP:0000118"));
}

// 8 people carry a missense variant, 2 one that stops a protein.
TEST_F(BeaconDiscoveryTest, TermsOfVariantsAreThoseOfVariantsThatAreMentioned) {
  Publish("effects");
  std::vector<std::string> ids;
  const auto terms = Discovery(false).Terms(ctx_, beacon::Target{EntryType::kVariant, {}, ""}).value();
  for (const auto& term : terms) {
    if (term.type == "ontology") ids.push_back(term.id);
  }
  EXPECT_EQ(ids, std::vector<std::string>{"SO:0001583"});
  EXPECT_EQ(Count(EntryType::kVariant, R"({"filters": ["SO:0001583"]})"), 1);
  EXPECT_EQ(Count(EntryType::kVariant, R"({"filters": ["SO:0001587"]})"), 0);
}

// Anybody may ask for them, page after page.
TEST_F(BeaconDiscoveryTest, TermsAreCountedOnceForEachView) {
  Publish();
  const BeaconDiscovery discovery = Discovery(false);
  const beacon::Target of_dataset{EntryType::kDataset, {}, "A"},
      of_people{EntryType::kIndividual, {}, ""};
  for (const std::optional<beacon::Target>& target :
       {std::optional<beacon::Target>(), std::optional(of_dataset), std::optional(of_people)}) {
    const auto first = discovery.Terms(ctx_, target);
    ASSERT_TRUE(first.ok());
    std::stop_source stop;
    stop.request_stop();
    const auto again = discovery.Terms(Context::Background().WithStop(stop.get_token()), target);
    ASSERT_TRUE(again.ok()) << "nothing is counted";
    ASSERT_EQ(again->size(), first->size());
    for (std::size_t i = 0; i < first->size(); ++i) EXPECT_EQ((*again)[i].id, (*first)[i].id);
  }
  const auto has_men = [&] {
    const auto terms = discovery.Terms(ctx_, of_people).value();
    return std::any_of(terms.begin(), terms.end(),
                       [](const auto& term) { return term.id == "NCIT:C20197"; });
  };
  EXPECT_TRUE(has_men());
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {12, 13, 14, 15};
  ++consent_.epoch;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  EXPECT_FALSE(has_men()) << "four are left";
}

TEST_F(BeaconDiscoveryTest, TermsDoNotSayWhetherSomebodyIsThere) {
  Publish();
  const auto ids = [&](EntryType type, const char* id) {
    std::vector<std::string> out;
    const auto terms = Discovery(false).Terms(ctx_, beacon::Target{type, {}, id});
    EXPECT_TRUE(terms.ok());
    for (const auto& term : terms.value()) out.push_back(term.id);
    return out;
  };
  for (const EntryType type :
       {EntryType::kIndividual, EntryType::kBiosample, EntryType::kVariant}) {
    EXPECT_EQ(ids(type, "p0"), ids(type, "")) << beacon::Facts(type).path;
    EXPECT_EQ(ids(type, "nobody"), ids(type, "")) << beacon::Facts(type).path;
  }
  EXPECT_FALSE(ids(EntryType::kIndividual, "nobody").empty());
  EXPECT_FALSE(ids(EntryType::kDataset, "A").empty());
  EXPECT_TRUE(ids(EntryType::kDataset, "B").empty()) << "which datasets there are is public";
}

// The women are 12 in each of these states, and who else is there changes nothing but the noise.
TEST_F(BeaconDiscoveryTest, NoTermIsListedByAnExactEdge) {
  disclosure::Policy policy = FloorOfFive();
  policy.epsilon = 0.2;
  policy.noise_bound = 7;
  const disclosure::Mechanism noisy(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, noisy, seconds(5), [this] { return now_; });
  ASSERT_TRUE(view.Publish(ctx_, {"F", 1, "folder", "x"}).ok());
  const BeaconDiscovery discovery(view, noisy, nullptr, audit_, clock_, false);
  int listed = 0, states = 0;
  for (std::uint32_t one = 12; one < 20; ++one) {
    for (std::uint32_t other = one; other < 20; ++other, ++states) {
      consent_.withdrawn[Permission::kSubjectLevelQuery] = {one, other};
      ++consent_.epoch;
      ASSERT_TRUE(view.Refresh(ctx_).ok());
      const auto terms = discovery.Terms(ctx_, std::nullopt).value();
      listed += std::any_of(terms.begin(), terms.end(),
                            [](const auto& term) { return term.id == "NCIT:C16576"; });
    }
  }
  EXPECT_GT(listed, states / 8);
  EXPECT_LT(listed, states * 7 / 8);
}

// Of two numbers of the same people, each with noise of its own, the mean would say more than a budget pays for.
TEST_F(BeaconDiscoveryTest, ATermIsListedByTheNumberThatItsQuestionTells) {
  disclosure::Policy policy = FloorOfFive();
  policy.epsilon = 0.2;
  policy.noise_bound = 7;
  const disclosure::Mechanism noisy(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, noisy, seconds(5), [this] { return now_; });
  consent_.rows["F"] = 40;
  ASSERT_TRUE(view.Publish(ctx_, {"F", 1, "six", "x"}).ok());
  const BeaconDiscovery discovery(view, noisy, nullptr, audit_, clock_, false);
  const auto asked = [&](const std::string& term, const std::string& dataset) {
    json query = {{"filters", {term}}, {"requestedGranularity", "boolean"}};
    if (!dataset.empty()) query["requestParameters"] = {{"datasets", {dataset}}};
    const auto request = beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""}, json{{"query", query}}.dump());
    return discovery.Run(ctx_, request.value(), {}, "me").value().exists;
  };
  const auto listed = [&](const std::string& term, const std::optional<beacon::Target>& target) {
    const auto terms = discovery.Terms(ctx_, target).value();
    return std::any_of(terms.begin(), terms.end(), [&](const auto& one) { return one.id == term; });
  };
  int found = 0, differs = 0, times = 0;
  for (std::uint32_t one = 0; one < 30; ++one, ++times) {
    consent_.withdrawn[Permission::kSubjectLevelQuery] = {one, one + 5};
    ++consent_.epoch;
    ASSERT_TRUE(view.Refresh(ctx_).ok());
    for (const char* term : {"NCIT:C16576", "NCIT:C20197", "ET:1"}) {
      EXPECT_EQ(listed(term, std::nullopt), asked(term, "")) << term;
      EXPECT_EQ(listed(term, beacon::Target{EntryType::kIndividual, {}, ""}), asked(term, "")) << term;
      EXPECT_EQ(listed(term, beacon::Target{EntryType::kDataset, {}, "A"}), asked(term, "A")) << term;
    }
    found += asked("NCIT:C16576", "A") ? 1 : 0;
    differs += asked("NCIT:C16576", "A") != asked("NCIT:C16576", "") ? 1 : 0;
  }
  EXPECT_GT(found, 0);
  EXPECT_LT(found, times) << "noise decides";
  EXPECT_GT(differs, 0) << "other datasets have more of them";
}

// As in cohorts (consent_view_test); records of those whose passport opens them are all there.
TEST_F(BeaconDiscoveryTest, NobodyLeavesAFolderAlone) {
  disclosure::Policy policy = FloorOfFive();
  policy.batch = 6;
  const disclosure::Mechanism mechanism(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, mechanism, seconds(5), [this] { return now_; });
  ASSERT_TRUE(view.Publish(ctx_, {"F", 1, "folder", "x"}).ok());
  const BeaconHolding before = view.Current().value()->folders.at("F");
  EXPECT_EQ(before.subject_level.Count(), 14u);
  EXPECT_EQ(before.allele_frequency.Count(), 14u);
  EXPECT_EQ(before.findable.Count(), 20u);
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {3};
  ++consent_.epoch;
  ASSERT_TRUE(view.Refresh(ctx_).ok());
  const BeaconHolding after = view.Current().value()->folders.at("F");
  EXPECT_EQ(after.subject_level.Count(), 13u);
  EXPECT_FALSE(after.subject_level.Test(3));
  EXPECT_FALSE(after.findable.Test(3));
  EXPECT_LE(after.subject_level.CountAnd(before.subject_level), 11u);
}

TEST(BeaconDisclosure, FrequenciesAreTwoTailed) {
  disclosure::Policy policy = FloorOfFive();
  bool of_people = true;
  const auto populations = [&](std::int64_t count, std::int64_t number) {
    const json record = {{"frequencyInPopulations",
                          {{{"source", "s"},
                            {"sourceReference", "r"},
                            {"frequencies",
                             {{{"population", "FI"},
                               {"alleleCount", count},
                               {"alleleNumber", number},
                               {"alleleFrequency", 0.1},
                               {"alleleCountHomozygous", 2},
                               {"alleleCountHeterozygous", count - 2}}}}}}}};
    const disclosure::Mechanism mechanism(policy, std::string(32, 's'));
    return json::parse(
        RecordDisclosure(mechanism, "F", "", "").PublicVariant(record.dump(), of_people));
  };
  EXPECT_TRUE(populations(10, 100).contains("frequencyInPopulations"));
  EXPECT_FALSE(populations(8, 100).contains("frequencyInPopulations"))
      << "4 people may carry all 8 copies";
  EXPECT_FALSE(populations(92, 100).contains("frequencyInPopulations")) << "4 people may lack it";
  EXPECT_TRUE(populations(100, 100).contains("frequencyInPopulations")) << "nobody lacks it";
  const json shown = populations(10, 100)["frequencyInPopulations"][0]["frequencies"][0];
  EXPECT_FALSE(shown.contains("alleleCountHomozygous")) << "one homozygote";
  EXPECT_EQ(shown["alleleCount"], 10);

  policy = disclosure::Policy();
  EXPECT_FALSE(populations(10, 100).contains("frequencyInPopulations"))
      << "exact, of people of whom counts are noised";
  of_people = false;
  EXPECT_TRUE(populations(10, 100).contains("frequencyInPopulations")) << "what is published";
}

}  // namespace
}  // namespace genofed::discovery
