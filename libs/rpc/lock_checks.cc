// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/lock_checks.h"

#include <absl/synchronization/mutex.h>

namespace genofed::rpc {

void SkipLockChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace genofed::rpc
