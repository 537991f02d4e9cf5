// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/answer_time.h"

#include <thread>

namespace genofed::discovery {

using std::chrono::microseconds;
using std::chrono::steady_clock;

void WaitForMultiple(steady_clock::time_point start, microseconds quantum) {
  if (quantum.count() <= 0) return;
  const auto taken = std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
  const auto until = start + (taken / quantum + 1) * quantum;
  // A timer of the system is later than asked for by about 60 microseconds.
  while (until - steady_clock::now() > microseconds(200))
    std::this_thread::sleep_until(until - microseconds(150));
  while (steady_clock::now() < until) std::this_thread::yield();
}

}  // namespace genofed::discovery
