// SPDX-License-Identifier: Apache-2.0
//
// Transactional outbox: a message is stored in the transaction that causes it and delivered afterwards, at least
// once, in the order of the commits for each (topic, key). Receivers are idempotent.
//
// The table (the service's migration creates it, under any name):
//   CREATE TABLE outbox (
//     id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
//     topic        text        NOT NULL,
//     key          text        NOT NULL,
//     payload      bytea       NOT NULL,
//     created      timestamptz NOT NULL DEFAULT now(),
//     attempts     integer     NOT NULL DEFAULT 0,
//     next_attempt timestamptz NOT NULL DEFAULT now(),
//     done         timestamptz);
//   CREATE INDEX outbox_pending ON outbox (topic, key, id) WHERE done IS NULL;
#pragma once

#include <condition_variable>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/sql/database.h"

namespace genofed::sql {

struct OutboxMessage {
  std::int64_t id = 0;  // unique in the table: what receivers may use to recognise a repetition
  std::string topic;
  std::string key;
  std::string payload;
  std::int64_t attempts = 0;  // 1 at the first delivery
};

class Outbox {
 public:
  explicit Outbox(const std::string& table = "outbox");

  // Stores a message for delivery once `tx` commits. Waits for other open transactions that put a message with
  // the same topic and key: that is what makes the order of ids the order of commits.
  Status Put(Tx& tx, std::string_view topic, std::string_view key, std::string_view payload) const;

  // Used by the pump: the first pending message of up to `limit` keys, hidden from others for `lease`.
  Result<std::vector<OutboxMessage>> Claim(Tx& tx, std::int64_t limit, std::chrono::milliseconds lease) const;
  // FailedPrecondition LEASE_LOST if the message was claimed again meanwhile.
  Status Complete(Tx& tx, const OutboxMessage& message) const;
  Status Retry(Tx& tx, const OutboxMessage& message, std::chrono::milliseconds delay) const;
  // Deletes delivered messages older than `age`.
  Status Prune(Tx& tx, std::chrono::seconds age) const;
  Result<std::int64_t> Pending(Tx& tx) const;

 private:
  std::string lock_sql_, put_sql_, claim_sql_, complete_sql_, retry_sql_, prune_sql_, pending_sql_;
};

// The thread that delivers. Any number of pumps may share a table.
class OutboxPump {
 public:
  // Hands a message to its receiver; OK once the receiver has it durably. After an error (or an exception) the
  // message is tried again, and later ones of the same key wait for it. Must return by the deadline of `ctx`.
  using Deliver = std::function<Status(const Context& ctx, const OutboxMessage& message)>;

  struct Options {
    std::chrono::milliseconds poll_interval{1'000};
    std::chrono::milliseconds lease{60'000};  // for a batch; also the deadline of its deliveries
    std::chrono::milliseconds backoff{500};   // doubled at each failure
    std::chrono::milliseconds max_backoff{60'000};
    std::int64_t batch = 16;
    std::chrono::seconds keep_delivered{7 * 24 * 3600};
    // Told about failed deliveries (message given) and database errors (message null). Optional.
    std::function<void(const OutboxMessage* message, const Status& error)> on_error = {};
  };

  // `database` is borrowed and must outlive the pump. Starts at once.
  OutboxPump(Database& database, Outbox outbox, Options options, Deliver deliver);
  ~OutboxPump();
  OutboxPump(const OutboxPump&) = delete;
  OutboxPump& operator=(const OutboxPump&) = delete;

  void Notify();  // a message was committed: look now
  void Stop();    // cancels the running delivery and waits for it

 private:
  void Run(std::stop_token stop);
  bool DeliverBatch(std::stop_token stop);  // whether there was a message
  void DeliverOne(const Context& ctx, const OutboxMessage& message);
  void PruneSometimes();
  void Report(const OutboxMessage* message, const Status& error) const;

  Database& database_;
  const Outbox outbox_;
  const Options options_;
  const Deliver deliver_;
  Mutex mutex_;
  std::condition_variable_any wake_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
  std::chrono::steady_clock::time_point next_prune_;
  std::jthread thread_;
};

}  // namespace genofed::sql
