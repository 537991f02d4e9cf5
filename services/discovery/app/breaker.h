// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "libs/core/mutex.h"

namespace genofed::discovery {

// Stops asking somebody who does not answer, and tries one question from time to time to find out
// whether they are back. Thread-safe.
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Open after so many failures in a row, for so long; then one question goes through, and its
  // outcome decides.
  Breaker(int failures, std::chrono::milliseconds pause) : max_failures_(failures), pause_(pause) {}

  // Whether to ask at all. True to one caller only while it is half open.
  bool Allow(Time now) {
    MutexLock lock(mutex_);
    if (failures_ < max_failures_) return true;
    if (now < open_until_) return false;
    open_until_ = now + pause_;  // until the probe has come back, nobody else
    return true;
  }
  void Succeeded() {
    MutexLock lock(mutex_);
    failures_ = 0;
  }
  void Failed(Time now) {
    MutexLock lock(mutex_);
    if (failures_ < max_failures_) ++failures_;
    if (failures_ >= max_failures_) open_until_ = now + pause_;
  }

 private:
  const int max_failures_;
  const std::chrono::milliseconds pause_;
  Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  Time open_until_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
