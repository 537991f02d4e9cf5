// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/postgres.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <pqxx/pqxx>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/cli/federation/secrets.h"

namespace genofed::federation {
namespace {

constexpr char kInitialPassword[] = "initial-password";
constexpr char kSuperuser[] = "genofed_admin";
constexpr std::size_t kMaxSocketDir = 85;  // sun_path holds 107 characters, the socket's name takes 14

// Small, and durable: nothing that was acknowledged may be lost, so fsync and full_page_writes keep their defaults.
constexpr char kSettings[] = R"(# Written by genofed; changes are lost.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 16MB
work_mem = 2MB
maintenance_work_mem = 16MB
wal_buffers = 256kB
wal_level = minimal
max_wal_senders = 0
min_wal_size = 32MB
max_wal_size = 256MB
max_worker_processes = 1
max_parallel_workers = 0
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_logical_replication_workers = 0
autovacuum_max_workers = 1
jit = off
password_encryption = scram-sha-256
log_min_error_statement = panic
log_min_messages = warning
log_timezone = 'UTC'
timezone = 'UTC'
)";
constexpr char kHba[] = "local all all scram-sha-256\n";

Result<std::filesystem::path> BinDir() {
  namespace fs = std::filesystem;
  if (const char* named = std::getenv("GENOFED_PG_BINDIR"); named != nullptr) return fs::path(named);
  for (int version : {15, 16, 17}) {
    fs::path dir = fmt::format("/usr/lib/postgresql/{}/bin", version);
    if (access((dir / "postgres").c_str(), X_OK) == 0) return dir;
  }
  if (auto found = FindInPath("postgres")) return found->parent_path();
  return Error(StatusCode::kFailedPrecondition, "NO_POSTGRES", "PostgreSQL 15 is not installed");
}

// Whether `account` may pass through every directory above `path`. Access lists are not looked at.
bool Reachable(const std::filesystem::path& path, const Account& account) {
  std::filesystem::path parent = "/";
  for (const auto& part : path.parent_path()) {
    parent /= part;
    struct stat info {};
    if (stat(parent.c_str(), &info) != 0) return errno == ENOENT;  // we make what is missing, traversable
    mode_t bit = S_IXOTH;
    if (info.st_uid == account.uid) {
      bit = S_IXUSR;
    } else if (info.st_gid == account.gid) {
      bit = S_IXGRP;
    }
    if ((info.st_mode & bit) == 0) return false;
  }
  return true;
}

std::string Quote(std::string_view value) {  // libpq connection string syntax
  std::string quoted = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

template <typename Body>
Status Guard(std::string_view what, Body body) {
  try {
    body();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return Error(StatusCode::kUnavailable, "POSTGRES_FAILED", "{}: {}", what, Trim(error.what()));
  }
}

// One service's role and schema. Names were checked, so that they need no quoting; the password is hex.
void ProvisionService(pqxx::work& work, const std::string& service, const std::string& password) {
  std::string role = "genofed_" + service;
  if (work.exec_params("SELECT 1 FROM pg_roles WHERE rolname = $1", role).empty()) {
    work.exec0("CREATE ROLE " + role);
  }
  work.exec0(fmt::format("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD {}", role,
                         work.quote(password)));
  work.exec0(fmt::format("ALTER ROLE {} SET search_path = {}", role, service));
  work.exec0(fmt::format("GRANT CONNECT ON DATABASE genofed TO {}", role));
  work.exec0(fmt::format("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}", service, role));
  work.exec0(fmt::format("REVOKE ALL ON SCHEMA {} FROM PUBLIC", service));
}

}  // namespace

Result<PrivatePostgres> PrivatePostgres::Prepare(Options options, Random& random) {
  for (const auto& service : options.services) {
    if (service.empty() || service.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
      return InvalidField("services", "INVALID_NAME", "'{}' cannot name a schema", service);
    }
  }
  PrivatePostgres server;
  server.options_ = std::move(options);
  GF_ASSIGN(server.bin_dir_, BinDir());
  GF_ASSIGN(server.account_, DatabaseAccount());
  const auto& secrets = server.options_.secrets_dir;
  GF_ASSIGN(server.superuser_password_, HexSecret(secrets / "postgres-admin", random));
  for (const auto& service : server.options_.services) {
    GF_ASSIGN(auto password, HexSecret(secrets / ("postgres-" + service), random));
    server.passwords_.push_back(std::move(password));
  }
  GF_TRY(server.Place());
  return server;
}

Status PrivatePostgres::Initialise(const std::vector<PrivatePostgres*>& servers) {
  std::vector<const PrivatePostgres*> fresh;
  std::vector<Command> commands;
  for (const PrivatePostgres* server : servers) {
    if (std::filesystem::exists(server->directory_ / "data" / "PG_VERSION")) continue;
    GF_ASSIGN(auto command, server->BeginInitDb());
    commands.push_back(std::move(command));
    fresh.push_back(server);
  }
  Status made = RunCommands(std::move(commands), std::chrono::seconds(180));
  for (const PrivatePostgres* server : fresh) {
    std::error_code error;
    std::filesystem::remove(server->directory_ / kInitialPassword, error);
  }
  GF_TRY(made);
  for (const PrivatePostgres* server : fresh) GF_TRY(server->FinishInitDb());
  for (const PrivatePostgres* server : servers) GF_TRY(server->WriteConfiguration());
  return absl::OkStatus();
}

Status PrivatePostgres::Place() {
  std::error_code error;
  auto wanted = std::filesystem::absolute(options_.directory, error).lexically_normal();
  std::string id = HexEncode(crypto::Sha256(wanted.string())).substr(0, 16);
  directory_ = wanted;
  if (account_ && !Reachable(wanted, *account_)) directory_ = std::filesystem::path("/var/lib/genofed") / id;
  std::filesystem::create_directories(directory_.parent_path(), error);
  std::filesystem::create_directory(directory_, error);
  GF_TRY(GiveToServer(directory_, 0700));
  socket_dir_ = directory_ / "run";
  if (socket_dir_.string().size() > kMaxSocketDir) socket_dir_ = "/tmp/genofed-pg-" + id;
  std::filesystem::create_directory(socket_dir_, error);
  struct stat info {};
  // In /tmp somebody else may own the name already: only a real directory of the server's user will do.
  if (lstat(socket_dir_.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) ||
      (info.st_uid != geteuid() && (!account_ || info.st_uid != account_->uid))) {
    return Error(StatusCode::kFailedPrecondition, "SOCKET_DIR", "{} cannot be used for the database's socket",
                 socket_dir_.string());
  }
  return GiveToServer(socket_dir_, 0700);
}

Status PrivatePostgres::GiveToServer(const std::filesystem::path& path, unsigned mode) const {
  bool ok = chmod(path.c_str(), mode) == 0;
  ok = ok && (!account_ || lchown(path.c_str(), account_->uid, account_->gid) == 0);
  if (ok) return absl::OkStatus();
  return Error(StatusCode::kInternal, "DIRECTORY_FAILED", "cannot prepare {} for PostgreSQL: {}", path.string(),
               std::strerror(errno));
}

// initdb marks a cluster by PG_VERSION early on, so it works beside the final name.
Result<Command> PrivatePostgres::BeginInitDb() const {
  auto password_file = directory_ / kInitialPassword;
  GF_TRY(WriteFileAtomically(password_file, superuser_password_ + "\n", 0600));
  GF_TRY(GiveToServer(password_file, 0600));
  std::error_code error;
  std::filesystem::remove_all(directory_ / "data.new", error);
  Command command;
  command.argv = {(bin_dir_ / "initdb").string(), "--pgdata", (directory_ / "data.new").string(),
                  "--username", kSuperuser, "--pwfile", password_file.string(), "--auth", "scram-sha-256",
                  "--encoding", "UTF8", "--no-locale", "--data-checksums", "--no-instructions"};
  command.run_as = account_;
  return command;
}

Status PrivatePostgres::FinishInitDb() const {
  std::error_code error;
  std::filesystem::rename(directory_ / "data.new", directory_ / "data", error);
  if (!error) return absl::OkStatus();
  return Error(StatusCode::kInternal, "DIRECTORY_FAILED", "cannot make {}: {}", (directory_ / "data").string(),
               error.message());
}

Status PrivatePostgres::WriteConfiguration() const {
  std::string settings = kSettings;
  std::string socket = socket_dir_.string();
  if (socket.find('\'') != std::string::npos) {
    return Error(StatusCode::kInvalidArgument, "INVALID_PATH", "the path {} has a quote in it", socket);
  }
  settings += fmt::format("unix_socket_directories = '\"{}\"'\nport = {}\n", socket, kPort);
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"postgresql.conf", settings},
                                      std::pair<const char*, std::string>{"pg_hba.conf", kHba}}) {
    auto path = directory_ / "data" / name;
    GF_TRY(WriteFileAtomically(path, content, 0600));
    GF_TRY(GiveToServer(path, 0600));
  }
  return absl::OkStatus();
}

