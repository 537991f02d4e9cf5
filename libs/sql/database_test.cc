// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <limits>
#include <thread>
#include <vector>

#include "libs/sql/test_database.h"
#include "libs/testing/matchers.h"

namespace genofed::sql {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;
using testing::TemporaryPostgres;
using std::chrono::milliseconds;

constexpr char kTables[] = R"(
CREATE TABLE thing (id text PRIMARY KEY, n bigint NOT NULL CHECK (n >= 0), data bytea, at timestamptz,
                    flag boolean, weight double precision);
CREATE TABLE part (thing text NOT NULL REFERENCES thing (id));
)";

const Context kCtx = Context::Background();

Status Insert(Database& db, std::string_view id, std::int64_t n) {
  return db.Transact(
      kCtx, [&](Tx& tx) { return tx.Exec("INSERT INTO thing (id, n) VALUES ($1, $2)", id, n).status(); });
}

Result<std::int64_t> Value(Database& db, std::string_view id) {
  return db.Read(kCtx, [&](Tx& tx) -> Result<std::int64_t> {
    GF_ASSIGN(const Rows rows, tx.Exec("SELECT n FROM thing WHERE id = $1", id));
    GF_ASSIGN(const Row row, rows.One());
    return row.Int(0);
  });
}

TEST(Database, ReturnsEachTypeAsItWasStored) {
  auto db = NewDatabase("types", kTables);
  const std::string bytes("\0\xff'\\x\n", 6);
  const Time time = *ParseRfc3339("2026-11-22T08:05:40.123456Z");
  const std::string text = "it's \"ä\" $1 \\";
  ASSERT_THAT(db->Transact(kCtx,
                           [&](Tx& tx) {
                             return tx.Exec("INSERT INTO thing VALUES ($1, $2, $3, $4, $5, $6)", text,
                                            std::numeric_limits<std::int64_t>::max(), Bytes{bytes}, time, true, 0.1);
                           }),
              IsOk());
  ASSERT_THAT(Insert(*db, "nulls", 0), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const Rows rows, db->Read(kCtx, [](Tx& tx) {
    return tx.Exec("SELECT id, n, data, at, flag, weight FROM thing ORDER BY n DESC");
  }));
  ASSERT_EQ(rows.size(), 2U);
  const Row row = rows[0];
  EXPECT_EQ(row.Text(0), text);
  EXPECT_EQ(row.Int(1), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(row.BytesAt(2), bytes);
  EXPECT_EQ(row.TimeAt(3), time);
  EXPECT_TRUE(row.Bool(4));
  EXPECT_EQ(row.Real(5), 0.1);
  EXPECT_TRUE(rows[1].IsNull(2));
  EXPECT_EQ(rows[1].BytesAt(2), "");
  EXPECT_EQ(rows[1].OptionalTime(3), std::nullopt);
}

TEST(Database, AFirstStatementBelongsToTheTransaction) {
  auto db = NewDatabase("first", kTables);
  ASSERT_THAT(Insert(*db, "hot", 0), IsOk());
  const auto add = [&](Database& database) {
    return database.Transact(
        kCtx,
        [](Tx& tx) -> Status {
          GF_ASSIGN(const Rows rows, tx.Exec("SELECT n FROM thing WHERE id = 'hot'"));
          return tx.Exec("UPDATE thing SET n = $1 WHERE id = 'hot'", rows[0].Int(0) + 1).status();
        },
        Isolation::kReadCommitted, "SELECT 1 FROM thing WHERE id = 'hot' FOR UPDATE");
  };
  {
    // Without the lock some of them would read what another one replaces.
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) EXPECT_THAT(add(*db), IsOk());
      });
    }
  }
  EXPECT_EQ(*Value(*db, "hot"), 100);
  const auto insert = [&](bool commit) {
    return db->Transact(
        kCtx, [&](Tx&) { return commit ? absl::OkStatus() : Error(StatusCode::kAborted, "NO", "no"); },
        Isolation::kReadCommitted, "INSERT INTO thing (id, n) VALUES ('first', 1)");
  };
  EXPECT_THAT(insert(false), HasReason("NO"));
  EXPECT_THAT(Value(*db, "first"), HasReason("ROW_NOT_FOUND"));
  EXPECT_THAT(insert(true), IsOk());
  EXPECT_THAT(insert(true), HasReason("SQL_UNIQUE_VIOLATION")) << "what it does wrong is the transaction's failure";
  EXPECT_EQ(*Value(*db, "first"), 1) << "and the connection is as good as before";
}

