// SPDX-License-Identifier: Apache-2.0
//
// Durable background work: one row per item, claimed with FOR UPDATE SKIP LOCKED and held by a lease. A process
// that dies loses nothing: its leases run out and the items are claimed again. So an item may run more than once,
// but only the holder of the newest lease can settle it.
//
// A table of work items has these columns, beside whatever else the service keeps in it:
//   id           text        PRIMARY KEY
//   work_state   text        NOT NULL DEFAULT 'ready' CHECK (work_state IN ('ready', 'done', 'failed'))
//   attempt      integer     NOT NULL DEFAULT 0      -- how often it was claimed, but for what was deferred
//   not_before   timestamptz NOT NULL DEFAULT now()  -- not claimed earlier
//   lease_owner  text                                -- who holds or last held it, and which claim it was: fences older ones
//   lease_until  timestamptz                         -- held while in the future; null when free
//   last_reason  text                                -- Reason() of the last failure
// and the index: CREATE INDEX ON t (not_before) WHERE work_state = 'ready'.
// All times are the server's, so that replicas need no common clock.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/sql/database.h"

namespace genofed::sql {

struct Lease {
  std::string id;
  std::string owner;         // as given to Claim, and a part of its own for each claim
  std::int64_t attempt = 0;  // 1 for the first
  Time until;                // by the server's clock, when claimed
};

struct LeasePolicy {
  std::chrono::milliseconds duration{60'000};
  std::chrono::milliseconds backoff{1'000};  // after the first failure; doubled each time, with jitter
  std::chrono::milliseconds max_backoff{300'000};
  std::int64_t max_attempts = 0;  // then the item is 'failed'; 0: tries for ever
};

// The statements on one table of work items. All run in the caller's transaction, so that an item is settled
// together with what it produced. Each returns FailedPrecondition LEASE_LOST if the lease is held no longer.
class LeaseTable {
 public:
  explicit LeaseTable(const std::string& table, LeasePolicy policy = {});

  // Up to `limit` items that are due, oldest first; never one that somebody else holds. `owner` names the
  // process (for people). Items whose attempts are used up become 'failed' with ATTEMPTS_EXHAUSTED.
  Result<std::vector<Lease>> Claim(Tx& tx, std::string_view owner, std::int64_t limit) const;
  Status Heartbeat(Tx& tx, const Lease& lease) const;  // holds it for another policy.duration
  Status Complete(Tx& tx, const Lease& lease) const;   // 'done'
  // Free again after a back-off, or 'failed' if attempts are used up. Stores Reason(why), not its message.
  Status Fail(Tx& tx, const Lease& lease, const Status& why) const;
  // 'failed' at once: it can never succeed.
  Status Abandon(Tx& tx, const Lease& lease, const Status& why) const;
  // Free again after `delay`; the attempt is not counted against max_attempts. For work that waits for something.
  Status Defer(Tx& tx, const Lease& lease, std::chrono::milliseconds delay) const;

  const LeasePolicy& policy() const { return policy_; }

 private:
  LeasePolicy policy_;
  std::string exhaust_sql_, claim_sql_, heartbeat_sql_, complete_sql_, fail_sql_, abandon_sql_, defer_sql_;
};

// Threads that claim items and run them, until destroyed or stopped.
class LeaseLoop {
 public:
  // Runs one item. OK completes it; an error fails it with back-off (PermanentFailure() abandons it). It may
  // instead settle the lease itself, in the transaction that stores its results, and then return OK. `ctx` is
  // cancelled when the loop stops or the lease is lost. Must be repeatable. May throw: that is an error too.
  using Work = std::function<Status(const Context& ctx, const Lease& lease)>;

  struct Options {
    std::string owner = {};
    std::chrono::milliseconds poll_interval{1'000};
    int workers = 1;
    // Told about every failure, of items (lease given) and of the database (lease null). Optional.
    std::function<void(const Lease* lease, const Status& error)> on_error = {};
  };

  // `database` is borrowed and must outlive the loop. Starts at once.
  LeaseLoop(Database& database, LeaseTable table, Options options, Work work);
  ~LeaseLoop();
  LeaseLoop(const LeaseLoop&) = delete;
  LeaseLoop& operator=(const LeaseLoop&) = delete;

  void Notify();  // there may be new work: look now instead of at the next interval
  void Stop();    // cancels the running items and waits for them; they are free again at once

 private:
  void RunWorker(std::stop_token stop);
  bool RunOne(std::stop_token stop);  // whether there was an item
  void RunItem(std::stop_token stop, const Lease& lease);
  void KeepAlive(std::stop_token stop, const Lease& lease, std::stop_source& item);
  Status Settle(const Lease& lease, const Status& outcome, bool stopping);
  void Report(const Lease* lease, const Status& error) const;

  Database& database_;
  const LeaseTable table_;
  const Options options_;
  const Work work_;
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::uint64_t notifications_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::jthread> workers_;
};

// Marks an error so that LeaseLoop abandons the item instead of trying again.
Status PermanentFailure(Status status);

}  // namespace genofed::sql
