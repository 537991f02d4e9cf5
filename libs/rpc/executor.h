// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "libs/core/mutex.h"

namespace genofed::rpc {

// A fixed number of threads with a bounded queue. Handlers run here, never on gRPC's own threads.
// Each service of a process has its own, so that services of one process that call each other
// cannot starve each other.
class Executor {
 public:
  Executor(int threads, std::size_t max_queue);
  ~Executor();  // runs what is queued, then stops

  // False at once when the queue is full or the executor is stopping: the caller answers
  // ResourceExhausted.
  bool Submit(std::function<void()> work);
  std::size_t queued();

 private:
  void Run()
      ABSL_NO_THREAD_SAFETY_ANALYSIS;  // waits on the native mutex, which the analysis cannot see

  const std::size_t max_queue_;
  Mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace genofed::rpc