Command PrivatePostgres::ServerCommand() const {
  Command command;
  command.argv = {(bin_dir_ / "postgres").string(), "-D", (directory_ / "data").string()};
  command.run_as = account_;
  command.log_file = options_.log_file;
  command.orphan_signal = SIGINT;
  return command;
}

std::string PrivatePostgres::ConnectionString(const std::string& database) const {
  return fmt::format("host={} port={} user={} password={} dbname={} connect_timeout=2", Quote(socket_dir_.string()),
                     kPort, kSuperuser, Quote(superuser_password_), Quote(database));
}

bool PrivatePostgres::Ready() const {
  return Guard("connect", [&] {
           pqxx::connection connection(ConnectionString("postgres"));
           pqxx::nontransaction(connection).exec1("SELECT 1");
         }).ok();
}

Status PrivatePostgres::Provision() const {
  return Guard("cannot set up the database of site " + options_.site, [&] {
    {
      pqxx::connection connection(ConnectionString("postgres"));
      pqxx::nontransaction work(connection);
      if (work.exec("SELECT 1 FROM pg_database WHERE datname = 'genofed'").empty()) {
        work.exec0("CREATE DATABASE genofed");
      }
      work.exec0("REVOKE ALL ON DATABASE genofed, postgres, template1 FROM PUBLIC");
    }
    pqxx::connection connection(ConnectionString(kDatabase));
    pqxx::work work(connection);
    work.exec0("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    for (std::size_t i = 0; i < options_.services.size(); ++i) {
      ProvisionService(work, options_.services[i], passwords_[i]);
    }
    work.commit();
  });
}

}  // namespace genofed::federation