TEST(Database, TakesArraysAndCountsChangedRows) {
  auto db = NewDatabase("arrays", kTables);
  for (const char* id : {"a", "b\"\\", "c"}) ASSERT_THAT(Insert(*db, id, 1), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const Rows rows, db->Transact(kCtx, [](Tx& tx) {
    return tx.Exec("UPDATE thing SET n = 2 WHERE id = ANY($1)", std::vector<std::string>{"a", "b\"\\", "x"});
  }));
  EXPECT_EQ(rows.affected(), 2U);
}

TEST(Database, MapsErrorsAndNeverQuotesValues) {
  auto db = NewDatabase("errors", kTables);
  ASSERT_THAT(Insert(*db, "secret", 1), IsOk());
  const Status twice = Insert(*db, "secret", 1);
  EXPECT_THAT(twice, HasCode(StatusCode::kAlreadyExists));
  EXPECT_NE(Message(twice).find("thing_pkey"), std::string::npos);
  EXPECT_EQ(Message(twice).find("secret"), std::string::npos);
  EXPECT_THAT(Insert(*db, "b", -1), HasReason("SQL_CHECK_VIOLATION"));
  const auto run = [&](Sql sql, const auto&... args) {
    return db->Transact(kCtx, [&](Tx& tx) { return tx.Exec(sql, args...).status(); });
  };
  EXPECT_THAT(run("INSERT INTO part VALUES ($1)", "none"), HasReason("SQL_FOREIGN_KEY_VIOLATION"));
  EXPECT_THAT(run("INSERT INTO part VALUES ($1)", nullptr), HasReason("SQL_NOT_NULL_VIOLATION"));
  const Status form = run("SELECT $1::int", "secret");
  EXPECT_THAT(form, HasReason("SQL_BAD_VALUE"));
  EXPECT_EQ(Message(form).find("secret"), std::string::npos);
  EXPECT_THAT(run("SELECT $1::text", std::string("a\0b", 3)), HasReason("SQL_BAD_VALUE"));
  EXPECT_THAT(run("INSERT INTO thing (id, n) VALUES ('u', $1)", ~std::uint64_t{0}), HasReason("SQL_BAD_VALUE"));
  EXPECT_THAT(run("SELECT nothing FROM nowhere"), HasReason("SQL_ERROR"));
  EXPECT_THAT(Value(*db, "absent"), HasReason("ROW_NOT_FOUND"));
}

TEST(Database, RollsBackWhenTheBodyFailsOrThrows) {
  auto db = NewDatabase("rollback", kTables);
  const auto insert_then = [&](const std::function<Status()>& then) {
    return db->Transact(kCtx, [&](Tx& tx) -> Status {
      GF_TRY(tx.Exec("INSERT INTO thing (id, n) VALUES ('a', 1)"));
      return then();
    });
  };
  EXPECT_THAT(insert_then([] { return Error(StatusCode::kInternal, "MINE", "x"); }), HasReason("MINE"));
  EXPECT_THAT(insert_then([]() -> Status { throw std::runtime_error("x"); }), HasReason("SQL_BODY_THREW"));
  EXPECT_THAT(Value(*db, "a"), HasReason("ROW_NOT_FOUND"));
}

