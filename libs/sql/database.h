// SPDX-License-Identifier: Apache-2.0
//
// PostgreSQL for one service: a pool of connections bound to its schema, explicit transactions that are repeated
// after a serialisation failure, and forward-only migrations. No exception leaves this library, and no error
// message holds a parameter's value.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "libs/core/context.h"
#include "libs/core/embedded_file.h"
#include "libs/core/status.h"
#include "libs/sql/rows.h"
#include "libs/sql/statement.h"

namespace genofed::sql {

struct DatabaseOptions {
  std::string host = {};  // directory of the Unix socket, or name or address of the server
  int port = 5432;
  std::string dbname = {};
  std::string user = {};
  std::string password = {};  // never logged; empty if the server identifies the role in another way
  std::string schema = {};    // the service's own; the search path holds nothing else
  std::string application_name = "genofed";
  // libpq's sslmode. Empty: "verify-full" over the network, "prefer" on a socket or loopback address.
  std::string tls_mode = {};
  // Certificates that may sign the server's; empty: libpq's default.
  std::string tls_root_file = {};

  std::size_t min_connections = 1;  // kept open while idle
  std::size_t max_connections = 8;
  std::chrono::milliseconds acquire_timeout{5000};     // wait for a free connection
  std::chrono::milliseconds statement_timeout{30000};  // for contexts without a deadline
  int max_attempts = 20;                               // of a transaction, after serialisation failures
};

enum class Isolation {
  kSerializable,   // as if transactions ran one after another: invariants over several rows hold
  kReadCommitted,  // for queues and hot rows, where explicit row locks do the work
};

class Connection;

// One transaction, borrowed by the body of Transact or Read and valid only there. One thread at a time.
class Tx {
 public:
  Tx(Connection& connection, const Context& ctx) : connection_(connection), ctx_(ctx) {}
  Tx(const Tx&) = delete;
  Tx& operator=(const Tx&) = delete;

  // Runs one statement, prepared on first use per connection. Errors:
  //   AlreadyExists SQL_UNIQUE_VIOLATION; FailedPrecondition SQL_FOREIGN_KEY_VIOLATION, SQL_CHECK_VIOLATION,
  //   SQL_NOT_NULL_VIOLATION, SQL_EXCLUSION_VIOLATION; Unavailable SQL_UNAVAILABLE (connection lost);
  //   DeadlineExceeded SQL_TIMEOUT; Aborted SQL_CONFLICT (repeated by Transact);
  //   InvalidArgument SQL_BAD_VALUE (not text, out of range); Internal SQL_ERROR.
  // After the first error PostgreSQL refuses the rest of the transaction: further calls return the first error,
  // and the transaction ends with it even if the body returns OK. Use ON CONFLICT where a duplicate is expected.
  template <typename... Args>
  Result<Rows> Exec(Sql sql, const Args&... args) {
    const std::array<Param, sizeof...(Args)> params{ToParam(args)...};
    return ExecParams(sql, params);
  }
  Result<Rows> ExecParams(Sql sql, std::span<const Param> params);

  const Context& ctx() const { return ctx_; }
  const Status& status() const { return status_; }  // the first error, or OK

 private:
  Connection& connection_;
  const Context& ctx_;
  Status status_;
};

// Thread-safe. Survives a restart of the server: broken connections are dropped and new ones opened.
class Database {
 public:
  struct Stats {
    std::uint64_t transactions = 0;        // begun, repetitions included
    std::uint64_t conflicts = 0;           // serialisation failures and deadlocks that were repeated
    std::uint64_t connections_opened = 0;
    std::size_t connections = 0;           // open now
    std::size_t in_use = 0;
  };

  // Connects and checks the options. InvalidArgument SQL_BAD_OPTIONS, Unavailable SQL_UNAVAILABLE.
  static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Applies those of `files` (NNNN_name.sql, in rising order, ended by a null name) that are not in the table
  // schema_migrations yet, each in a transaction, one process at a time. Creates the schema if the role may.
  // FailedPrecondition MIGRATION_CHANGED if an applied file has other content or another name now,
  // MIGRATION_UNKNOWN if the schema is newer than this binary; InvalidArgument MIGRATION_BAD_NAME;
  // Internal MIGRATION_FAILED.
  Status Migrate(const EmbeddedFile* files);

  // Runs `body(Tx&)`, which returns Status or Result<T>; commits if that is OK, otherwise rolls back. The body is
  // run again after a serialisation failure or deadlock, so it must have no effect but on the transaction, and
  // must call no peer. Unavailable SQL_COMMIT_UNKNOWN if the connection broke during the commit.
  template <typename F>
  auto Transact(const Context& ctx, F&& body, Isolation isolation = Isolation::kSerializable)
      -> std::invoke_result_t<F&, Tx&> {
    return Dispatch(ctx, {ModeOf(isolation), nullptr}, body);
  }
  // The same; `first` is a statement without parameters, such as one that takes a lock, which comes with the
  // transaction's beginning and costs no round trip of its own. What it selects is not seen.
  template <typename F>
  auto Transact(const Context& ctx, F&& body, Isolation isolation, Sql first) -> std::invoke_result_t<F&, Tx&> {
    return Dispatch(ctx, {ModeOf(isolation), first.text()}, body);
  }

  // Runs `body` on one unchanging snapshot, read-only.
  template <typename F>
  auto Read(const Context& ctx, F&& body) -> std::invoke_result_t<F&, Tx&> {
    return Dispatch(ctx, {Mode::kSnapshot, nullptr}, body);
  }

  // For readiness probes: one round trip.
  Status Ping(const Context& ctx);
  Stats stats() const;

 private:
  enum class Mode { kSerializable, kReadCommitted, kSnapshot };
  static Mode ModeOf(Isolation isolation) {
    return isolation == Isolation::kSerializable ? Mode::kSerializable : Mode::kReadCommitted;
  }
  struct Beginning {
    Mode mode;
    const char* first;  // may be null
  };
  class Pool;

  explicit Database(std::unique_ptr<Pool> pool);

  Status Run(const Context& ctx, const Beginning& beginning, const std::function<Status(Tx&)>& body);
  Status RunOnce(const Context& ctx, const Beginning& beginning, const std::function<Status(Tx&)>& body);

  template <typename F>
  auto Dispatch(const Context& ctx, const Beginning& beginning, F& body) -> std::invoke_result_t<F&, Tx&> {
    using R = std::invoke_result_t<F&, Tx&>;
    if constexpr (std::is_same_v<R, Status>) {
      return Run(ctx, beginning, [&body](Tx& tx) -> Status { return body(tx); });
    } else {
      std::optional<R> result;
      Status status = Run(ctx, beginning, [&](Tx& tx) -> Status {
        result.emplace(body(tx));
        return result->status();
      });
      if (!status.ok()) return status;
      return *std::move(result);
    }
  }

  std::unique_ptr<Pool> pool_;
};

}  // namespace genofed::sql
