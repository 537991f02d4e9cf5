// SPDX-License-Identifier: Apache-2.0
#include "libs/testing/temporary_postgres.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"

namespace genofed::testing {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "TemporaryPostgres: %s\n", what.c_str());
  std::abort();
}

// The bin directory of the newest installed version.
fs::path FindBinaries() {
  fs::path best;
  std::int64_t best_version = -1;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const Result<std::int64_t> version = ParseInt(entry.path().filename().string());
    if (version.ok() && *version > best_version && fs::exists(entry.path() / "bin/initdb")) {
      best_version = *version;
      best = entry.path() / "bin";
    }
  }
  if (best.empty()) Fail("no /usr/lib/postgresql/*/bin/initdb: is the package 'postgresql' installed?");
  return best;
}

// Who runs the server: PostgreSQL refuses root. Null if we are somebody else already.
const passwd* ServerUser() {
  if (geteuid() != 0) return nullptr;
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* user = getpwnam(name)) return user;  // NOLINT(concurrency-mt-unsafe)
  }
  Fail("running as root, and there is neither a user 'postgres' nor 'nobody'");
}

// In the child, between fork and exec: only async-signal-safe calls.
void BecomeServer(const passwd* user, pid_t parent, int output) {
  if (user != nullptr) {
    if (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(126);
  }
  // After setuid, which clears it. SIGQUIT is PostgreSQL's immediate shutdown.
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(126);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
}

pid_t Spawn(const fs::path& directory, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const fs::path log = directory / "log";
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (output < 0) Fail("cannot open " + log.string());
  const passwd* user = ServerUser();
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) Fail("fork failed");
  if (child == 0) {
    BecomeServer(user, parent, output);
    if (chdir(directory.c_str()) == 0) execv(argv[0], argv.data());
    _exit(127);
  }
  close(output);
  return child;
}

int Wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string LogOf(const fs::path& directory) { return ReadFile(directory / "log").value_or("(no log)"); }

}  // namespace

TemporaryPostgres& TemporaryPostgres::Get() {
  static TemporaryPostgres server;
  return server;
}

TemporaryPostgres::TemporaryPostgres() {
  if (const passwd* user = ServerUser()) {
    if (chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) Fail("chown failed");
  }
  const fs::path binaries = FindBinaries();
  const pid_t initdb = Spawn(directory_.path(), {binaries / "initdb", "-D", directory_ / "data", "-U", "postgres",
                                                 "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                                                 "--no-instructions"});
  if (Wait(initdb) != 0) Fail("initdb failed:\n" + LogOf(directory_.path()));
  Start();
}

TemporaryPostgres::~TemporaryPostgres() { Stop(); }

void TemporaryPostgres::Start() {
  if (server_ >= 0) return;
  // Commits stay synchronous: a test that kills the server must find everything that was acknowledged.
  server_ = Spawn(directory_.path(),
                  {FindBinaries() / "postgres", "-D", directory_ / "data", "-k", directory_.path(), "-c",
                   "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c",
                   "max_connections=200", "-c", "shared_buffers=32MB", "-c", "max_wal_size=256MB", "-c",
                   "autovacuum=off"});
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!sql::Database::Open(AdminOptions()).ok()) {
    int status = 0;
    if (waitpid(server_, &status, WNOHANG) == server_ || std::chrono::steady_clock::now() > give_up) {
      Fail("the server does not start:\n" + LogOf(directory_.path()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void TemporaryPostgres::Stop() {
  if (server_ < 0) return;
  kill(server_, SIGQUIT);  // immediate: connections are cut, as in a crash
  Wait(server_);
  server_ = -1;
}

void TemporaryPostgres::Restart() {
  Stop();
  Start();
}

sql::DatabaseOptions TemporaryPostgres::AdminOptions() const {
  sql::DatabaseOptions options;
  options.host = directory_.path();
  options.dbname = "postgres";
  options.user = "postgres";
  options.schema = "public";
  options.application_name = "genofed-test";
  return options;
}

sql::DatabaseOptions TemporaryPostgres::CreateSchema(const std::string& name) {
  sql::DatabaseOptions options = AdminOptions();
  auto admin = sql::Database::Open(options);
  if (!admin.ok()) Fail(Describe(admin.status()));
  options.schema = sql::CheckedIdentifier(fmt::format("{}_{}", name, ++schemas_));
  options.user = options.schema;
  const std::string create_role = fmt::format("CREATE ROLE {} LOGIN", options.user);
  const std::string create_schema = fmt::format("CREATE SCHEMA {0} AUTHORIZATION {0}", options.schema);
  const Status status = (*admin)->Transact(Context::Background(), [&](sql::Tx& tx) -> Status {
    GF_TRY(tx.Exec(sql::Sql::Trusted(create_role)));
    return tx.Exec(sql::Sql::Trusted(create_schema)).status();
  });
  if (!status.ok()) Fail(Describe(status));
  return options;
}

}  // namespace genofed::testing
