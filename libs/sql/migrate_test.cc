// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <vector>

#include "libs/sql/test_database.h"
#include "libs/testing/matchers.h"

namespace genofed::sql {
namespace {

using testing::HasReason;
using testing::IsOk;
using testing::TemporaryPostgres;

constexpr EmbeddedFile kEnd{nullptr, nullptr};
constexpr EmbeddedFile kFirst{"0001_a.sql", "CREATE TABLE a (id int); CREATE INDEX ON a (id);"};
constexpr EmbeddedFile kSecond{"0002_b.sql", "ALTER TABLE a ADD COLUMN b text DEFAULT 'x';"};

class Migrate : public ::testing::Test {
 protected:
  Migrate() : db_(*Database::Open(TemporaryPostgres::Get().CreateSchema("migrate"))) {}

  Status Apply(std::vector<EmbeddedFile> files) {
    files.push_back(kEnd);
    return db_->Migrate(files.data());
  }
  std::int64_t Count() {
    const auto rows = db_->Read(Context::Background(),
                                [](Tx& tx) { return tx.Exec("SELECT count(*) FROM schema_migrations"); });
    return (*rows)[0].Int(0);
  }

  std::unique_ptr<Database> db_;
};

TEST_F(Migrate, AppliesEachFileOnceAndLaterOnesLater) {
  EXPECT_THAT(Apply({kFirst}), IsOk());
  EXPECT_THAT(Apply({kFirst, kSecond}), IsOk());
  EXPECT_THAT(Apply({kFirst, kSecond}), IsOk());
  EXPECT_EQ(Count(), 2);
}

TEST_F(Migrate, DetectsAFileThatWasChanged) {
  ASSERT_THAT(Apply({kFirst}), IsOk());
  EXPECT_THAT(Apply({{"0001_a.sql", "CREATE TABLE a (id bigint);"}}), HasReason("MIGRATION_CHANGED"));
  EXPECT_THAT(Apply({{"0001_renamed.sql", kFirst.content}}), HasReason("MIGRATION_CHANGED"));
}

TEST_F(Migrate, RefusesASchemaNewerThanTheBinaryAndAFileSlippedIn) {
  ASSERT_THAT(Apply({kFirst, {"0003_c.sql", "SELECT 1"}}), IsOk());
  EXPECT_THAT(Apply({kFirst}), HasReason("MIGRATION_UNKNOWN"));
  EXPECT_THAT(Apply({kFirst, kSecond, {"0003_c.sql", "SELECT 1"}}), HasReason("MIGRATION_CHANGED"));
}

TEST_F(Migrate, LeavesNothingOfAFileThatFails) {
  EXPECT_THAT(Apply({kFirst, {"0002_bad.sql", "CREATE TABLE half (id int); SELECT nonsense;"}}),
              HasReason("MIGRATION_FAILED"));
  EXPECT_EQ(Count(), 1);
  EXPECT_THAT(Apply({kFirst, {"0002_good.sql", "CREATE TABLE half (id int);"}}), IsOk());
}

TEST_F(Migrate, RefusesBadNames) {
  for (const char* name : {"1_a.sql", "0001a.sql", "0001_a.txt", "abcd_a.sql", "0001_.sq", ""}) {
    EXPECT_THAT(Apply({{name, "SELECT 1"}}), HasReason("MIGRATION_BAD_NAME")) << name;
  }
  EXPECT_THAT(Apply({kSecond, kFirst}), HasReason("MIGRATION_BAD_NAME"));
}

TEST_F(Migrate, RunsInOneProcessAtATime) {
  std::atomic<int> failed = 0;
  const EmbeddedFile files[] = {kFirst, {"0002_slow.sql", "SELECT pg_sleep(0.2); CREATE TABLE c (id int)"}, kEnd};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (!db_->Migrate(files).ok()) ++failed;
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(Count(), 2);
}

}  // namespace
}  // namespace genofed::sql
