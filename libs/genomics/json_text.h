// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: JSON from outside, with limits.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

inline constexpr int kMaxJsonDepth = 64;

// InvalidArgument JSON_INVALID for text that is too long, nested deeper than kMaxJsonDepth, or not
// JSON.
Result<nlohmann::json> ParseJson(std::string_view text, std::size_t max_bytes);

}  // namespace genofed::genomics