TEST(Database, DoesNotReportSuccessAfterAnIgnoredError) {
  auto db = NewDatabase("ignored", kTables);
  const Status status = db->Transact(kCtx, [](Tx& tx) -> Status {
    GF_TRY(tx.Exec("INSERT INTO thing (id, n) VALUES ('a', 1)"));
    static_cast<void>(tx.Exec("INSERT INTO thing (id, n) VALUES ('a', 1)"));
    return absl::OkStatus();
  });
  EXPECT_THAT(status, HasReason("SQL_UNIQUE_VIOLATION"));
  EXPECT_THAT(Value(*db, "a"), HasReason("ROW_NOT_FOUND"));
}

TEST(Database, ReadsWithoutWriting) {
  auto db = NewDatabase("readonly", kTables);
  EXPECT_FALSE(db->Read(kCtx, [](Tx& tx) { return tx.Exec("DELETE FROM thing").status(); }).ok());
}

TEST(Database, RepeatsTransactionsThatConflict) {
  auto db = NewDatabase("conflict", kTables);
  ASSERT_THAT(Insert(*db, "counter", 0), IsOk());
  constexpr int kThreads = 4;
  constexpr int kRounds = 10;
  std::atomic<int> bodies = 0;
  std::atomic<int> failed = 0;
  std::latch all_have_read(kThreads);  // once, so that some conflict for certain
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        bool first = true;
        for (int i = 0; i < kRounds; ++i) {
          const Status status = db->Transact(kCtx, [&](Tx& tx) -> Status {
            ++bodies;
            GF_ASSIGN(const Rows rows, tx.Exec("SELECT n FROM thing WHERE id = 'counter'"));
            GF_ASSIGN(const Row row, rows.One());
            if (std::exchange(first, false)) all_have_read.arrive_and_wait();
            return tx.Exec("UPDATE thing SET n = $1 WHERE id = 'counter'", row.Int(0) + 1).status();
          });
          if (!status.ok()) ++failed;
        }
      });
    }
  }
  GF_ASSERT_OK_AND_ASSIGN(const std::int64_t value, Value(*db, "counter"));
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(value, kThreads * kRounds);
  EXPECT_GT(db->stats().conflicts, 0U);
  EXPECT_EQ(static_cast<std::uint64_t>(bodies), db->stats().conflicts + kThreads * kRounds);
}

TEST(Database, GivesUpAfterTheConfiguredNumberOfConflicts) {
  auto db = NewDatabase("giveup", kTables, [](DatabaseOptions& options) { options.max_attempts = 3; });
  int bodies = 0;
  const Status status = db->Transact(kCtx, [&](Tx& tx) {
    ++bodies;
    return tx.Exec("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$").status();
  });
  EXPECT_THAT(status, HasReason("SQL_CONFLICT"));
  EXPECT_EQ(bodies, 3);
}

TEST(Database, TurnsTheDeadlineIntoAStatementTimeout) {
  auto db = NewDatabase("deadline", kTables);
  const auto started = std::chrono::steady_clock::now();
  const Status status = db->Transact(kCtx.WithTimeout(milliseconds(200)), [](Tx& tx) {
    return tx.Exec("SELECT pg_sleep(30)").status();
  });
  EXPECT_THAT(status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_THAT(status, HasReason("SQL_TIMEOUT"));
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(10));
  EXPECT_THAT(Insert(*db, "after", 1), IsOk());
}

TEST(Database, ShortensTheTimeoutOfLaterStatements) {
  auto db = NewDatabase("later", kTables);
  const auto ctx = kCtx.WithTimeout(milliseconds(2000));
  GF_ASSERT_OK_AND_ASSIGN(const std::string timeout, db->Read(ctx, [&](Tx& tx) -> Result<std::string> {
    GF_TRY(tx.Exec("SELECT pg_sleep(1.2)"));
    GF_ASSIGN(const Rows rows, tx.Exec("SELECT current_setting('statement_timeout')"));
    return rows[0].Text(0);
  }));
  ASSERT_TRUE(timeout.ends_with("ms")) << timeout;
  EXPECT_LE(std::stoi(timeout), 800);
}

