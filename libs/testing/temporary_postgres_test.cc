// SPDX-License-Identifier: Apache-2.0
#include "libs/testing/temporary_postgres.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "libs/testing/matchers.h"

namespace genofed::testing {
namespace {

// Declared first: the child must start a server of its own.
TEST(TemporaryPostgres, DiesWithATestThatIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const sql::DatabaseOptions options = TemporaryPostgres::Get().CreateSchema("orphan");
    const std::string host = options.host;
    _exit(write(ends[1], host.data(), host.size()) > 0 && pause() == 0 ? 0 : 1);
  }
  close(ends[1]);
  std::array<char, 4096> buffer{};
  const ssize_t size = read(ends[0], buffer.data(), buffer.size());
  close(ends[0]);
  ASSERT_GT(size, 0);
  sql::DatabaseOptions options;
  options.host.assign(buffer.data(), static_cast<std::size_t>(size));
  options.dbname = options.user = "postgres";
  options.schema = "public";
  EXPECT_THAT(sql::Database::Open(options), IsOk());

  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  bool gone = false;
  for (int i = 0; i < 1000 && !gone; ++i) {
    gone = !sql::Database::Open(options).ok();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(gone);
  std::error_code ignored;  // a killed test cannot delete its directory
  std::filesystem::remove_all(options.host, ignored);
}

TEST(TemporaryPostgres, IsolatesSchemasAndKeepsDataOverARestart) {
  const auto a = TemporaryPostgres::Get().CreateSchema("store");
  const auto b = TemporaryPostgres::Get().CreateSchema("store");
  EXPECT_NE(a.schema, b.schema);
  EXPECT_EQ(a.host, b.host);
  const auto ctx = Context::Background();
  GF_ASSERT_OK_AND_ASSIGN(auto db, sql::Database::Open(a));
  ASSERT_THAT(db->Transact(ctx, [](sql::Tx& tx) { return tx.Exec("CREATE TABLE t AS SELECT 1 AS one"); }), IsOk());
  TemporaryPostgres::Get().Restart();
  EXPECT_THAT(db->Read(ctx, [](sql::Tx& tx) { return tx.Exec("SELECT one FROM t"); }), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(auto other, sql::Database::Open(b));
  EXPECT_THAT(other->Read(ctx, [](sql::Tx& tx) { return tx.Exec("SELECT one FROM store_1.t"); }),
              HasReason("SQL_ERROR"));
}

}  // namespace
}  // namespace genofed::testing
