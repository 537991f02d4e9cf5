// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libs/core/clock.h"

namespace genofed {

// Where unpredictable bytes come from: keys, nonces, identifiers. Tests use a seeded one.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(std::span<std::uint8_t> bytes) = 0;
  std::string Bytes(std::size_t count);
};

// OpenSSL's generator, seeded by the kernel.
class SystemRandom final : public Random {
 public:
  void Fill(std::span<std::uint8_t> bytes) override;
};

// A sortable identifier such as "app-01jd8k3m9v7x2c5b8n4q6w1e3r": prefix, 48-bit milliseconds and
// 80 random bits in lower-case Crockford base 32 (the layout of ULID).
std::string NewId(std::string_view prefix, const Clock& clock, Random& random);

}  // namespace genofed
