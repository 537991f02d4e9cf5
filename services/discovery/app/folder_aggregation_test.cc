// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/folder_aggregation.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/beacon/snapshot.h"
#include "libs/core/retry_after.h"
#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using beacon::EntryType;
using nlohmann::json;
using std::chrono::seconds;
using testing::HasReason;
using testing::IsOk;

class FakeStore final : public BeaconStore {
 public:
  Status Add(const Context&, const BeaconPublication& publication) override {
    rows.push_back(publication);
    return absl::OkStatus();
  }
  Status Replace(const Context&, const BeaconPublication& publication) override {
    for (BeaconPublication& row : rows) {
      if (row.dataset == publication.dataset && row.version == publication.version)
        row = publication;
    }
    return absl::OkStatus();
  }
  Result<std::vector<BeaconPublication>> List(const Context&) override { return rows; }
  std::vector<BeaconPublication> rows;
};

// 40 people: 20 women, 17 men, 3 of unknown sex; of the women 12 have MONDO:1 and 6 of these
// MONDO:2 as well; the men have MONDO:1.
class FakeOpener final : public BeaconOpener {
 public:
  Result<std::shared_ptr<const beacon::Collection>> Open(const BeaconPublication&) override {
    beacon::Folder folder;
    folder.records[beacon::Index(EntryType::kDataset)].push_back(
        {"A", "A", json{{"id", "A"}, {"name", "a"}}.dump()});
    for (int i = 0; i < 40; ++i) {
      const std::string id = "p" + std::to_string(i);
      json person = {{"id", id},
                     {"sex",
                      {{"id", i < 20   ? "NCIT:C16576"
                              : i < 37 ? "NCIT:C20197"
                                       : "NCIT:C17998"}}}};
      const auto add = [&](const char* code) {
        person["diseases"].push_back({{"diseaseCode", {{"id", code}}}});
      };
      if (i < 12 || (i >= 20 && i < 37)) add("MONDO:1");
      if (i < 6) add("MONDO:2");
      folder.records[beacon::Index(EntryType::kIndividual)].push_back({"A", id, person.dump()});
    }
    return std::make_shared<const beacon::Collection>(
        beacon::CollectionOf(std::move(folder), false).value());
  }
};

class FolderAggregationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    consent_.rows["F"] = 40;
    ASSERT_THAT(view_.Publish(ctx_, {"F", 1, "folder", "x"}), IsOk());
  }
  Result<Aggregated> Ask(const std::string& query, bool open = false) {
    GF_ASSIGN(
        const auto request,
        beacon::ParseRequest({EntryType::kIndividual, std::nullopt, ""},
                             R"({"query":{"requestedGranularity":"aggregated",)" + query + "}}"));
    return FolderAggregation(view_, mechanism_, budgets_, audit_, clock_, open)
        .Run(ctx_, request, "me");
  }
  using Counts = std::map<std::string, std::int64_t>;
  Counts Of(const std::string& query, bool open = false) {
    return Ask(query, open)->aggregations.at(0).distribution;
  }

  const Context ctx_ = Context::Background();
  FakeStore store_;
  FakeOpener opener_;
  FakeConsent consent_;
  FakeListing listing_;
  testing::FakeClock clock_;
  FakeBudgetStore budget_store_;
  Budgets all_budgets_{budget_store_, clock_};
  Budgets* budgets_ = nullptr;
  FakeAuditStore audit_store_;
  DisclosureAudit audit_{audit_store_};
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  BeaconView view_{store_, opener_, consent_, listing_, mechanism_, seconds(5)};
};

TEST_F(FolderAggregationTest, ASmallValueIsNotToldAndCannotBeComputed) {
  const char* sex = R"("aggregationTerms":[[{"id":"sex"}]])";
  EXPECT_EQ(Of(sex, true), (Counts{{"NCIT:C16576", 20}, {"NCIT:C20197", 17}, {"NCIT:C17998", 3}}));
  EXPECT_EQ(Of(sex), (Counts{{"NCIT:C16576", 20}}));  // 40 - 20 - 17 would be the three
}

TEST_F(FolderAggregationTest, OfThoseWhoMatchAndPermit) {
  const std::string women =
      R"("filters":[{"id":"NCIT:C16576"}],"aggregationTerms":[{"id":"diseases"}])";
  EXPECT_EQ(Of(women), (Counts{{"MONDO:1", 12}, {"MONDO:2", 6}, {"undefined", 8}}));
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 1};
  ++consent_.epoch;
  ASSERT_THAT(view_.Refresh(ctx_), IsOk());
  EXPECT_EQ(Of(women), (Counts{{"MONDO:1", 10}, {"undefined", 8}}));
}

