// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/json_text.h"

#include <nlohmann/json.hpp>

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxNamedFields = 100;

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

void FieldErrors::Add(std::string_view field, std::string_view message) {
  ++count_;
  if (violations_.size() < kMaxNamedFields)
    violations_.push_back({std::string(field), std::string(message)});
}

Status FieldErrors::ToStatus(std::string_view reason, std::string_view what) const {
  if (empty()) return absl::OkStatus();
  Status status =
      Error(StatusCode::kInvalidArgument, reason, "{}: {} field(s) are wrong; first {}: {}", what,
            count_, violations_[0].field, violations_[0].description);
  for (const FieldViolation& violation : violations_) {
    status = WithField(std::move(status), violation.field, violation.description);
  }
  return status;
}

std::string TextMember(const nlohmann::json& object, const char* key, std::string_view path,
                       bool required, FieldErrors& errors, std::size_t max_size) {
  std::string field = path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
  auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) {
    if (required) errors.Add(field, "is required");
    return {};
  }
  if (!found->is_string()) {
    errors.Add(field, "must be a string");
    return {};
  }
  const std::string& text = found->get_ref<const std::string&>();
  if ((text.empty() && required) || text.size() > max_size) {
    errors.Add(field, fmt::format("must have 1 to {} bytes", max_size));
    return {};
  }
  return text;
}

}  // namespace genofed::genomics
