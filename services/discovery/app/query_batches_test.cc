// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/query_batches.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;

class FakeStore final : public QueryBatchStore {
 public:
  Status CloseWindow(
      const Context&, Time by, std::int64_t,
      const std::function<std::vector<QueryBatchEntry>(const QueryWindow&)>& make) override {
    ++calls;
    begun_by = by;
    if (window.since <= by) made = make(window);
    return status;
  }
  QueryWindow window;
  std::vector<QueryBatchEntry> made;
  Time begun_by{};
  int calls = 0;
  Status status;
};

class QueryBatchesTest : public ::testing::Test {
 protected:
  QueryBatchesTest() {
    store_.window = {clock_.Now(), 40, std::string(32, '\x01'), {{"GOE-FI-A-1", 12, 3}}};
  }
  Context ctx_ = Context::Background();
  testing::FakeClock clock_;
  FakeStore store_;
};

TEST_F(QueryBatchesTest, EachDatasetHasItsNumbersAndTheLinkOfTheChain) {
  store_.window.datasets.push_back({"GOE-FI-B-1", 1, 0});
  const auto entries =
      EntriesOf(store_.window, clock_.Now() + std::chrono::milliseconds(3'600'500));
  ASSERT_EQ(entries.size(), 2u);
  std::set<std::string> keys;
  for (const QueryBatchEntry& batch : entries) {
    keys.insert(batch.key);
    const auto bytes = ledger::EncodeEntry(batch.entry);
    ASSERT_THAT(bytes, IsOk());
    EXPECT_EQ(batch.entry.kind, ledger::EntryKind::kQueryBatch);
    EXPECT_EQ(batch.entry.Field("audit_sha256"),
              "0101010101010101010101010101010101010101010101010101010101010101");
    EXPECT_EQ(batch.entry.numbers.at("audit_links"), 40);
    EXPECT_TRUE(batch.entry.commitments.empty()) << "nobody is in it, hidden or not";
  }
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_EQ(entries[0].entry.Field("dataset"), "GOE-FI-A-1");
  EXPECT_EQ(entries[0].entry.numbers.at("answers"), 12);
  EXPECT_EQ(entries[0].entry.numbers.at("refusals"), 3);
  EXPECT_EQ(entries[0].entry.Field("since"), "2026-01-01T00:00:00Z");
  EXPECT_EQ(entries[0].entry.time, "2026-01-01T01:00:00Z");
  EXPECT_EQ(entries[1].entry.numbers.at("answers"), 1);
}

// After a restore the chain goes on from an earlier link, under the same numbers.
TEST_F(QueryBatchesTest, AnotherChainHasOtherKeys) {
  const std::string key = EntriesOf(store_.window, clock_.Now())[0].key;
  EXPECT_EQ(EntriesOf(store_.window, clock_.Now() + std::chrono::hours(1))[0].key, key);
  store_.window.hash[0] = '\x02';
  EXPECT_NE(EntriesOf(store_.window, clock_.Now())[0].key, key);
}

TEST_F(QueryBatchesTest, AWindowIsAsLongAsTheInterval) {
  QueryBatches batches(store_, clock_, std::chrono::hours(1));
  ASSERT_THAT(batches.Run(ctx_), IsOk());
  EXPECT_EQ(store_.begun_by, clock_.Now() - std::chrono::hours(1));
  EXPECT_TRUE(store_.made.empty());
  clock_.Advance(std::chrono::hours(1));
  ASSERT_THAT(batches.Run(ctx_), IsOk());
  EXPECT_EQ(store_.made.size(), 1u);
}

TEST_F(QueryBatchesTest, TheDatabaseIsAskedNowAndThen) {
  QueryBatches batches(store_, clock_, std::chrono::hours(1));
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(batches.Run(ctx_), IsOk());
    clock_.Advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(store_.calls, 2);
  clock_.Advance(std::chrono::hours(-5));  // a clock that was set back does not end it
  ASSERT_THAT(batches.Run(ctx_), IsOk());
  EXPECT_EQ(store_.calls, 3);
  store_.status = Error(StatusCode::kDataLoss, "AUDIT_SHORTENED", "gone");
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_THAT(batches.Run(ctx_), HasReason("AUDIT_SHORTENED"));
}

}  // namespace
}  // namespace genofed::discovery
