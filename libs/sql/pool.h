// SPDX-License-Identifier: Apache-2.0
// Internal to libs/sql.
#pragma once

#include <condition_variable>
#include <memory>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/sql/connection.h"
#include "libs/sql/database.h"

namespace genofed::sql {

// A bounded set of connections. Thread-safe.
class Database::Pool {
 public:
  Pool(DatabaseOptions options, std::string connection_string);

  // A connection out of the pool; goes back at the end of the scope, or away if it is broken.
  class Handle {
   public:
    Handle(Pool& pool, std::unique_ptr<Connection> connection, bool reused)
        : pool_(&pool), connection_(std::move(connection)), reused_(reused) {}
    Handle(Handle&& other) noexcept = default;
    Handle& operator=(Handle&&) = delete;
    ~Handle() {
      if (connection_) pool_->Release(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }
    bool reused() const { return reused_; }  // may be stale

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
    bool reused_;
  };

  // Waits for a free connection. Unavailable SQL_POOL_BUSY or SQL_UNAVAILABLE, DeadlineExceeded, Cancelled.
  Result<Handle> Acquire(const Context& ctx);
  // Closes all that are idle: one of them turned out to be broken, so the others are too.
  void DropIdle();
  Result<std::unique_ptr<Connection>> Connect();

  const DatabaseOptions& options() const { return options_; }
  Stats stats() const;
  void Count(std::uint64_t transactions, std::uint64_t conflicts);

 private:
  void Release(std::unique_ptr<Connection> connection);
  void CloseUnused(std::vector<std::unique_ptr<Connection>>& closing) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DatabaseOptions options_;
  const std::string connection_string_;
  mutable Mutex mutex_;
  std::condition_variable_any freed_;
  std::vector<std::unique_ptr<Connection>> idle_ ABSL_GUARDED_BY(mutex_);  // the last used at the back
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;  // idle, in use or being opened
  Stats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::sql
