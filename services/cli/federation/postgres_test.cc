// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/postgres.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <pqxx/pqxx>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "services/cli/federation/secrets.h"
#include "services/cli/federation/supervisor.h"
#include "services/cli/federation/test_support.h"

namespace genofed::federation {
namespace {

using ::testing::HasSubstr;

class PostgresTest : public ::testing::Test {
 protected:
  PrivatePostgres Prepare() {
    GF_CHECK(MakePrivateDirectory(dir_ / "secrets").ok());
    PrivatePostgres::Options options;
    options.site = "fi";
    options.directory = dir_ / "postgres";
    options.secrets_dir = dir_ / "secrets";
    options.log_file = dir_ / "postgres.log";
    options.services = {"catalogue", "consent"};
    auto server = PrivatePostgres::Prepare(options, random_);
    GF_CHECK(server.ok());
    Status made = PrivatePostgres::Initialise({&*server});
    EXPECT_TRUE(made.ok()) << Describe(made);
    return std::move(server).value();
  }
  void Run(Supervisor& supervisor, const PrivatePostgres& server) {
    ChildSpec spec;
    spec.name = "fi/postgres";
    spec.command = server.ServerCommand();
    spec.stop_signal = SIGINT;
    spec.ready = [&server] { return server.Ready(); };
    ASSERT_TRUE(supervisor.Start(spec).ok());
    Status ready = supervisor.WaitReady(std::chrono::seconds(30));
    ASSERT_TRUE(ready.ok()) << Describe(ready);
  }
  std::string Login(const PrivatePostgres& server, const std::string& service, const std::string& database) {
    std::string password(Trim(ReadFile(dir_ / ("secrets/postgres-" + service)).value()));
    return fmt::format("host={} port={} user=genofed_{} password={} dbname={}", server.socket_dir().string(),
                       server.port(), service, password, database);
  }
  // The database's error message; empty when the statement works.
  static std::string Try(const std::string& login, const std::string& sql) {
    try {
      pqxx::connection connection(login);
      pqxx::work work(connection);
      work.exec(sql);
      work.commit();
      return "";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  SystemRandom random_;
  SystemClock clock_;
  TestDirectory dir_;
};

TEST_F(PostgresTest, EachServiceHasItsSchemaAndNothingElse) {
  PrivatePostgres server = Prepare();
  Supervisor supervisor({}, clock_);
  Run(supervisor, server);
  ASSERT_TRUE(server.Provision().ok());
  Status again = server.Provision();
  EXPECT_TRUE(again.ok()) << Describe(again);

  std::string consent = Login(server, "consent", "genofed");
  std::string catalogue = Login(server, "catalogue", "genofed");
  EXPECT_EQ(Try(consent, "CREATE TABLE grants (id int); INSERT INTO grants VALUES (1)"), "");
  EXPECT_EQ(Try(consent, "SELECT * FROM consent.grants"), "");
  EXPECT_THAT(Try(catalogue, "SELECT * FROM consent.grants"), HasSubstr("permission denied for schema consent"));
  EXPECT_THAT(Try(catalogue, "CREATE TABLE public.t (id int)"), HasSubstr("permission denied for schema public"));
  EXPECT_THAT(Try(catalogue, "CREATE SCHEMA other"), HasSubstr("permission denied for database"));
  EXPECT_THAT(Try(catalogue, "CREATE ROLE other"), HasSubstr("permission denied"));
  EXPECT_THAT(Try(catalogue, "SELECT * FROM pg_authid"), HasSubstr("permission denied"));
  EXPECT_THAT(Try(Login(server, "catalogue", "postgres"), "SELECT 1"), HasSubstr("permission denied for database"));
  std::string wrong = fmt::format("host={} port={} user=genofed_consent password=wrong dbname=genofed",
                                  server.socket_dir().string(), server.port());
  EXPECT_THAT(Try(wrong, "SELECT 1"), HasSubstr("password authentication failed"));
  EXPECT_EQ(Try(consent, "DO $$ BEGIN ASSERT current_setting('fsync') = 'on'; END $$"), "");
  EXPECT_EQ(Try(consent, "DO $$ BEGIN ASSERT current_setting('listen_addresses') = ''; END $$"), "");
}

TEST_F(PostgresTest, KeepsItsDataOverACrashAndARestart) {
  {
    PrivatePostgres server = Prepare();
    Supervisor supervisor({}, clock_);
    Run(supervisor, server);
    ASSERT_TRUE(server.Provision().ok());
    EXPECT_EQ(Try(Login(server, "consent", "genofed"), "CREATE TABLE grants (id int); INSERT INTO grants VALUES (1)"),
              "");
    kill(supervisor.Children()[0].pid, SIGKILL);
    Status ready = supervisor.WaitReady(std::chrono::seconds(30));
    ASSERT_TRUE(ready.ok()) << Describe(ready);
    // The old answer may have been read before the crash was noticed; Ready asks the server itself.
    while (!server.Ready()) ASSERT_TRUE(supervisor.WaitReady(std::chrono::seconds(30)).ok());
    supervisor.StopAll();
  }
  PrivatePostgres server = Prepare();
  Supervisor supervisor({}, clock_);
  Run(supervisor, server);
  EXPECT_EQ(Try(Login(server, "consent", "genofed"),
                "DO $$ BEGIN ASSERT (SELECT count(*) FROM grants) = 1; END $$"),
            "");
}

TEST_F(PostgresTest, MovesWhereItsUserCanReachIt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root runs the server as somebody else";
  std::filesystem::create_directory(dir_ / "closed");
  std::filesystem::permissions(dir_ / "closed", std::filesystem::perms(0700));
  ASSERT_TRUE(MakePrivateDirectory(dir_ / "secrets").ok());
  PrivatePostgres::Options options;
  options.site = "fi";
  options.directory = dir_ / "closed/postgres";
  options.secrets_dir = dir_ / "secrets";
  auto server = PrivatePostgres::Prepare(options, random_);
  ASSERT_TRUE(server.ok()) << Describe(server.status());
  ASSERT_TRUE(PrivatePostgres::Initialise({&*server}).ok());
  EXPECT_EQ(server->directory().parent_path(), "/var/lib/genofed");
  EXPECT_TRUE(std::filesystem::exists(server->directory() / "data/PG_VERSION"));
  std::filesystem::remove_all(server->directory());
}

TEST_F(PostgresTest, RefusesNamesThatWouldNeedQuoting) {
  PrivatePostgres::Options options;
  options.services = {"consent; DROP TABLE x"};
  EXPECT_EQ(Reason(PrivatePostgres::Prepare(options, random_).status()), "INVALID_NAME");
}

}  // namespace
}  // namespace genofed::federation
