// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace genofed::rpc {
namespace {

TEST(Executor, RefusesAtOnceWhenFullAndRunsWhatItTook) {
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> done{0};
  int taken = 0;
  {
    Executor executor(1, 2);
    for (int i = 0; i < 10; ++i) {
      if (executor.Submit([&, open] {
            open.wait();
            ++done;
          })) {
        ++taken;
      }
    }
    EXPECT_GE(taken, 2);
    EXPECT_LE(taken, 3);  // one running, two queued
    gate.set_value();
  }
  EXPECT_EQ(done, taken);
}

}  // namespace
}  // namespace genofed::rpc
