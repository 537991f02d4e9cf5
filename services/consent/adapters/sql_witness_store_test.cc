// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_witness_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/core/embedded_file.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_postgres.h"
#include "services/consent/app/memory_witness_store.h"

namespace genofed::consent {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

using testing::IsOk;

ledger::WitnessedTree Tree(std::uint64_t size) {
  return {size, ledger::LeafHash(std::to_string(size))};
}

WitnessedLog Log(const std::string& origin, std::uint64_t size) {
  return {origin, Tree(size), "note " + std::to_string(size), FromUnixSeconds(1'767'225'600)};
}

// The contract of witness_ports.h, on the rows and on their fake.
void CheckContract(WitnessStore& store) {
  const Context ctx = Context::Background();
  EXPECT_FALSE(store.Find(ctx, "fi")->has_value());
  EXPECT_FALSE(*store.Replace(ctx, Tree(1), Log("fi", 2))) << "there is none to replace";
  EXPECT_TRUE(*store.Replace(ctx, std::nullopt, Log("fi", 2)));
  EXPECT_FALSE(*store.Replace(ctx, std::nullopt, Log("fi", 3))) << "there is one";
  EXPECT_FALSE(*store.Replace(ctx, Tree(1), Log("fi", 3))) << "another size";
  EXPECT_FALSE(*store.Replace(ctx, ledger::WitnessedTree{2, Tree(1).root}, Log("fi", 3)))
      << "another root";
  EXPECT_TRUE(*store.Replace(ctx, Tree(2), Log("fi", 3)));
  EXPECT_TRUE(*store.Replace(ctx, std::nullopt, Log("es", 0)));
  const auto found = *store.Find(ctx, "fi");
  EXPECT_EQ(found->tree, Tree(3));
  EXPECT_EQ(found->checkpoint, "note 3");
  EXPECT_EQ(found->at, FromUnixSeconds(1'767'225'600));
  EXPECT_EQ(store.All(ctx)->size(), 2u);

  const LedgerAlarm alarm{"fi",    "LEDGER_FORKED", "why",
                          "known", "seen",          FromUnixSeconds(1'767'225'600)};
  EXPECT_TRUE(*store.AddAlarm(ctx, alarm));
  EXPECT_FALSE(*store.AddAlarm(ctx, alarm)) << "raised before";
  LedgerAlarm other = alarm;
  other.seen = "something else";
  EXPECT_TRUE(*store.AddAlarm(ctx, other));
  const auto alarms = *store.Alarms(ctx, 10);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_EQ(alarms[0].seen, "something else") << "newest first";
  EXPECT_EQ(alarms[1].detail, "why");
  EXPECT_EQ(store.Alarms(ctx, 1)->size(), 1u);
}

class SqlWitnessStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<sql::Database> Open() {
    auto database = *sql::Database::Open(options_);
    GF_CHECK(database->Migrate(kMigrations).ok());
    return database;
  }
  sql::DatabaseOptions options_ = testing::TemporaryPostgres::Get().CreateSchema("witness");
};

TEST_F(SqlWitnessStoreTest, KeepsTheContract) {
  const auto database = Open();
  SqlWitnessStore store(*database);
  CheckContract(store);
}

TEST(MemoryWitnessStoreTest, KeepsTheContract) {
  MemoryWitnessStore store;
  CheckContract(store);
}

// Otherwise a checkpoint could be cosigned after a larger one: the witness would have forgotten.
TEST_F(SqlWitnessStoreTest, OneOfManyWhoReplaceTheSameWins) {
  const auto database = Open();
  SqlWitnessStore store(*database);
  ASSERT_TRUE(*store.Replace(Context::Background(), std::nullopt, Log("fi", 1)));
  std::atomic<int> won{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        const auto replaced = store.Replace(Context::Background(), Tree(1), Log("fi", 2 + t));
        if (replaced.ok() && *replaced) ++won;
      });
    }
  }
  EXPECT_EQ(won, 1);
}

}  // namespace
}  // namespace genofed::consent
