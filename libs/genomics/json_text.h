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

// Collects what is wrong, by field path, and makes one status of it.
class FieldErrors {
 public:
  void Add(std::string_view field, std::string_view message);
  bool empty() const { return count_ == 0; }
  // OK when nothing was added. At most 100 fields are named.
  Status ToStatus(std::string_view reason, std::string_view what) const;

 private:
  std::size_t count_ = 0;
  std::vector<FieldViolation> violations_;
};

// The text of a string member, or nothing (with an error unless the member is absent and not
// required). At most `max_size` bytes, not empty.
std::string TextMember(const nlohmann::json& object, const char* key, std::string_view path,
                       bool required, FieldErrors& errors, std::size_t max_size = 1024);

}  // namespace genofed::genomics
