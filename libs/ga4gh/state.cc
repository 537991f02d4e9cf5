// SPDX-License-Identifier: Apache-2.0
#include "libs/ga4gh/state.h"

#include <array>

namespace genofed::ga4gh {
namespace {

constexpr std::array<std::string_view, 11> kNames = {
    "UNKNOWN",        "QUEUED",       "INITIALIZING", "RUNNING",   "PAUSED",   "COMPLETE",
    "EXECUTOR_ERROR", "SYSTEM_ERROR", "CANCELED",     "CANCELING", "PREEMPTED"};

}  // namespace

std::string_view StateName(State state) { return kNames.at(static_cast<std::size_t>(state)); }

Result<State> ParseState(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<State>(i);
  }
  return InvalidField("state", "UNKNOWN_STATE", "not a GA4GH state");
}

bool IsFinal(State state) {
  switch (state) {
    case State::kComplete:
    case State::kExecutorError:
    case State::kSystemError:
    case State::kCanceled:
    case State::kPreempted:
      return true;
    default:
      return false;
  }
}

}  // namespace genofed::ga4gh
