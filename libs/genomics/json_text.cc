// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/json_text.h"

#include <nlohmann/json.hpp>

namespace genofed::genomics {
namespace {

// Brackets outside of strings; wrong JSON is the parser's business.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<nlohmann::json> ParseJson(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) {
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "more than {} bytes", max_bytes);
  }
  if (TooDeep(text)) {
    return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "nested deeper than {} levels",
                 kMaxJsonDepth);
  }
  nlohmann::json json =
      nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "not JSON");
  return json;
}

}  // namespace genofed::genomics
