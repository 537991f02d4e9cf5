// SPDX-License-Identifier: Apache-2.0
#include "libs/core/context.h"

#include <algorithm>

#include "libs/core/random.h"
#include "libs/core/strings.h"

namespace genofed {
namespace {

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// For trace ids, which need uniqueness only. Every call has several: drawn many at a time.
std::string RandomHex(std::size_t bytes) {
  constexpr std::size_t kStock = 1024;
  thread_local std::string stock;
  thread_local std::size_t used = 0;
  if (stock.size() - used < bytes) {
    stock = SystemRandom().Bytes(kStock);
    used = 0;
  }
  used += bytes;
  return HexEncode(std::string_view(stock).substr(used - bytes, bytes));
}

}  // namespace

bool User::HasRole(std::string_view role) const {
  return std::find(roles.begin(), roles.end(), role) != roles.end();
}

Context::Context() : principal_(std::make_shared<const Principal>()) {}

Context Context::Background() {
  Context ctx;
  ctx.trace_id_ = RandomHex(16);
  ctx.span_id_ = RandomHex(8);
  return ctx;
}

Context Context::WithDeadline(SteadyTime deadline) const {
  Context ctx = *this;
  ctx.deadline_ = std::min(deadline_, deadline);
  return ctx;
}

Context Context::WithTimeout(std::chrono::milliseconds timeout) const {
  return WithDeadline(std::chrono::steady_clock::now() + timeout);
}

Context Context::WithStop(std::stop_token stop) const {
  Context ctx = *this;
  ctx.stop_ = std::move(stop);
  return ctx;
}

Context Context::WithPrincipal(Principal principal) const {
  Context ctx = *this;
  ctx.principal_ = std::make_shared<const Principal>(std::move(principal));
  return ctx;
}

Context Context::WithTraceparent(std::string_view traceparent) const {
  Context ctx = *this;
  // version-traceid-parentid-flags: 2-32-16-2 hex digits
  if (traceparent.size() == 55 && traceparent.substr(0, 3) == "00-" && traceparent[35] == '-' &&
      traceparent[52] == '-' && IsHex(traceparent.substr(3, 32)) &&
      IsHex(traceparent.substr(36, 16)) && traceparent.substr(3, 32) != std::string(32, '0')) {
    ctx.trace_id_ = std::string(traceparent.substr(3, 32));
  } else {
    ctx.trace_id_ = RandomHex(16);
  }
  ctx.span_id_ = RandomHex(8);
  return ctx;
}

Context Context::Detach() const {
  Context ctx = *this;
  ctx.deadline_ = SteadyTime::max();
  ctx.stop_ = {};
  return ctx;
}

std::chrono::milliseconds Context::Remaining(std::chrono::milliseconds fallback) const {
  if (!has_deadline()) return fallback;
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline_ - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

Status Context::Alive() const {
  if (stop_.stop_requested())
    return Error(StatusCode::kCancelled, "CANCELLED", "the request was cancelled");
  if (has_deadline() && std::chrono::steady_clock::now() >= deadline_) {
    return Error(StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED", "the request ran out of time");
  }
  return absl::OkStatus();
}

std::string Context::traceparent() const { return "00-" + trace_id_ + "-" + span_id_ + "-01"; }

}  // namespace genofed
