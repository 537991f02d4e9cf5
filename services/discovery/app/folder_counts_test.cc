// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/folder_counts.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/beacon/snapshot.h"
#include "libs/core/retry_after.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/discovery/app/beacon_discovery.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using beacon::EntryType;
using nlohmann::json;
using std::chrono::seconds;
using testing::HasReason;
using testing::IsOk;

constexpr const char* kFolder = "GDI-FI-BEACON-1";

class FakeStore final : public BeaconStore {
 public:
  Status Add(const Context&, const BeaconPublication& publication) override {
    rows.push_back(publication);
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

// 20 people, p0 to p11 women, of 30 to 49 years; p0 to p7 carry chr3 11 A>T of gene ABC, p0 and p1
// chr3 21 A>T.
beacon::Folder MakeFolder() {
  beacon::Folder folder;
  const auto add = [&](EntryType type, const std::string& id, json record) {
    record[std::string(beacon::Facts(type).id_field)] = id;
    folder.records[beacon::Index(type)].push_back({"A", id, record.dump()});
  };
  add(EntryType::kDataset, "A", {{"name", "a"}});
  const auto variant = [](int start) {
    return json{{"variation",
                 {{"variantType", "SNP"},
                  {"referenceBases", "A"},
                  {"alternateBases", "T"},
                  {"location",
                   {{"sequence_id", "refseq:NC_000003.12"},
                    {"interval", {{"start", start}, {"end", start + 1}}}}}}},
                {"molecularAttributes", {{"geneIds", {"ABC"}}}}};
  };
  json common = variant(10), rare = variant(20);
  for (int i = 0; i < 20; ++i) {
    const std::string person = "p" + std::to_string(i);
    add(EntryType::kIndividual, person,
        {{"sex", {{"id", i < 12 ? "NCIT:C16576" : "NCIT:C20197"}}},
         {"diseases",
          {{{"diseaseCode", {{"id", "MONDO:0005015"}}},
            {"ageOfOnset", {{"iso8601duration", "P" + std::to_string(30 + i) + "Y"}}}}}}});
    if (i < 8) common["caseLevelData"].push_back({{"individualId", person}});
    if (i < 2) rare["caseLevelData"].push_back({{"individualId", person}});
  }
  add(EntryType::kVariant, "common", common);
  add(EntryType::kVariant, "rare", rare);
  return folder;
}

class FakeOpener final : public BeaconOpener {
 public:
  Result<std::shared_ptr<const beacon::Collection>> Open(
      const BeaconPublication& publication) override {
    return std::make_shared<const beacon::Collection>(
        beacon::CollectionOf(MakeFolder(), publication.path == "test").value());
  }
};

class FolderCountsTest : public ::testing::Test {
 protected:
  FolderCountsTest() { consent_.rows[kFolder] = 20; }

  void Publish(const std::string& path = "folder") {
    ASSERT_THAT(view_.Publish(ctx_, {kFolder, 1, path, "x"}), IsOk());
  }
  Result<Answer> Ask(const RawQuery& raw) {
    GF_ASSIGN(Query query, Validate(raw));
    query.account = "me";
    return FolderCounts(view_, "FI", mechanism_, budgets_, audit_, clock_).Run(ctx_, query);
  }
  std::int64_t CountOf(const RawQuery& raw) { return Ask(raw)->datasets.at(0).count; }

  static RawQuery People(std::vector<FilterGroup> filters) {
    RawQuery raw;
    raw.entity = Entity::kIndividual;
    raw.granularity = Granularity::kCount;
    raw.filters = std::move(filters);
    return raw;
  }
  static RawQuery Carriers(RawVariant variant) {
    RawQuery raw;
    raw.entity = Entity::kVariant;
    raw.granularity = Granularity::kCount;
    raw.variant = std::move(variant);
    return raw;
  }

  const Context ctx_ = Context::Background();
  FakeStore store_;
  FakeOpener opener_;
  FakeConsent consent_;
  FakeListing listing_;
  Context::SteadyTime now_{seconds(1000)};
  testing::FakeClock clock_;
  FakeBudgetStore budget_store_;
  Budgets all_budgets_{budget_store_, clock_};
  Budgets* budgets_ = nullptr;
  FakeAuditStore audit_store_;
  DisclosureAudit audit_{audit_store_};
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  BeaconView view_{
      store_, opener_, consent_, listing_, mechanism_, seconds(5), [this] { return now_; }};
};

TEST_F(FolderCountsTest, CountsPeopleByTheCataloguesNameOfTheFolder) {
  Publish();
  const auto women = Ask(People({{Filter{"NCIT:C16576"}}}));
  ASSERT_THAT(women, IsOk());
  ASSERT_EQ(women->datasets.size(), 1u);
  EXPECT_EQ(women->datasets[0].dataset, kFolder);
  EXPECT_EQ(women->datasets[0].country, "FI");
  EXPECT_EQ(women->datasets[0].count, 12);
  EXPECT_TRUE(women->datasets[0].exists);
  RawQuery other = People({{Filter{"NCIT:C16576"}}});
  other.datasets = {"GDI-FI-BEACON-2"};
  EXPECT_TRUE(Ask(other)->datasets.empty());
}

// Everybody has the disease; 12 are women and 8 men. Ages of onset are no terms.
TEST_F(FolderCountsTest, TermsAreThoseThatEnoughPeopleHave) {
  const FolderCounts counts(view_, "FI", mechanism_, budgets_, audit_, clock_);
  EXPECT_THAT(counts.Terms(ctx_), HasReason("CONSENT_STALE"));
  Publish();
  using Terms = std::set<std::string>;
  EXPECT_EQ(*counts.Terms(ctx_), (Terms{"MONDO:0005015", "NCIT:C16576", "NCIT:C20197"}));
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {12, 13, 14, 15};
  ++consent_.epoch;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ(*counts.Terms(ctx_), (Terms{"MONDO:0005015", "NCIT:C16576"})) << "four men are left";
}

// With noise a term is listed when it finds enough people, not at an exact edge.
TEST_F(FolderCountsTest, TermsAreThoseThatAQuestionFinds) {
  disclosure::Policy policy = FloorOfFive();
  policy.epsilon = 0.2;
  policy.noise_bound = 7;
  const disclosure::Mechanism noisy(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, noisy, seconds(5), [this] { return now_; });
  ASSERT_TRUE(view.Publish(ctx_, {kFolder, 1, "folder", "x"}).ok());
  const FolderCounts counts(view, "FI", noisy, nullptr, audit_, clock_);
  int listed = 0, states = 0;
  for (std::uint32_t one = 12; one < 20; ++one) {
    for (std::uint32_t other = one; other < 20; ++other, ++states) {
      consent_.withdrawn[Permission::kSubjectLevelQuery] = {one, other};
      ++consent_.epoch;
      ASSERT_THAT(view.Refresh(ctx_), IsOk());
      const bool women = counts.Terms(ctx_)->contains("NCIT:C16576");
      const auto query = Validate(People({{Filter{"NCIT:C16576"}}}));
      EXPECT_EQ(women, counts.Run(ctx_, *query)->datasets.at(0).exists);
      listed += women ? 1 : 0;
    }
  }
  EXPECT_GT(listed, states / 8);
  EXPECT_LT(listed, states * 7 / 8);
}

TEST_F(FolderCountsTest, UnderstandsExactAllelesRangesGenesAndBrackets) {
  Publish();
  EXPECT_EQ(CountOf(Carriers({"GRCh38", "3", 10, 0, "A", "T"})), 8);
  EXPECT_EQ(CountOf(Carriers({"", "3", 10, 0, "", "T"})), 8);
  EXPECT_EQ(CountOf(Carriers({"GRCh38", "3", 0, 15, "", ""})), 8);
  EXPECT_EQ(CountOf(Carriers({"GRCh38", "3", 10, 0, "A", "C"})), 0);
  EXPECT_EQ(CountOf(Carriers({"GRCh37", "3", 10, 0, "A", "T"})), 0);
  RawVariant gene;
  gene.gene = "ABC";
  EXPECT_EQ(CountOf(Carriers(gene)), 8);
  RawVariant bracket;
  bracket.assembly = "GRCh38";
  bracket.contig = "3";
  bracket.start_bracket = {5, 12};
  bracket.end_bracket = {11, 14};
  EXPECT_EQ(CountOf(Carriers(bracket)), 8);
  RawQuery women = People({{Filter{"NCIT:C16576"}}});
  women.variant = RawVariant{"GRCh38", "3", 10, 0, "A", "T"};
  EXPECT_EQ(CountOf(women), 8);
}

TEST_F(FolderCountsTest, AFewCarriersAreNobodyAndAFewOthersAreNobodyEither) {
  Publish();
  const auto rare = Ask(Carriers({"GRCh38", "3", 20, 0, "A", "T"}));
  EXPECT_EQ(rare->datasets.at(0).count, 0);
  EXPECT_FALSE(rare->datasets[0].exists);
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {13, 14, 15, 16, 17};
  ++consent_.epoch;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  // 12 of 15 are women: three are not.
  EXPECT_EQ(CountOf(People({{Filter{"NCIT:C16576"}}})), 15);
}

TEST_F(FolderCountsTest, WhoDoesNotPermitIsNotCounted) {
  Publish();
  consent_.withdrawn[Permission::kAlleleFrequency] = {0, 1};
  ++consent_.epoch;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ(CountOf(Carriers({"GRCh38", "3", 10, 0, "A", "T"})), 6);
  EXPECT_EQ(CountOf(People({{Filter{"NCIT:C16576"}}})), 12);
}

TEST_F(FolderCountsTest, UnderstandsSimilarity) {
  const auto asked = [](beacon::Similarity similarity) {
    Query query;
    query.filters = {{Filter{"HP:0001250", false, {}, similarity}}};
    return AsFolderRequest(query)->filters.at(0).at(0).similarity;
  };
  for (const auto similarity : {beacon::Similarity::kExact, beacon::Similarity::kHigh, beacon::Similarity::kLow})
    EXPECT_EQ(asked(similarity), similarity);
}

TEST_F(FolderCountsTest, WhatFoldersDoNotSayTheyAreNotAsked) {
  Publish();
  RawVariant gene;
  gene.gene = "ABC";
  gene.below_frequency = 0.01;
  EXPECT_TRUE(Ask(Carriers(gene))->datasets.empty());
}

TEST_F(FolderCountsTest, TestDataIsNoneOfTheNetwork) {
  Publish("test");
  EXPECT_TRUE(Ask(People({}))->datasets.empty());
}

TEST_F(FolderCountsTest, IsChargedAndWithheld) {
  budgets_ = &all_budgets_;
  Publish();
  ASSERT_THAT(Ask(People({{Filter{"NCIT:C16576"}}})), IsOk());
  EXPECT_EQ(budget_store_.charged["me"].size(), 1u);
  budget_store_.spent_out = {kFolder};
  const auto refused = Ask(People({{Filter{"NCIT:C20197"}}}));
  ASSERT_THAT(refused, IsOk());
  EXPECT_TRUE(refused->datasets.empty());
  ASSERT_EQ(refused->withheld.size(), 1u);
  EXPECT_EQ(refused->withheld[0].dataset, kFolder);
  EXPECT_THAT(CheckTold(*refused), HasReason("BUDGET_SPENT"));
  EXPECT_EQ(RetryAfter(CheckTold(*refused)), seconds(7));
}

// Through the network and at the node itself: one number, charged once.
TEST_F(FolderCountsTest, WhatIsTheSameQuestionAtTheNodeHasTheSameAnswer) {
  disclosure::Policy policy = FloorOfFive();
  policy.epsilon = 0.2;
  policy.noise_bound = 7;
  const disclosure::Mechanism noisy(policy, std::string(32, 'k'));
  BeaconView view(store_, opener_, consent_, listing_, noisy, seconds(5), [this] { return now_; });
  ASSERT_THAT(view.Publish(ctx_, {kFolder, 1, "folder", "x"}), IsOk());
  const FolderCounts counts(view, "FI", noisy, &all_budgets_, audit_, clock_);
  const BeaconDiscovery own(view, noisy, &all_budgets_, audit_, clock_, false);
  RawQuery allele = People({}), women = People({{Filter{"NCIT:C16576"}}}),
           old = People({{Filter{"", true, std::pair(40, 200)}}}),
           young = People({{Filter{"", true, std::pair(0, 39)}}}), gene = People({}),
           hgvs = People({});
  allele.variant = RawVariant{"", "3", 10, 0, "A", "T"};
  gene.variant.emplace();
  gene.variant->gene = "ABC";
  hgvs.variant.emplace();
  hgvs.variant->hgvs = "NC_000003.12:g.11A>T";
  std::size_t questions = 0;
  for (const auto& [raw, text] :
       {std::pair(women, R"("filters": ["NCIT:C16576"])"),
        std::pair(old, R"("filters": ["age:>=40"])"),
        std::pair(young, R"("filters": ["age:<40"])"),
        std::pair(allele, R"("requestParameters": {"referenceName": "chr3", "start": [10],
                             "referenceBases": "A", "alternateBases": "T"})"),
        std::pair(gene, R"("requestParameters": {"geneId": "abc"})"),
        std::pair(hgvs,
                  R"("requestParameters": {"genomicAlleleShortForm": "NC_000003.12:g.11A>T"})")}) {
    Query query = *Validate(raw);
    query.account = "me";
    const auto network = counts.Run(ctx_, query);
    ASSERT_THAT(network, IsOk());
    EXPECT_EQ(budget_store_.charged["me"].size(), ++questions) << text;
    const auto request = beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""},
                                              fmt::format(R"({{"query": {{{}}}}})", text));
    ASSERT_THAT(request, IsOk());
    const auto node = own.Run(ctx_, *request, {}, "me");
    ASSERT_THAT(node, IsOk());
    EXPECT_EQ(node->count, network->datasets.at(0).count) << text;
    EXPECT_EQ(budget_store_.charged["me"].size(), questions) << text;
  }
  // Other people may be counted where it is only about carriers.
  allele.entity = Entity::kVariant;
  Query carriers = *Validate(allele);
  carriers.account = "me";
  ASSERT_THAT(counts.Run(ctx_, carriers), IsOk());
  EXPECT_EQ(budget_store_.charged["me"].size(), questions + 1);
}

