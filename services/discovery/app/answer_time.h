// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace genofed::discovery {

// Returns when the time since `start` is a multiple of `quantum`, so that how long a search took
// does not show what it found. Nothing to wait for without a quantum.
void WaitForMultiple(std::chrono::steady_clock::time_point start,
                     std::chrono::microseconds quantum);

}  // namespace genofed::discovery
