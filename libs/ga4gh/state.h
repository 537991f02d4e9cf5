// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "libs/core/status.h"

namespace genofed::ga4gh {

// The states of a WES 1.1 run and of a TES 1.1 task: both specifications list the same eleven.
enum class State {
  kUnknown,
  kQueued,
  kInitializing,
  kRunning,
  kPaused,
  kComplete,
  kExecutorError,
  kSystemError,
  kCanceled,
  kCanceling,
  kPreempted,
};

std::string_view StateName(State state);  // "EXECUTOR_ERROR"
Result<State> ParseState(std::string_view name);
// Whether the state can still change.
bool IsFinal(State state);

}  // namespace genofed::ga4gh
