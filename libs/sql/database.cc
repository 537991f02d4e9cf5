// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/database.h"

#include <algorithm>
#include <random>
#include <thread>

#include "libs/sql/connection.h"
#include "libs/sql/error.h"
#include "libs/sql/pool.h"

namespace genofed::sql {
namespace {

// Exponential with full jitter, so that transactions that met once do not meet again.
std::chrono::microseconds ConflictDelay(int attempt) {
  thread_local std::minstd_rand engine{std::random_device{}()};
  const int ceiling = 1000 << std::min(attempt, 6);  // at most 64 ms
  return std::chrono::microseconds(std::uniform_int_distribution<int>(0, ceiling)(engine));
}

}  // namespace

Result<Rows> Tx::ExecParams(Sql sql, std::span<const Param> params) {
  if (!status_.ok()) return status_;
  status_ = ctx_.Alive();
  if (status_.ok() && ctx_.has_deadline()) {
    status_ = connection_.LimitTimeout(ctx_.Remaining(std::chrono::milliseconds(0)));
  }
  if (!status_.ok()) return status_;
  Result<Rows> rows = connection_.Exec(sql.text(), params);
  status_ = rows.status();
  return rows;
}

Database::Database(std::unique_ptr<Pool> pool) : pool_(std::move(pool)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  GF_ASSIGN(std::string connection_string, ConnectionString(options));
  std::unique_ptr<Database> database(
      new Database(std::make_unique<Pool>(options, std::move(connection_string))));
  GF_TRY(database->Ping(Context::Background()));
  return database;
}

Status Database::Ping(const Context& ctx) {
  return Read(ctx, [](Tx& tx) { return tx.Exec("SELECT 1").status(); });
}

Database::Stats Database::stats() const { return pool_->stats(); }

Status Database::Run(const Context& ctx, const Beginning& beginning, const std::function<Status(Tx&)>& body) {
  for (int attempt = 1;; ++attempt) {
    Status status = RunOnce(ctx, beginning, body);
    const bool conflict = Reason(status) == kConflict;
    if (!conflict || attempt >= pool_->options().max_attempts) return status;
    pool_->Count(0, 1);
    std::this_thread::sleep_for(ConflictDelay(attempt));
    GF_TRY(ctx.Alive());
  }
}

Status Database::RunOnce(const Context& ctx, const Beginning& beginning, const std::function<Status(Tx&)>& body) {
  const Mode mode = beginning.mode;
  const char* begin = mode == Mode::kSerializable    ? "BEGIN ISOLATION LEVEL SERIALIZABLE"
                      : mode == Mode::kReadCommitted ? "BEGIN ISOLATION LEVEL READ COMMITTED"
                                                     : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
  const auto timeout = [&] { return ctx.Remaining(pool_->options().statement_timeout); };
  for (;;) {
    GF_ASSIGN(Pool::Handle connection, pool_->Acquire(ctx));
    const Status begun = connection->Begin(begin, timeout(), beginning.first);
    if (!begun.ok() && connection->broken() && connection.reused()) {
      pool_->DropIdle();  // the server restarted while they were idle: nothing is lost, connect anew
      continue;
    }
    pool_->Count(1, 0);
    if (!begun.ok()) {
      connection->Rollback();
      return begun;
    }

    Tx tx(*connection, ctx);
    Status status;
    try {
      status = body(tx);
    } catch (...) {
      status = Error(StatusCode::kInternal, "SQL_BODY_THREW", "the transaction's body threw an exception");
    }
    const bool conflict = Reason(tx.status()) == kConflict;
    if (conflict || (status.ok() && !tx.status().ok())) status = tx.status();
    if (status.ok()) status = ctx.Alive();
    if (!status.ok()) {
      connection->Rollback();
      return status;
    }
    status = connection->Commit();
    if (!status.ok() && connection->broken() && mode != Mode::kSnapshot) {
      return Error(StatusCode::kUnavailable, "SQL_COMMIT_UNKNOWN",
                   "the connection to PostgreSQL was lost during the commit");
    }
    if (!status.ok()) connection->Rollback();
    return status;
  }
}

}  // namespace genofed::sql
