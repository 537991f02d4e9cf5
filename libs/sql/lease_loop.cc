// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/lease.h"

namespace genofed::sql {
namespace {

constexpr char kPermanent[] = "genofed.internal/permanent_failure";
// Settling must not be cut short by the stop that caused it.
constexpr std::chrono::seconds kSettleTimeout{10};

}  // namespace

Status PermanentFailure(Status status) {
  if (!status.ok()) status.SetPayload(kPermanent, absl::Cord("1"));
  return status;
}

LeaseLoop::LeaseLoop(Database& database, LeaseTable table, Options options, Work work)
    : database_(database), table_(std::move(table)), options_(std::move(options)), work_(std::move(work)) {
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this](std::stop_token stop) { RunWorker(std::move(stop)); });
  }
}

LeaseLoop::~LeaseLoop() { Stop(); }

void LeaseLoop::Notify() {
  MutexLock lock(mutex_);
  ++notifications_;
  wake_.notify_all();
}

void LeaseLoop::Stop() {
  for (std::jthread& worker : workers_) worker.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.notify_all();
  }
  workers_.clear();
}

void LeaseLoop::RunWorker(std::stop_token stop) {
  std::uint64_t seen = 0;
  while (!stop.stop_requested()) {
    {
      MutexLock lock(mutex_);
      seen = notifications_;
    }
    if (RunOne(stop)) continue;
    const auto until = std::chrono::steady_clock::now() + options_.poll_interval;
    MutexLock lock(mutex_);
    while (!stop.stop_requested() && notifications_ == seen &&
           wake_.wait_until(mutex_.native(), until) == std::cv_status::no_timeout) {
    }
  }
}

bool LeaseLoop::RunOne(std::stop_token stop) {
  auto leases = database_.Transact(
      Context::Background().WithStop(stop),
      [this](Tx& tx) { return table_.Claim(tx, options_.owner, 1); }, Isolation::kReadCommitted);
  if (!leases.ok()) {
    if (!stop.stop_requested()) Report(nullptr, leases.status());
    return false;
  }
  for (const Lease& lease : *leases) RunItem(stop, lease);
  return !leases->empty();
}

void LeaseLoop::RunItem(std::stop_token stop, const Lease& lease) {
  std::stop_source item;
  const std::stop_callback forward(stop, [&item] { item.request_stop(); });
  Status outcome;
  {
    const std::jthread keeper([&](std::stop_token done) { KeepAlive(std::move(done), lease, item); });
    try {
      outcome = work_(Context::Background().WithStop(item.get_token()), lease);
    } catch (...) {
      outcome = Error(StatusCode::kInternal, "WORK_THREW", "the work item threw an exception");
    }
  }
  const bool stopping = stop.stop_requested();
  if (!outcome.ok() && !stopping) Report(&lease, outcome);
  const Status settled = Settle(lease, outcome, stopping);
  // Settled by the work itself, or taken over by another process: both are right.
  if (!settled.ok() && Reason(settled) != "LEASE_LOST") Report(&lease, settled);
}

Status LeaseLoop::Settle(const Lease& lease, const Status& outcome, bool stopping) {
  return database_.Transact(
      Context::Background().WithTimeout(kSettleTimeout),
      [&](Tx& tx) -> Status {
        if (outcome.ok()) return table_.Complete(tx, lease);
        if (outcome.GetPayload(kPermanent).has_value()) return table_.Abandon(tx, lease, outcome);
        if (stopping) return table_.Defer(tx, lease, std::chrono::milliseconds(0));
        return table_.Fail(tx, lease, outcome);
      },
      Isolation::kReadCommitted);
}

void LeaseLoop::KeepAlive(std::stop_token done, const Lease& lease, std::stop_source& item) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  auto held_until = std::chrono::steady_clock::now() + table_.policy().duration;
  for (;;) {
    never.wait_for(lock, done, table_.policy().duration / 3, [] { return false; });
    if (done.stop_requested()) return;
    const auto started = std::chrono::steady_clock::now();
    const Status status = database_.Transact(
        Context::Background().WithStop(done).WithDeadline(held_until),
        [&](Tx& tx) { return table_.Heartbeat(tx, lease); }, Isolation::kReadCommitted);
    if (status.ok()) held_until = started + table_.policy().duration;
    if (Reason(status) == "LEASE_LOST" || std::chrono::steady_clock::now() >= held_until) {
      item.request_stop();  // somebody else may run it now
      return;
    }
  }
}

void LeaseLoop::Report(const Lease* lease, const Status& error) const {
  if (options_.on_error) options_.on_error(lease, error);
}

}  // namespace genofed::sql
