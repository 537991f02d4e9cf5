// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/outbox.h"

#include <gtest/gtest.h>

#include <map>

#include "libs/sql/test_database.h"
#include "libs/testing/matchers.h"

namespace genofed::sql {
namespace {

using std::chrono::milliseconds;
using testing::HasReason;
using testing::IsOk;

constexpr char kTables[] = R"(
CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  key text NOT NULL,
  payload bytea NOT NULL,
  created timestamptz NOT NULL DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  next_attempt timestamptz NOT NULL DEFAULT now(),
  done timestamptz);
CREATE INDEX outbox_pending ON outbox (topic, key, id) WHERE done IS NULL;
)";

class OutboxTest : public ::testing::Test {
 protected:
  template <typename F>
  auto Do(F body, Isolation isolation = Isolation::kReadCommitted) {
    return db_->Transact(Context::Background(), std::move(body), isolation);
  }
  void Put(std::string_view key, std::string_view payload) {
    ASSERT_THAT(Do([&](Tx& tx) { return outbox_.Put(tx, "t", key, payload); }), IsOk());
  }
  std::int64_t Pending() {
    return Do([&](Tx& tx) { return outbox_.Pending(tx); }).value_or(-1);
  }
  // Keeps what it is given, by key.
  OutboxPump::Deliver Keep() {
    return [this](const Context&, const OutboxMessage& message) {
      MutexLock lock(mutex_);
      delivered_[message.key].push_back(message.payload);
      return absl::OkStatus();
    };
  }
  static OutboxPump::Options Quick() {
    return {.poll_interval = milliseconds(10), .lease = milliseconds(300), .backoff = milliseconds(5)};
  }

  std::unique_ptr<Database> db_ = NewDatabase("outbox", kTables);
  const Outbox outbox_;
  Mutex mutex_;
  std::map<std::string, std::vector<std::string>> delivered_;
};

TEST_F(OutboxTest, DeliversCommittedMessagesOnly) {
  const std::string binary("\0\xfe", 2);
  Put("a", binary);
  EXPECT_FALSE(Do([&](Tx& tx) -> Status {
                 GF_TRY(outbox_.Put(tx, "t", "a", "rolled back"));
                 return Error(StatusCode::kCancelled, "NO", "no");
               }).ok());
  OutboxPump pump(*db_, outbox_, Quick(), Keep());
  ASSERT_TRUE(Eventually([&] { return Pending() == 0; }));
  pump.Stop();
  EXPECT_EQ(delivered_["a"], std::vector<std::string>{binary});
}

TEST_F(OutboxTest, KeepsTheOrderOfCommitsPerKeyWithManyWritersAndPumps) {
  ASSERT_THAT(Do([](Tx& tx) { return tx.Exec("CREATE TABLE seq (key text PRIMARY KEY, n bigint NOT NULL)"); }), IsOk());
  ASSERT_THAT(Do([](Tx& tx) { return tx.Exec("INSERT INTO seq VALUES ('a', 0), ('b', 0)"); }), IsOk());
  constexpr int kWriters = 4;
  constexpr int kEach = 20;
  {
    OutboxPump one(*db_, outbox_, Quick(), Keep());
    OutboxPump two(*db_, outbox_, Quick(), Keep());
    std::vector<std::jthread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&, w] {
        const std::string key = w % 2 == 0 ? "a" : "b";
        for (int i = 0; i < kEach; ++i) {
          // The row lock on seq makes n the order of commits.
          EXPECT_THAT(Do([&](Tx& tx) -> Status {
                        GF_ASSIGN(const Rows rows,
                                  tx.Exec("UPDATE seq SET n = n + 1 WHERE key = $1 RETURNING n", key));
                        return outbox_.Put(tx, "t", key, rows[0].Text(0));
                      }),
                      IsOk());
        }
      });
    }
    writers.clear();
    ASSERT_TRUE(Eventually([&] { return Pending() == 0; }));
  }
  for (const char* key : {"a", "b"}) {
    std::vector<std::string> expected;
    for (int i = 1; i <= kWriters / 2 * kEach; ++i) expected.push_back(std::to_string(i));
    EXPECT_EQ(delivered_[key], expected);
  }
}

