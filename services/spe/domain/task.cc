// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/task.h"

namespace genofed::spe {

std::string_view StateName(TaskState state) {
  switch (state) {
    case TaskState::kQueued:
      return "queued";
    case TaskState::kInitializing:
      return "initializing";
    case TaskState::kRunning:
      return "running";
    case TaskState::kInReview:
      return "in_review";
    case TaskState::kComplete:
      return "complete";
    case TaskState::kExecutorError:
      return "executor_error";
    case TaskState::kSystemError:
      return "system_error";
    case TaskState::kCanceled:
      return "canceled";
  }
  return "unknown";
}

bool IsFinal(TaskState state) { return state >= TaskState::kComplete; }

}  // namespace genofed::spe
