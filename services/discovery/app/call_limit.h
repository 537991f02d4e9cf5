// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>

namespace genofed::discovery {

// How many calls are under way to somebody: never more than so many, and its end waits for them.
// Thread-safe.
class CallLimit {
 public:
  explicit CallLimit(int most) : most_(most) {}
  ~CallLimit() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return under_way_ == 0; });
  }

  // Whether another one may begin. Each that did must end.
  bool Begin() {
    std::lock_guard lock(mutex_);
    if (under_way_ >= most_) return false;
    ++under_way_;
    return true;
  }
  void End() {
    std::lock_guard lock(mutex_);
    if (--under_way_ == 0) ended_.notify_all();
  }

 private:
  const int most_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int under_way_ = 0;
};

}  // namespace genofed::discovery
