// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/worker_pool.h"

#include "libs/rpc/executor.h"

namespace genofed::discovery {
namespace {

class ExecutorPool final : public WorkerPool {
 public:
  ExecutorPool(int threads, std::size_t max_queue) : executor_(threads, max_queue) {}
  bool Submit(std::function<void()> work) override { return executor_.Submit(std::move(work)); }

 private:
  rpc::Executor executor_;
};

}  // namespace

std::unique_ptr<WorkerPool> MakeWorkerPool(int threads, std::size_t max_queue) {
  return std::make_unique<ExecutorPool>(threads, max_queue);
}

}  // namespace genofed::discovery