TEST_F(FolderAggregationTest, AllValuesAreChargedTogether) {
  budgets_ = &all_budgets_;
  ASSERT_THAT(Ask(R"("aggregationTerms":[{"id":"sex"},{"id":"diseases"}])"), IsOk());
  const auto& charged = budget_store_.charged["me"];
  ASSERT_EQ(charged.size(), 6u);  // three sexes, two diseases and none
  for (const Spending& spending : charged)
    EXPECT_DOUBLE_EQ(spending.worst, 6 * disclosure::WorstCharge(mechanism_.policy()));
  budget_store_.spent_out = {"F"};
  const auto refused = Ask(R"("filters":[{"id":"MONDO:1"}],"aggregationTerms":[{"id":"sex"}])");
  EXPECT_THAT(refused, HasReason("BUDGET_SPENT"));
  EXPECT_EQ(RetryAfter(refused.status()), seconds(7));
}

TEST_F(FolderAggregationTest, AFolderThatIsNotInTheDistributionsIsNamed) {
  consent_.rows["G"] = 40;
  ASSERT_THAT(view_.Publish(ctx_, {"G", 1, "folder", "x"}), IsOk());
  budgets_ = &all_budgets_;
  budget_store_.spent_out = {"G"};
  const auto told = Ask(R"("aggregationTerms":[{"id":"sex"}])");
  ASSERT_THAT(told, IsOk());
  EXPECT_EQ(told->aggregations.at(0).distribution, (Counts{{"NCIT:C16576", 20}})) << "those of F";
  ASSERT_EQ(told->withheld.size(), 1u);
  EXPECT_EQ(told->withheld[0].folder, "G");
  EXPECT_EQ(told->withheld[0].retry_after, seconds(7));
}

// Waiting would not help.
TEST_F(FolderAggregationTest, MoreValuesThanABudgetAllowsAreRefusedAsSuch) {
  disclosure::Policy policy = FloorOfFive();
  policy.auc = 0.95;
  ASSERT_EQ(disclosure::MostAtOnce(policy), 5);
  const disclosure::Mechanism mechanism(policy, "");
  const FolderAggregation aggregation(view_, mechanism, &all_budgets_, audit_, clock_, false);
  const auto ask = [&](const std::string& terms) {
    const auto request = beacon::ParseRequest(
        {EntryType::kIndividual, std::nullopt, ""},
        R"({"query":{"requestedGranularity":"aggregated","aggregationTerms":)" + terms + "}}");
    return aggregation.Run(ctx_, *request, "me");
  };
  const auto six = ask(R"([{"id":"sex"},{"id":"diseases"}])");
  EXPECT_THAT(six, HasReason("TOO_MUCH_AT_ONCE"));
  EXPECT_NE(Message(six.status()).find("at most 5"), std::string::npos) << Message(six.status());
  EXPECT_FALSE(RetryAfter(six.status()));
  EXPECT_TRUE(budget_store_.charged.empty());
  EXPECT_THAT(ask(R"([{"id":"sex"}])"), IsOk());
}

TEST_F(FolderAggregationTest, WhatOnlyCohortsKnowIsNotOfFolders) {
  budgets_ = &all_budgets_;
  const auto ages = Ask(R"("aggregationTerms":[{"id":"age"},{"id":"sexByAge"}])");
  ASSERT_THAT(ages, IsOk());
  EXPECT_TRUE(ages->aggregations.empty());
  EXPECT_TRUE(budget_store_.charged["me"].empty());
  const auto both = Ask(R"("aggregationTerms":[{"id":"age"},{"id":"sex"}])");
  ASSERT_EQ(both->aggregations.size(), 1u);
  EXPECT_EQ(both->aggregations[0].term->id, "sex");
}

TEST_F(FolderAggregationTest, WhatIsNotListedIsRefused) {
  for (const char* terms : {R"([{"id":"shoeSize"}])", R"([[{"id":"sex"},{"id":"diseases"}]])",
                            R"("sex")", R"([{}])", "[[]]"})
    EXPECT_FALSE(Ask(std::string(R"("aggregationTerms":)") + terms).ok()) << terms;
  EXPECT_THAT(beacon::ParseRequest({EntryType::kVariant, std::nullopt, ""},
                                   R"({"query":{"aggregationTerms":[{"id":"sex"}]}})"),
              HasReason("QUERY_UNSUPPORTED"));
}

}  // namespace
}  // namespace genofed::discovery
