// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/ledger_outbox.h"

#include <gtest/gtest.h>

#include <thread>

#include "libs/platform/ledger_client.h"
#include "libs/testing/fake_ledger.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_postgres.h"

namespace genofed {
namespace {

using testing::HasReason;
using testing::IsOk;

ledger::Entry Grant(const std::string& project) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kGrant;
  entry.time = "2026-01-31T12:00:00Z";
  entry.fields = {{"project", project}};
  return entry;
}

class LedgerOutboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    database_ = *sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("ledger"));
    ASSERT_THAT(Transact([](sql::Tx& tx) {
                  return tx
                      .Exec(
                          "CREATE TABLE ledger_outbox (id bigint GENERATED ALWAYS AS IDENTITY "
                          "PRIMARY KEY, topic text NOT NULL, key text NOT NULL, payload bytea "
                          "NOT NULL, created timestamptz NOT NULL DEFAULT now(), attempts "
                          "integer NOT NULL DEFAULT 0, next_attempt timestamptz NOT NULL DEFAULT "
                          "now(), done timestamptz)")
                      .status();
                }),
                IsOk());
  }
  Status Transact(const std::function<Status(sql::Tx&)>& body) {
    return database_->Transact(ctx_, body);
  }
  Status Put(const std::string& key, const ledger::Entry& entry) {
    return Transact([&](sql::Tx& tx) { return outbox_.Put(tx, "app-1", key, entry); });
  }
  // Whether so many come; more would be as wrong.
  std::vector<std::string> Projects(std::size_t expected) {
    for (int i = 0; i < 200 && ledger_.Entries().size() < expected; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::vector<std::string> projects;
    for (const auto& entry : ledger_.Entries()) projects.push_back(entry.Field("project"));
    return projects;
  }
  std::int64_t Pending() {
    return *database_->Read(ctx_,
                            [](sql::Tx& tx) { return sql::Outbox("ledger_outbox").Pending(tx); });
  }

  Context ctx_ = Context::Background();
  std::unique_ptr<sql::Database> database_;
  testing::FakeLedger ledger_;
  LedgerOutbox outbox_;
};

TEST_F(LedgerOutboxTest, WhatCommitsIsAppendedOnceAndInOrder) {
  ASSERT_THAT(Put("1", Grant("a")), IsOk());
  ASSERT_THAT(Put("2", Grant("b")), IsOk());
  EXPECT_THAT(Transact([&](sql::Tx& tx) -> Status {
                GF_TRY(outbox_.Put(tx, "app-1", "3", Grant("c")));
                return Error(StatusCode::kAborted, "NO", "no");
              }),
              HasReason("NO"));
  ledger_.SetAway(true);
  auto pump = StartLedgerDelivery(*database_, ledger_.Channel());
  while (ledger_.Calls() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(ledger_.Entries().empty());
  ledger_.SetAway(false);
  EXPECT_EQ(Projects(2), (std::vector<std::string>{"a", "b"}));
}

// The answer was lost, and perhaps the row that said that it had come.
TEST_F(LedgerOutboxTest, WhatIsThereAlreadyIsDone) {
  ledger_.SetLosesAnswers(true);
  ASSERT_THAT(Put("1", Grant("a")), IsOk());
  auto pump = StartLedgerDelivery(*database_, ledger_.Channel());
  EXPECT_EQ(Projects(1), std::vector<std::string>{"a"});
  ledger_.SetLosesAnswers(false);
  ASSERT_THAT(Put("1", Grant("told otherwise")), IsOk());
  ASSERT_THAT(Put("2", Grant("b")), IsOk());
  EXPECT_EQ(Projects(2), (std::vector<std::string>{"a", "b"}));
  for (int i = 0; i < 100 && Pending() > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(Pending(), 0);
}

TEST_F(LedgerOutboxTest, WhatNoLedgerWouldTakeFailsTheTransaction) {
  EXPECT_THAT(Put("1", Grant("two\nlines")), HasReason("ENTRY_INVALID"));
  EXPECT_EQ(Pending(), 0);
}

}  // namespace
}  // namespace genofed