TEST_F(FolderCountsTest, SaysNothingWhenPermissionsAreNotKnown) {
  Publish();
  now_ += seconds(6);
  EXPECT_THAT(Ask(People({})), HasReason("CONSENT_STALE"));
}

Answer Of(const std::string& dataset, std::int64_t count) {
  Answer answer;
  answer.minimum_count = 5;
  answer.epoch = 3;
  answer.count = count;
  answer.exists = count > 0;
  answer.datasets = {{dataset, 1, "FI", count > 0, count, {}}};
  return answer;
}

TEST(Together, AddsUpAndLetsOneStandForBothWhereItMust) {
  const Answer cohorts = Of("GOE-FI-A-1", 10), folders = Of(kFolder, 7);
  const auto both = Together(cohorts, folders);
  EXPECT_EQ(both->count, 17);
  EXPECT_EQ(both->datasets.size(), 2u);
  // Whoever keeps answers goes by the epoch: it is that of the older one, and without folders not theirs.
  Answer older = folders;
  older.epoch = 2;
  EXPECT_EQ(Together(cohorts, older)->epoch, 2);
  EXPECT_EQ(Together(cohorts, Answer())->epoch, 3);
  // What is missing in a total is named.
  const auto withheld = [](const std::string& dataset) {
    Answer answer;
    answer.minimum_count = 5;
    answer.epoch = 3;
    answer.withheld = {{dataset, 9}};
    return answer;
  };
  const auto no_cohorts = Together(withheld("GOE-FI-A-1"), folders);
  EXPECT_EQ(no_cohorts->count, 7);
  EXPECT_TRUE(no_cohorts->exists);
  ASSERT_EQ(no_cohorts->withheld.size(), 1u);
  EXPECT_EQ(no_cohorts->withheld[0].dataset, "GOE-FI-A-1");
  const auto no_folders = Together(cohorts, withheld(kFolder));
  EXPECT_EQ(no_folders->count, 10);
  ASSERT_EQ(no_folders->withheld.size(), 1u);
  EXPECT_EQ(no_folders->withheld[0].dataset, kFolder);
  EXPECT_EQ(Together(withheld("GOE-FI-A-1"), withheld(kFolder))->withheld.size(), 2u);
  EXPECT_THAT(CheckTold(*Together(withheld("GOE-FI-A-1"), Answer())), HasReason("BUDGET_SPENT"));
  const Status unsupported = Error(StatusCode::kInvalidArgument, "QUERY_UNSUPPORTED", "x");
  EXPECT_EQ(Together(unsupported, folders)->count, 7);
  EXPECT_THAT(Together(unsupported, Answer()), HasReason("QUERY_UNSUPPORTED"));
  const Status stale = Error(StatusCode::kUnavailable, "CONSENT_STALE", "x");
  EXPECT_EQ(Together(cohorts, stale)->count, 10);
  EXPECT_THAT(Together(stale, folders), HasReason("CONSENT_STALE"));
}

}  // namespace
}  // namespace genofed::discovery
