// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/lease.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "libs/sql/test_database.h"
#include "libs/testing/matchers.h"

namespace genofed::sql {
namespace {

using std::chrono::milliseconds;
using testing::HasReason;
using testing::IsOk;

constexpr char kTables[] = R"(
CREATE TABLE work (
  id text PRIMARY KEY,
  work_state text NOT NULL DEFAULT 'ready' CHECK (work_state IN ('ready', 'done', 'failed')),
  attempt integer NOT NULL DEFAULT 0,
  not_before timestamptz NOT NULL DEFAULT now(),
  lease_owner text,
  lease_until timestamptz,
  last_reason text);
CREATE INDEX ON work (not_before) WHERE work_state = 'ready';
)";

class LeaseTest : public ::testing::Test {
 protected:
  template <typename F>
  auto Do(F body) {
    return db_->Transact(Context::Background(), std::move(body), Isolation::kReadCommitted);
  }
  void Add(int count) {
    ASSERT_THAT(Do([&](Tx& tx) {
                  return tx.Exec("INSERT INTO work (id) SELECT 'w' || i FROM generate_series(1, $1::int) i", count);
                }),
                IsOk());
  }
  std::vector<Lease> Claim(const LeaseTable& table, std::string_view owner, std::int64_t limit = 1) {
    auto leases = Do([&](Tx& tx) { return table.Claim(tx, owner, limit); });
    EXPECT_THAT(leases, IsOk());
    return leases.ok() ? *leases : std::vector<Lease>();
  }
  std::string Column(Sql sql) {
    const auto rows = Do([&](Tx& tx) { return tx.Exec(sql); });
    return rows.ok() && !rows->empty() ? (*rows)[0].Text(0) : Describe(rows.status());
  }
  std::int64_t CountOf(std::string_view state) {
    const auto rows = Do([&](Tx& tx) { return tx.Exec("SELECT count(*) FROM work WHERE work_state = $1", state); });
    return rows.ok() ? (*rows)[0].Int(0) : -1;
  }
  LeaseLoop::Options Quick() const { return {.owner = "me", .poll_interval = milliseconds(20)}; }

  std::unique_ptr<Database> db_ = NewDatabase("lease", kTables);
  const LeasePolicy quick_{.duration = milliseconds(150), .backoff = milliseconds(10)};
};

TEST_F(LeaseTest, NeverGivesARowToTwoClaimers) {
  constexpr int kItems = 200;
  Add(kItems);
  const LeaseTable table("work");
  Mutex mutex;
  std::map<std::string, int> claimed;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        for (;;) {
          const auto leases = Claim(table, "t" + std::to_string(t), 3);
          if (leases.empty()) return;
          MutexLock lock(mutex);
          for (const Lease& lease : leases) ++claimed[lease.id];
        }
      });
    }
  }
  EXPECT_EQ(claimed.size(), static_cast<std::size_t>(kItems));
  for (const auto& [id, count] : claimed) EXPECT_EQ(count, 1) << id;
}

TEST_F(LeaseTest, HidesARowWhoseClaimIsNotCommitted) {
  Add(1);
  const LeaseTable table("work");
  const Status status = Do([&](Tx& tx) -> Status {
    GF_ASSIGN(const auto first, table.Claim(tx, "a", 1));
    EXPECT_EQ(first.size(), 1U);
    EXPECT_TRUE(Claim(table, "b").empty());
    return Error(StatusCode::kCancelled, "ROLLBACK", "rolled back");
  });
  EXPECT_THAT(status, HasReason("ROLLBACK"));
  EXPECT_EQ(Claim(table, "b").size(), 1U);
}

TEST_F(LeaseTest, DeliversAgainAfterTheLeaseRanOutAndFencesTheOldHolder) {
  Add(1);
  const LeaseTable table("work", quick_);
  const auto first = Claim(table, "same-owner");
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].attempt, 1);
  EXPECT_TRUE(Claim(table, "same-owner").empty());
  std::vector<Lease> second;
  ASSERT_TRUE(Eventually([&] { return !(second = Claim(table, "same-owner")).empty(); }));
  EXPECT_EQ(second[0].attempt, 2);
  EXPECT_THAT(Do([&](Tx& tx) { return table.Complete(tx, first[0]); }), HasReason("LEASE_LOST"));
  EXPECT_THAT(Do([&](Tx& tx) { return table.Heartbeat(tx, first[0]); }), HasReason("LEASE_LOST"));
  EXPECT_THAT(Do([&](Tx& tx) { return table.Complete(tx, second[0]); }), IsOk());
  EXPECT_EQ(CountOf("done"), 1);
}

