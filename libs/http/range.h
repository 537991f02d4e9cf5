// SPDX-License-Identifier: Apache-2.0
//
// Byte ranges and validators of RFC 9110 sections 13 and 14, as far as the server applies them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libs/http/message.h"

namespace genofed::http {

struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // inclusive
  bool operator==(const ByteRange&) const = default;
};

enum class RangeOutcome {
  kWhole,          // no range, or one that may be ignored: another unit, malformed, several ranges
  kPartial,        // 206 with the one range
  kUnsatisfiable,  // 416
};

struct RangeDecision {
  RangeOutcome outcome = RangeOutcome::kWhole;
  ByteRange range;
};

// What a Range header asks of a representation of `size` bytes.
RangeDecision ParseRange(std::string_view header, std::uint64_t size);

// Applies Range and If-Range to a GET. `etag` is the strong validator of the representation or empty; with If-Range
// and no equal strong validator the whole representation is sent.
RangeDecision DecideRange(const Request& request, std::string_view etag, std::uint64_t size);

// Whether If-None-Match names this ETag (weak comparison) or is "*": then GET and HEAD answer 304.
bool NotModified(const Request& request, std::string_view etag);

}  // namespace genofed::http