TEST(Database, SurvivesARestartOfTheServer) {
  auto db = NewDatabase("restart", kTables);
  ASSERT_THAT(Insert(*db, "a", 1), IsOk());
  const auto opened = db->stats().connections_opened;
  TemporaryPostgres::Get().Restart();
  EXPECT_THAT(Insert(*db, "b", 1), IsOk());  // idle connections are replaced unnoticed
  EXPECT_GT(db->stats().connections_opened, opened);
  const Status during = db->Transact(kCtx, [](Tx& tx) -> Status {
    GF_TRY(tx.Exec("SELECT 1"));
    TemporaryPostgres::Get().Restart();
    return tx.Exec("INSERT INTO thing (id, n) VALUES ('c', 1)").status();
  });
  EXPECT_THAT(during, HasCode(StatusCode::kUnavailable));
  TemporaryPostgres::Get().Stop();
  EXPECT_THAT(db->Ping(kCtx), HasReason("SQL_UNAVAILABLE"));
  TemporaryPostgres::Get().Start();
  EXPECT_THAT(db->Ping(kCtx), IsOk());
  EXPECT_THAT(Value(*db, "b"), IsOk());
  EXPECT_THAT(Value(*db, "c"), HasReason("ROW_NOT_FOUND"));
}

TEST(Database, TellsThatACommitIsInDoubt) {
  auto db = NewDatabase("doubt", kTables);
  const Status status = db->Transact(kCtx, [](Tx& tx) -> Status {
    GF_TRY(tx.Exec("INSERT INTO thing (id, n) VALUES ('a', 1)"));
    TemporaryPostgres::Get().Restart();
    return absl::OkStatus();
  });
  EXPECT_THAT(status, HasReason("SQL_COMMIT_UNKNOWN"));
  EXPECT_THAT(status, HasCode(StatusCode::kUnavailable));
}

TEST(Database, LimitsItsConnections) {
  auto db = NewDatabase("pool", kTables, [](DatabaseOptions& options) {
    options.max_connections = 2;
    options.acquire_timeout = milliseconds(50);
  });
  const auto nested = db->Read(kCtx, [&](Tx&) -> Status {
    return db->Read(kCtx, [&](Tx&) -> Status {
      EXPECT_EQ(db->stats().in_use, 2U);
      return db->Ping(kCtx);
    });
  });
  EXPECT_THAT(nested, HasReason("SQL_POOL_BUSY"));
  EXPECT_EQ(db->stats().in_use, 0U);
  EXPECT_THAT(db->Ping(kCtx), IsOk());
}

TEST(Database, HonoursCancellation) {
  auto db = NewDatabase("cancel", kTables);
  std::stop_source stop;
  const Status status = db->Transact(kCtx.WithStop(stop.get_token()), [&](Tx& tx) -> Status {
    GF_TRY(tx.Exec("INSERT INTO thing (id, n) VALUES ('a', 1)"));
    stop.request_stop();
    return absl::OkStatus();
  });
  EXPECT_THAT(status, HasCode(StatusCode::kCancelled));
  EXPECT_THAT(Value(*db, "a"), HasReason("ROW_NOT_FOUND"));
}

TEST(Database, RefusesBadOptions) {
  DatabaseOptions good = TemporaryPostgres::Get().CreateSchema("options");
  DatabaseOptions options = good;
  options.schema = "a; DROP SCHEMA b";
  EXPECT_THAT(Database::Open(options), HasReason("SQL_BAD_OPTIONS"));
  options = good;
  options.user = "no' such \\ user";
  EXPECT_THAT(Database::Open(options), HasReason("SQL_UNAVAILABLE"));
  options = good;
  options.host = "/nonexistent";
  EXPECT_THAT(Database::Open(options), HasReason("SQL_UNAVAILABLE"));
}

TEST(Database, SeesItsOwnSchemaOnly) {
  auto mine = NewDatabase("mine", kTables);
  auto other = NewDatabase("other", "CREATE TABLE other_thing (id text);");
  EXPECT_THAT(mine->Read(kCtx, [](Tx& tx) { return tx.Exec("SELECT 1 FROM other_thing"); }), HasReason("SQL_ERROR"));
}

}  // namespace
}  // namespace genofed::sql
