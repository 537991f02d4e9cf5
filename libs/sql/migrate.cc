// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <vector>

#include "libs/core/strings.h"
#include "libs/sql/connection.h"
#include "libs/sql/database.h"
#include "libs/sql/pool.h"

namespace genofed::sql {
namespace {

struct Migration {
  std::int64_t version = 0;
  std::string name;
  const char* content = nullptr;
};

struct Applied {
  std::string name;
  std::string checksum;
};

template <typename... Args>
Result<Rows> Exec(Connection& connection, Sql sql, const Args&... args) {
  const std::array<Param, sizeof...(Args)> params{ToParam(args)...};
  return connection.Exec(sql.text(), params);
}

Result<std::vector<Migration>> Parse(const EmbeddedFile* files) {
  std::vector<Migration> migrations;
  for (; files != nullptr && files->name != nullptr; ++files) {
    const std::string_view name = files->name;
    const bool shaped = name.size() > 9 && name[4] == '_' && name.ends_with(".sql");
    const Result<std::int64_t> version = ParseInt(name.substr(0, std::min<std::size_t>(4, name.size())));
    if (!shaped || !version.ok() || *version < 1 ||
        (!migrations.empty() && *version <= migrations.back().version)) {
      return Error(StatusCode::kInvalidArgument, "MIGRATION_BAD_NAME",
                   "migration '{}' is not named NNNN_name.sql in rising order", name);
    }
    migrations.push_back({*version, std::string(name), files->content});
  }
  return migrations;
}

// One process at a time; the lock ends with the session.
Status Lock(Connection& connection, const std::string& schema) {
  GF_TRY(connection.Script("SET statement_timeout = '15min'"));
  return Exec(connection, "SELECT pg_advisory_lock(hashtextextended('genofed.migrate.' || $1::text, 0))", schema)
      .status();
}

Status CreateTables(Connection& connection, const std::string& schema) {
  GF_ASSIGN(const Rows found,
            Exec(connection, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", schema));
  if (found.empty()) GF_TRY(connection.Script("CREATE SCHEMA " + CheckedIdentifier(schema)));
  return connection.Script(
      "CREATE TABLE IF NOT EXISTS schema_migrations ("
      " version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,"
      " applied timestamptz NOT NULL DEFAULT now())");
}

Result<std::map<std::int64_t, Applied>> ReadApplied(Connection& connection) {
  GF_ASSIGN(const Rows rows, Exec(connection, "SELECT version, name, checksum FROM schema_migrations"));
  std::map<std::int64_t, Applied> applied;
  for (const Row row : rows) applied[row.Int(0)] = {row.Text(1), row.Text(2)};
  return applied;
}

Status Verify(Connection& connection, const Migration& migration, const Applied& applied) {
  GF_ASSIGN(const Rows rows, Exec(connection, "SELECT encode(sha256($1::bytea), 'hex')", Bytes{migration.content}));
  GF_ASSIGN(const Row row, rows.One());
  if (applied.name == migration.name && applied.checksum == row.Text(0)) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "MIGRATION_CHANGED",
               "migration '{}' was changed after it had been applied (as '{}')", migration.name, applied.name);
}

Status Apply(Connection& connection, const Migration& migration) {
  Status status = connection.Begin("BEGIN ISOLATION LEVEL READ COMMITTED", std::chrono::minutes(15));
  if (status.ok()) status = connection.Script(migration.content);
  if (status.ok()) {
    status = Exec(connection,
                  "INSERT INTO schema_migrations (version, name, checksum)"
                  " VALUES ($1, $2, encode(sha256($3::bytea), 'hex'))",
                  migration.version, migration.name, Bytes{migration.content})
                 .status();
  }
  if (status.ok()) status = connection.Commit();
  if (status.ok()) return status;
  connection.Rollback();
  if (status.code() == StatusCode::kUnavailable) return status;
  return Error(StatusCode::kInternal, "MIGRATION_FAILED", "migration '{}': {}", migration.name, Message(status));
}

}  // namespace

Status Database::Migrate(const EmbeddedFile* files) {
  GF_ASSIGN(const std::vector<Migration> migrations, Parse(files));
  // A session of its own, closed at the end: the lock and the long timeout must not reach the pool.
  GF_ASSIGN(const auto connection, pool_->Connect());
  GF_TRY(Lock(*connection, pool_->options().schema));
  GF_TRY(CreateTables(*connection, pool_->options().schema));
  GF_ASSIGN(auto applied, ReadApplied(*connection));
  std::int64_t newest = applied.empty() ? 0 : applied.rbegin()->first;
  for (const Migration& migration : migrations) {
    const auto found = applied.find(migration.version);
    if (found != applied.end()) {
      GF_TRY(Verify(*connection, migration, found->second));
      applied.erase(found);
    } else if (migration.version < newest) {
      return Error(StatusCode::kFailedPrecondition, "MIGRATION_CHANGED",
                   "migration '{}' comes before {:04}, which is applied already", migration.name, newest);
    }
  }
  if (!applied.empty()) {
    return Error(StatusCode::kFailedPrecondition, "MIGRATION_UNKNOWN",
                 "the schema has migration '{}', which this binary does not know", applied.begin()->second.name);
  }
  for (const Migration& migration : migrations) {
    if (migration.version > newest) GF_TRY(Apply(*connection, migration));
  }
  return absl::OkStatus();
}

}  // namespace genofed::sql
