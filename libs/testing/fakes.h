// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "libs/core/clock.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"

namespace genofed::testing {

// A clock that stands still until it is moved. Thread-safe.
class FakeClock final : public Clock {
 public:
  // 2026-01-01T00:00:00Z unless told otherwise.
  explicit FakeClock(Time now = FromUnixSeconds(1'767'225'600)) : now_(now) {}
  Time Now() const override;
  void Set(Time now);
  void Advance(Duration by);

 private:
  mutable Mutex mutex_;
  Time now_ ABSL_GUARDED_BY(mutex_);
};

// The same bytes in each run. Thread-safe. Never for anything but tests.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
  void Fill(std::span<std::uint8_t> bytes) override;

 private:
  Mutex mutex_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::testing
