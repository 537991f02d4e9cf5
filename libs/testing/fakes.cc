// SPDX-License-Identifier: Apache-2.0
#include "libs/testing/fakes.h"

namespace genofed::testing {

Time FakeClock::Now() const {
  MutexLock lock(mutex_);
  return now_;
}

void FakeClock::Set(Time now) {
  MutexLock lock(mutex_);
  now_ = now;
}

void FakeClock::Advance(Duration by) {
  MutexLock lock(mutex_);
  now_ += by;
}

void SeededRandom::Fill(std::span<std::uint8_t> bytes) {
  MutexLock lock(mutex_);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(engine_() & 0xFF);
}

}  // namespace genofed::testing
