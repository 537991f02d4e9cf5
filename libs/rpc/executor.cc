// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/executor.h"

namespace genofed::rpc {

Executor::Executor(int threads, std::size_t max_queue) : max_queue_(max_queue) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Executor::~Executor() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  threads_.clear();
}

bool Executor::Submit(std::function<void()> work) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= max_queue_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

std::size_t Executor::queued() {
  MutexLock lock(mutex_);
  return queue_.size();
}

void Executor::Run() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_.native());
      wake_.wait(lock,
                 [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace genofed::rpc