TEST_F(OutboxTest, PutsOfOneKeyWaitForEachOther) {
  std::atomic<bool> second_done = false;
  std::jthread second;
  ASSERT_THAT(Do([&](Tx& tx) -> Status {
                GF_TRY(outbox_.Put(tx, "t", "a", "first"));
                second = std::jthread([&] {
                  Put("a", "second");
                  second_done = true;
                });
                Put("other", "not blocked");
                std::this_thread::sleep_for(milliseconds(100));
                EXPECT_FALSE(second_done);
                return absl::OkStatus();
              }),
              IsOk());
  second.join();
  EXPECT_TRUE(second_done);
}

TEST_F(OutboxTest, AFailedOrThrownDeliveryIsRepeatedAndHoldsBackItsKeyOnly) {
  Put("a", "1");
  Put("a", "2");
  Put("b", "1");
  std::atomic<int> tries = 0;
  std::atomic<int> reported = 0;
  auto options = Quick();
  options.on_error = [&](const OutboxMessage* message, const Status&) {
    if (message != nullptr) ++reported;
  };
  OutboxPump pump(*db_, outbox_, options, [&](const Context& ctx, const OutboxMessage& message) -> Status {
    if (message.key == "a" && message.payload == "1") {
      const int attempt = ++tries;
      EXPECT_EQ(message.attempts, attempt);
      if (attempt == 1) return Error(StatusCode::kUnavailable, "DOWN", "down");
      if (attempt == 2) throw std::runtime_error("crash");
    }
    return Keep()(ctx, message);
  });
  ASSERT_TRUE(Eventually([&] { return Pending() == 0; }));
  pump.Stop();
  EXPECT_EQ(tries, 3);
  EXPECT_EQ(reported, 2);
  EXPECT_EQ(delivered_["a"], (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(delivered_["b"], std::vector<std::string>{"1"});
}

TEST_F(OutboxTest, AMessageClaimedByAProcessThatDiedIsDeliveredAgain) {
  Put("a", "1");
  Put("a", "2");
  // A process claims and disappears without a word.
  GF_ASSERT_OK_AND_ASSIGN(const auto claimed, Do([&](Tx& tx) { return outbox_.Claim(tx, 10, milliseconds(200)); }));
  ASSERT_EQ(claimed.size(), 1U);
  GF_ASSERT_OK_AND_ASSIGN(const auto hidden, Do([&](Tx& tx) { return outbox_.Claim(tx, 10, milliseconds(200)); }));
  EXPECT_TRUE(hidden.empty());
  OutboxPump pump(*db_, outbox_, Quick(), Keep());
  ASSERT_TRUE(Eventually([&] { return Pending() == 0; }));
  pump.Stop();
  EXPECT_EQ(delivered_["a"], (std::vector<std::string>{"1", "2"}));
  EXPECT_THAT(Do([&](Tx& tx) { return outbox_.Complete(tx, claimed[0]); }), HasReason("LEASE_LOST"));
}

TEST_F(OutboxTest, StopCancelsTheRunningDeliveryAndFreesIt) {
  Put("a", "1");
  std::atomic<bool> started = false;
  auto options = Quick();
  options.lease = std::chrono::minutes(10);
  OutboxPump pump(*db_, outbox_, options, [&](const Context& ctx, const OutboxMessage&) {
    started = true;
    Eventually([&] { return !ctx.Alive().ok(); });
    return ctx.Alive();
  });
  ASSERT_TRUE(Eventually([&] { return started.load(); }));
  pump.Stop();
  GF_ASSERT_OK_AND_ASSIGN(const auto again, Do([&](Tx& tx) { return outbox_.Claim(tx, 1, milliseconds(10)); }));
  EXPECT_EQ(again.size(), 1U);
}

TEST_F(OutboxTest, NotifyWakesThePump) {
  auto options = Quick();
  options.poll_interval = std::chrono::minutes(5);
  OutboxPump pump(*db_, outbox_, options, Keep());
  Put("a", "1");
  pump.Notify();
  EXPECT_TRUE(Eventually([&] { return Pending() == 0; }));
}

TEST_F(OutboxTest, PrunesDeliveredMessagesOnly) {
  Put("a", "old");
  ASSERT_THAT(Do([](Tx& tx) { return tx.Exec("UPDATE outbox SET done = now() - interval '2 days'"); }), IsOk());
  Put("a", "pending");
  ASSERT_THAT(Do([&](Tx& tx) { return outbox_.Prune(tx, std::chrono::hours(24)); }), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const Rows rows, Do([](Tx& tx) { return tx.Exec("SELECT payload FROM outbox"); }));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].BytesAt(0), "pending");
}

}  // namespace
}  // namespace genofed::sql