TEST_F(LeaseTest, FailsWithBackOffUntilAttemptsAreUsedUp) {
  Add(1);
  const LeaseTable table("work", {.backoff = milliseconds(60'000), .max_attempts = 2});
  const Status why = Error(StatusCode::kUnavailable, "PEER_DOWN", "secret text");
  auto lease = Claim(table, "a");
  ASSERT_THAT(Do([&](Tx& tx) { return table.Fail(tx, lease.at(0), why); }), IsOk());
  EXPECT_EQ(Column("SELECT last_reason FROM work"), "PEER_DOWN");
  // 60 s with half of it random.
  EXPECT_EQ(Column("SELECT not_before BETWEEN now() + interval '25 s' AND now() + interval '61 s' FROM work"), "t");
  EXPECT_TRUE(Claim(table, "a").empty());
  ASSERT_THAT(Do([](Tx& tx) { return tx.Exec("UPDATE work SET not_before = now()"); }), IsOk());
  lease = Claim(table, "a");
  ASSERT_THAT(Do([&](Tx& tx) { return table.Fail(tx, lease.at(0), why); }), IsOk());
  EXPECT_EQ(CountOf("failed"), 1);
}

TEST_F(LeaseTest, StopsHandingOutAnItemThatKillsItsProcess) {
  Add(1);
  const LeaseTable table("work", {.duration = milliseconds(1), .max_attempts = 2});
  ASSERT_EQ(Claim(table, "a").size(), 1U);
  std::vector<Lease> again;
  ASSERT_TRUE(Eventually([&] { return !(again = Claim(table, "a")).empty(); }));
  ASSERT_TRUE(Eventually([&] { return Claim(table, "a").empty() && CountOf("failed") == 1; }));
  EXPECT_EQ(Column("SELECT last_reason FROM work"), "ATTEMPTS_EXHAUSTED");
}

TEST_F(LeaseTest, DefersWithoutCountingTheAttempt) {
  Add(1);
  const LeaseTable table("work");
  const auto lease = Claim(table, "a");
  ASSERT_THAT(Do([&](Tx& tx) { return table.Defer(tx, lease.at(0), milliseconds(0)); }), IsOk());
  EXPECT_EQ(Claim(table, "b").at(0).attempt, 1);
}

// Whoever deferred it is late, and claims it again by the same name.
TEST_F(LeaseTest, WhoDeferredCannotSettleWhatWasClaimedAnew) {
  Add(1);
  const LeaseTable table("work");
  const auto lease = Claim(table, "a");
  ASSERT_THAT(Do([&](Tx& tx) { return table.Defer(tx, lease.at(0), milliseconds(0)); }), IsOk());
  const auto next = Claim(table, "a");
  EXPECT_THAT(Do([&](Tx& tx) { return table.Complete(tx, lease.at(0)); }), HasReason("LEASE_LOST"));
  EXPECT_THAT(Do([&](Tx& tx) { return table.Complete(tx, next.at(0)); }), IsOk());
}

TEST_F(LeaseTest, LoopRunsEveryItemOnce) {
  Add(30);
  Mutex mutex;
  std::multiset<std::string> ran;
  auto options = Quick();
  options.workers = 3;
  LeaseLoop loop(*db_, LeaseTable("work"), options, [&](const Context&, const Lease& lease) {
    MutexLock lock(mutex);
    ran.insert(lease.id);
    return absl::OkStatus();
  });
  EXPECT_TRUE(Eventually([&] { return CountOf("done") == 30; }));
  loop.Stop();
  EXPECT_EQ(ran.size(), 30U);
}

TEST_F(LeaseTest, LoopTriesAgainAfterErrorsAndExceptions) {
  Add(1);
  std::atomic<int> runs = 0;
  std::atomic<int> reported = 0;
  auto options = Quick();
  options.on_error = [&](const Lease*, const Status&) { ++reported; };
  LeaseLoop loop(*db_, LeaseTable("work", quick_), options, [&](const Context&, const Lease&) -> Status {
    switch (++runs) {
      case 1: return Error(StatusCode::kUnavailable, "DOWN", "down");
      case 2: throw std::runtime_error("x");
      default: return absl::OkStatus();
    }
  });
  EXPECT_TRUE(Eventually([&] { return CountOf("done") == 1; }));
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(reported, 2);
}

TEST_F(LeaseTest, LoopAbandonsPermanentFailures) {
  Add(1);
  LeaseLoop loop(*db_, LeaseTable("work"), Quick(), [](const Context&, const Lease&) {
    return PermanentFailure(Error(StatusCode::kInvalidArgument, "NONSENSE", "never"));
  });
  EXPECT_TRUE(Eventually([&] { return CountOf("failed") == 1; }));
  EXPECT_EQ(Column("SELECT last_reason FROM work"), "NONSENSE");
}

TEST_F(LeaseTest, LoopHoldsTheLeaseOfLongWork) {
  Add(1);
  std::atomic<int> runs = 0;
  const auto work = [&](const Context& ctx, const Lease&) {
    ++runs;
    std::this_thread::sleep_for(quick_.duration * 4);
    return ctx.Alive();
  };
  LeaseLoop one(*db_, LeaseTable("work", quick_), Quick(), work);
  LeaseLoop two(*db_, LeaseTable("work", quick_), Quick(), work);
  EXPECT_TRUE(Eventually([&] { return CountOf("done") == 1; }));
  EXPECT_EQ(runs, 1);
}

TEST_F(LeaseTest, LoopCancelsWorkWhoseLeaseIsLost) {
  Add(1);
  std::atomic<bool> cancelled = false;
  std::atomic<bool> started = false;
  LeaseLoop loop(*db_, LeaseTable("work", quick_), Quick(), [&](const Context& ctx, const Lease&) {
    started = true;
    cancelled = Eventually([&] { return !ctx.Alive().ok(); });
    return ctx.Alive();
  });
  ASSERT_TRUE(Eventually([&] { return started.load(); }));
  ASSERT_THAT(Do([](Tx& tx) {
                return tx.Exec("UPDATE work SET lease_owner = 'thief', attempt = attempt + 1,"
                               " lease_until = now() + interval '1 h'");
              }),
              IsOk());
  EXPECT_TRUE(Eventually([&] { return cancelled.load(); }));
  EXPECT_EQ(Column("SELECT lease_owner FROM work"), "thief");
}

TEST_F(LeaseTest, StoppingFreesTheRunningItemAtOnce) {
  Add(1);
  std::atomic<bool> started = false;
  {
    LeaseLoop loop(*db_, LeaseTable("work"), Quick(), [&](const Context& ctx, const Lease&) {
      started = true;
      Eventually([&] { return !ctx.Alive().ok(); });
      return ctx.Alive();
    });
    ASSERT_TRUE(Eventually([&] { return started.load(); }));
  }
  EXPECT_EQ(Claim(LeaseTable("work"), "next").at(0).attempt, 1);
}

TEST_F(LeaseTest, NotifyWakesTheLoop) {
  LeaseLoop loop(*db_, LeaseTable("work"), {.owner = "me", .poll_interval = std::chrono::minutes(5)},
                 [](const Context&, const Lease&) { return absl::OkStatus(); });
  Add(1);
  loop.Notify();
  EXPECT_TRUE(Eventually([&] { return CountOf("done") == 1; }));
}

TEST_F(LeaseTest, LoopOutlivesARestartOfTheServer) {
  LeaseLoop loop(*db_, LeaseTable("work"), Quick(),
                 [](const Context&, const Lease&) { return absl::OkStatus(); });
  testing::TemporaryPostgres::Get().Restart();
  Add(2);
  EXPECT_TRUE(Eventually([&] { return CountOf("done") == 2; }));
}

}  // namespace
}  // namespace genofed::sql
