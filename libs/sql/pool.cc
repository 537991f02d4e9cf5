// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/pool.h"

namespace genofed::sql {

using std::chrono::steady_clock;

Database::Pool::Pool(DatabaseOptions options, std::string connection_string)
    : options_(std::move(options)), connection_string_(std::move(connection_string)) {}

Result<std::unique_ptr<Connection>> Database::Pool::Connect() {
  GF_ASSIGN(auto connection, Connection::Connect(connection_string_));
  MutexLock lock(mutex_);
  ++stats_.connections_opened;
  return connection;
}

Result<Database::Pool::Handle> Database::Pool::Acquire(const Context& ctx) {
  const auto give_up = std::min(ctx.deadline(), steady_clock::now() + options_.acquire_timeout);
  {
    MutexLock lock(mutex_);
    while (idle_.empty() && open_ >= options_.max_connections) {
      GF_TRY(ctx.Alive());
      if (freed_.wait_until(mutex_.native(), give_up) == std::cv_status::timeout && idle_.empty() &&
          open_ >= options_.max_connections) {
        GF_TRY(ctx.Alive());
        return Error(StatusCode::kUnavailable, "SQL_POOL_BUSY", "all {} database connections are in use",
                     options_.max_connections);
      }
    }
    GF_TRY(ctx.Alive());
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return Handle(*this, std::move(connection), true);
    }
    ++open_;
  }
  auto connection = Connect();
  if (!connection.ok()) {
    MutexLock lock(mutex_);
    --open_;
    freed_.notify_one();
    return connection.status();
  }
  return Handle(*this, *std::move(connection), false);
}

void Database::Pool::Release(std::unique_ptr<Connection> connection) {
  std::vector<std::unique_ptr<Connection>> closing;  // closed after the lock is gone
  MutexLock lock(mutex_);
  if (connection->broken()) {
    --open_;
    closing.push_back(std::move(connection));
  } else {
    connection->last_used = steady_clock::now();
    idle_.push_back(std::move(connection));
    CloseUnused(closing);
  }
  freed_.notify_one();
}

void Database::Pool::CloseUnused(std::vector<std::unique_ptr<Connection>>& closing) {
  constexpr std::chrono::seconds kKeepIdle{60};
  while (open_ > options_.min_connections && idle_.size() > 1 &&
         idle_.front()->last_used + kKeepIdle < steady_clock::now()) {
    closing.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
    --open_;
  }
}

void Database::Pool::DropIdle() {
  std::vector<std::unique_ptr<Connection>> closing;
  MutexLock lock(mutex_);
  closing.swap(idle_);
  open_ -= closing.size();
  freed_.notify_all();
}

Database::Stats Database::Pool::stats() const {
  MutexLock lock(mutex_);
  Stats stats = stats_;
  stats.connections = open_;
  stats.in_use = open_ - idle_.size();
  return stats;
}

void Database::Pool::Count(std::uint64_t transactions, std::uint64_t conflicts) {
  MutexLock lock(mutex_);
  stats_.transactions += transactions;
  stats_.conflicts += conflicts;
}

}  // namespace genofed::sql
