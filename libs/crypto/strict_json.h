// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::crypto {

struct JsonLimits {
  std::size_t max_bytes = 64U << 10;
  std::size_t max_depth = 16;  // of nested arrays and objects; {} has depth 1
};

// Parses the whole of `text` as one JSON value (RFC 8259), for documents that carry trust. Refuses what parsers
// disagree about: duplicate names, invalid UTF-8 and lone surrogates, a byte order mark, integers beyond 64 bits,
// numbers beyond double, NaN, comments, anything after the value. Error messages never quote the text.
// Reasons: JSON_TOO_LARGE, JSON_TOO_DEEP, JSON_DUPLICATE_NAME, JSON_INVALID.
Result<nlohmann::json> ParseStrictJson(std::string_view text, const JsonLimits& limits = {});

}  // namespace genofed::crypto
