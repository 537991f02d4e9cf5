// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed {

// A point in UTC with microsecond resolution: what PostgreSQL's timestamptz keeps.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
using Duration = std::chrono::microseconds;

// Where the time comes from. Every workflow takes one, so that tests can move it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time Now() const override;
};

// "2026-11-22T08:05:40.123456Z"; whole seconds are written without a fraction.
std::string FormatRfc3339(Time time);
// Accepts an offset and up to nine fractional digits.
Result<Time> ParseRfc3339(std::string_view text);
std::int64_t UnixSeconds(Time time);
Time FromUnixSeconds(std::int64_t seconds);
std::int64_t UnixMicros(Time time);
Time FromUnixMicros(std::int64_t micros);

}  // namespace genofed
