// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "libs/sql/outbox.h"

namespace genofed::sql {
namespace {

constexpr std::chrono::seconds kSettleTimeout{10};
constexpr std::chrono::hours kPruneInterval{1};

std::chrono::milliseconds Backoff(const OutboxPump::Options& options, std::int64_t attempts) {
  const auto doublings = std::clamp<std::int64_t>(attempts - 1, 0, 20);
  return std::min(options.backoff * (std::int64_t{1} << doublings), options.max_backoff);
}

}  // namespace

OutboxPump::OutboxPump(Database& database, Outbox outbox, Options options, Deliver deliver)
    : database_(database),
      outbox_(std::move(outbox)),
      options_(std::move(options)),
      deliver_(std::move(deliver)),
      thread_([this](std::stop_token stop) { Run(std::move(stop)); }) {}

OutboxPump::~OutboxPump() { Stop(); }

void OutboxPump::Notify() {
  MutexLock lock(mutex_);
  notified_ = true;
  wake_.notify_all();
}

void OutboxPump::Stop() {
  thread_.request_stop();
  {
    MutexLock lock(mutex_);
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void OutboxPump::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (DeliverBatch(stop)) continue;
    PruneSometimes();
    const auto until = std::chrono::steady_clock::now() + options_.poll_interval;
    MutexLock lock(mutex_);
    while (!stop.stop_requested() && !notified_ &&
           wake_.wait_until(mutex_.native(), until) == std::cv_status::no_timeout) {
    }
    notified_ = false;
  }
}

bool OutboxPump::DeliverBatch(std::stop_token stop) {
  // Counted from before the claim, so that the pump gives up before another one may start.
  const auto ctx = Context::Background().WithStop(stop).WithTimeout(options_.lease);
  auto messages = database_.Transact(
      ctx, [this](Tx& tx) { return outbox_.Claim(tx, options_.batch, options_.lease); },
      Isolation::kReadCommitted);
  if (!messages.ok()) {
    if (!stop.stop_requested()) Report(nullptr, messages.status());
    return false;
  }
  for (const OutboxMessage& message : *messages) DeliverOne(ctx, message);
  return !messages->empty();
}

void OutboxPump::DeliverOne(const Context& ctx, const OutboxMessage& message) {
  Status outcome = ctx.Alive();
  const bool attempted = outcome.ok();
  if (attempted) {
    try {
      outcome = deliver_(ctx, message);
    } catch (...) {
      outcome = Error(StatusCode::kInternal, "DELIVERY_THREW", "the delivery threw an exception");
    }
    if (!outcome.ok()) Report(&message, outcome);
  }
  // A message that the batch did not get to, or that was interrupted by Stop(), is free again at once.
  const bool at_once = !attempted || ctx.stop().stop_requested();
  const auto delay = at_once ? std::chrono::milliseconds(0) : Backoff(options_, message.attempts);
  const Status settled = database_.Transact(
      Context::Background().WithTimeout(kSettleTimeout),
      [&](Tx& tx) { return outcome.ok() ? outbox_.Complete(tx, message) : outbox_.Retry(tx, message, delay); },
      Isolation::kReadCommitted);
  if (!settled.ok() && Reason(settled) != "LEASE_LOST") Report(&message, settled);
}

void OutboxPump::PruneSometimes() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_prune_) return;
  next_prune_ = now + kPruneInterval;
  const Status status = database_.Transact(
      Context::Background().WithTimeout(kSettleTimeout),
      [this](Tx& tx) { return outbox_.Prune(tx, options_.keep_delivered); }, Isolation::kReadCommitted);
  if (!status.ok()) Report(nullptr, status);
}

void OutboxPump::Report(const OutboxMessage* message, const Status& error) const {
  if (options_.on_error) options_.on_error(message, error);
}

}  // namespace genofed::sql
