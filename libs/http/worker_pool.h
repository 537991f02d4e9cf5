// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "libs/core/mutex.h"

namespace genofed::http {

// A fixed number of threads behind a queue of fixed length. Internal to the library.
class WorkerPool {
 public:
  WorkerPool(int threads, std::size_t max_queue);
  ~WorkerPool();

  // False when the queue is full or the pool has stopped: the job will not run.
  bool Submit(std::function<void()> job);
  // Drops queued jobs and waits for running ones. Repeatable.
  void Stop();

 private:
  void Run() ABSL_NO_THREAD_SAFETY_ANALYSIS;  // waits on the native mutex, which the analysis cannot follow

  const std::size_t max_queue_;
  Mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::jthread> threads_;
};

}  // namespace genofed::http
