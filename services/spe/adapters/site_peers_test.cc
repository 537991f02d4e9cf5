// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/site_peers.h"

#include <gtest/gtest.h>

#include "libs/testing/fake_ledger.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::spe {
namespace {

using testing::IsOk;

class ReleaseLedgerTest : public ::testing::Test {
 protected:
  ReleaseLedgerTest() {
    task_.order.id = "task-1";
    task_.order.run = "run-1";
    task_.order.application = "app-1";
    task_.order.project = "Epilepsy";
    task_.order.dataset = {"GOE-FI-A-1", 3};
    review_.digest = std::string(64, 'a');
  }
  Status Append() { return ledger_->Append(Context::Background(), task_, review_); }

  testing::FakeClock clock_;
  testing::FakeLedger fake_;
  std::unique_ptr<ReleaseLedger> ledger_ = MakeReleaseLedger(fake_.Channel(), clock_);
  Task task_;
  Review review_;
};

TEST_F(ReleaseLedgerTest, AReleaseNamesItsRunAndProject) {
  ASSERT_THAT(Append(), IsOk());
  ASSERT_EQ(fake_.Entries().size(), 1u);
  const ledger::Entry entry = fake_.Entries()[0];
  EXPECT_EQ(entry.kind, ledger::EntryKind::kRelease);
  EXPECT_EQ(entry.Field("run"), "run-1");
  EXPECT_EQ(entry.Field("project"), "Epilepsy");
  EXPECT_EQ(entry.Field("version"), "3");
  EXPECT_EQ(entry.Field("release_sha256"), review_.digest);
}

// What researchers wrote must not cost them their results.
TEST_F(ReleaseLedgerTest, AnyTitleFitsIntoTheEntry) {
  task_.order.project = "Epilepsy\nin children\t" + std::string(20'000, 'x');
  ASSERT_THAT(Append(), IsOk());
  EXPECT_TRUE(fake_.Entries()[0].Field("project").starts_with("Epilepsy in children xx"));
  task_.order.id = "task-2";
  task_.order.project = "";
  ASSERT_THAT(Append(), IsOk());
  EXPECT_FALSE(fake_.Entries()[1].fields.contains("project"));
}

TEST_F(ReleaseLedgerTest, AnAnswerThatWasLostIsAskedForAgainLater) {
  fake_.SetLosesAnswers(true);
  EXPECT_FALSE(Append().ok());
  fake_.SetLosesAnswers(false);
  clock_.Advance(std::chrono::minutes(5));
  EXPECT_THAT(Append(), IsOk());
  EXPECT_EQ(fake_.Entries().size(), 1u);
}

}  // namespace
}  // namespace genofed::spe
