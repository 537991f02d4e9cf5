// SPDX-License-Identifier: Apache-2.0
// Internal to libs/sql.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>

#include "libs/core/status.h"
#include "libs/sql/rows.h"
#include "libs/sql/statement.h"

namespace genofed::sql {

struct DatabaseOptions;

// libpq's connection string for `options`. InvalidArgument SQL_BAD_OPTIONS.
Result<std::string> ConnectionString(const DatabaseOptions& options);

// One session with the server and its prepared statements. One thread at a time. Never reconnects by itself:
// once broken() it is thrown away, since a silent reconnection would lose the transaction.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> Connect(const std::string& connection_string);
  ~Connection();

  // One statement, prepared at first use.
  Result<Rows> Exec(const char* text, std::span<const Param> params);
  // Several statements without parameters, not prepared.
  Status Script(const std::string& text);

  // Begins with `begin_text`; statements may then take `timeout`, as may `first`, unless it is null.
  Status Begin(const char* begin_text, std::chrono::milliseconds timeout, const char* first = nullptr);
  // Shortens the timeout of the running transaction where that makes a difference.
  Status LimitTimeout(std::chrono::milliseconds timeout);
  Status Commit();
  void Rollback();  // a failure marks the connection as broken

  bool broken() const { return broken_; }
  std::chrono::steady_clock::time_point last_used;

 private:
  class Session;
  explicit Connection(std::unique_ptr<Session> session);
  // Runs `action` and turns what it throws into a status.
  template <typename F>
  Status Guard(F&& action);

  std::unique_ptr<Session> session_;
  std::chrono::milliseconds timeout_{0};
  bool broken_ = false;
};

}  // namespace genofed::sql
