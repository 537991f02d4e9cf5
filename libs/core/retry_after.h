// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>

#include "libs/core/status.h"

namespace genofed {

// After what time the same call may succeed: google.rpc.RetryInfo in gRPC, Retry-After in HTTP. OK
// is returned unchanged.
Status WithRetryAfter(Status status, std::chrono::seconds after);
std::optional<std::chrono::seconds> RetryAfter(const Status& status);

}  // namespace genofed
