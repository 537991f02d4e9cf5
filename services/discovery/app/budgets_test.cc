// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/budgets.h"

#include <gtest/gtest.h>

#include "libs/core/retry_after.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/discovery/domain/answer.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;

class TellingTest : public ::testing::Test {
 protected:
  // Dataset, outcome and charge of each record.
  std::vector<std::tuple<std::string, std::string, double>> Recorded() {
    EXPECT_THAT(audit_.Flush(ctx_), IsOk());
    std::vector<std::tuple<std::string, std::string, double>> records;
    for (const AuditEntry& entry : audit_store_.entries)
      records.emplace_back(entry.dataset, entry.outcome, entry.nats);
    return records;
  }
  Context ctx_ = Context::Background();
  testing::FakeClock clock_;
  FakeBudgetStore store_;
  Budgets budgets_{store_, clock_};
  FakeAuditStore audit_store_;
  DisclosureAudit audit_{audit_store_};
  const std::vector<Spending> spendings_ = {{"A", "q", 1, 1}, {"B", "q", 2, 2}, {"C", "q", 3, 3}};
};

TEST_F(TellingTest, RecordsWhatWasToldHeldBackAndRefused) {
  store_.spent_out = {"C"};
  const auto refused =
      Telling(&budgets_, audit_, clock_).Charge(ctx_, "ann", spendings_, {"B", "C"});
  ASSERT_THAT(refused, IsOk());
  EXPECT_EQ(*refused, (Refused{{"C", std::chrono::seconds(7)}}));
  EXPECT_EQ(store_.charged["ann"].size(), 2u);
  using Record = std::tuple<std::string, std::string, double>;
  EXPECT_EQ(Recorded(),
            (std::vector<Record>{{"A", "told", 1}, {"B", "held_back", 2}, {"C", "refused", 0}}));
}

// The store takes each question once.
TEST_F(TellingTest, WhatIsAskedTwiceAtOnceIsOneQuestion) {
  ASSERT_THAT(budgets_.Charge(ctx_, "ann", {{"A", "q", 1, 2}, {"A", "q", 1, 2}, {"B", "q", 1, 2}}),
              IsOk());
  EXPECT_EQ(store_.charged["ann"].size(), 2u);
}

TEST_F(TellingTest, WithoutBudgetsEverythingIsToldAndRecorded) {
  store_.spent_out = {"C"};
  EXPECT_TRUE(Telling(nullptr, audit_, clock_).Charge(ctx_, "ann", spendings_)->empty());
  EXPECT_EQ(Recorded().size(), 3u);
  EXPECT_TRUE(store_.charged.empty());
}

TEST_F(TellingTest, NothingIsToldWhenItCannotBeCharged) {
  store_.up = false;
  EXPECT_THAT(Telling(&budgets_, audit_, clock_).Charge(ctx_, "ann", spendings_),
              HasReason("BUDGET_UNKNOWN"));
  EXPECT_TRUE(Recorded().empty());
}

TEST(BudgetSpent, NamesEachDataset) {
  const Status spent =
      BudgetSpent({{"A", std::chrono::seconds(9)}, {"B", std::chrono::seconds(7)}});
  ASSERT_EQ(Fields(spent).size(), 2u);
  EXPECT_EQ(Fields(spent)[1].description, "B");
}

TEST(Withhold, MovesWhatIsRefusedAndSaysWhenNothingIsLeft) {
  const Refused refused = {{"A", std::chrono::seconds(9)}, {"B", std::chrono::seconds(7)}};
  Answer some;
  for (const char* dataset : {"A", "B", "C"})
    some.datasets.push_back({dataset, 1, "FI", false, 0, {}});
  Withhold(refused, some);
  EXPECT_THAT(CheckTold(some), IsOk());
  ASSERT_EQ(some.datasets.size(), 1u);
  EXPECT_EQ(some.datasets[0].dataset, "C");
  ASSERT_EQ(some.withheld.size(), 2u);
  EXPECT_EQ(some.withheld[0].retry_after_seconds, 9);
  Answer none;
  Withhold({}, none);
  EXPECT_THAT(CheckTold(none), IsOk()) << "nothing was asked of";
  none.datasets.push_back({"A", 1, "FI", false, 0, {}});
  Withhold(refused, none);
  const Status spent = CheckTold(none);
  EXPECT_THAT(spent, HasReason("BUDGET_SPENT"));
  EXPECT_EQ(RetryAfter(spent), std::chrono::seconds(7)) << "the soonest";
}

}  // namespace
}  // namespace genofed::discovery
