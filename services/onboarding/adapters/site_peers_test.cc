// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/site_peers.h"

#include <gtest/gtest.h>

#include "libs/testing/fake_ledger.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::onboarding {
namespace {

using testing::IsOk;

// A data manager's reason is several lines, and a job whose entry is refused would never end.
TEST(ConsentClient, AnyReasonFitsIntoTheEntry) {
  testing::FakeClock clock;
  testing::FakeLedger ledger;
  const auto client = MakeConsentClient(ledger.Channel(), clock);
  const Context ctx = Context::Background();
  ASSERT_THAT(client->Log(ctx, "dataset:1",
                          {"GOE-FI-A-1", 2, "rolled-back", "", "",
                           "The labels\nwere mixed up: " + std::string(5'000, 'x')}),
              IsOk());
  ASSERT_THAT(client->Log(ctx, "dataset:2", {"GOE-FI-A-1", 0, "decommissioned", "", "", ""}),
              IsOk());
  const auto entries = ledger.Entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].kind, ledger::EntryKind::kDataset);
  EXPECT_TRUE(entries[0].Field("reason").starts_with("The labels were mixed up: xx"));
  EXPECT_EQ(entries[0].Field("version"), "2");
  EXPECT_FALSE(entries[1].fields.contains("reason"));
  EXPECT_FALSE(entries[1].fields.contains("version"));
}

TEST(ConsentClient, AJobThatBeginsAgainLogsOnce) {
  testing::FakeClock clock;
  testing::FakeLedger ledger;
  const auto client = MakeConsentClient(ledger.Channel(), clock);
  const DatasetEvent event{"GOE-FI-A-1", 2, "rolled-back", "", "", "a mistake"};
  ASSERT_THAT(client->Log(Context::Background(), "dataset:1", event), IsOk());
  clock.Advance(std::chrono::minutes(5));
  EXPECT_THAT(client->Log(Context::Background(), "dataset:1", event), IsOk());
  EXPECT_EQ(ledger.Entries().size(), 1u);
}

}  // namespace
}  // namespace genofed::onboarding
