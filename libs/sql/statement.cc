// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/statement.h"

#include <fmt/ranges.h>

namespace genofed::sql {

bool IsIdentifier(std::string_view name) {
  constexpr std::size_t kMaxLength = 63;  // PostgreSQL cuts longer names silently
  if (name.empty() || name.size() > kMaxLength || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    if (!(c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))) return false;
  }
  return true;
}

const std::string& CheckedIdentifier(const std::string& name) {
  GF_CHECK(IsIdentifier(name));
  return name;
}

std::string ArrayLiteral(const std::vector<std::string>& values) {
  std::string out = "{";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += '"';
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out += '}';
}

std::string ArrayLiteral(const std::vector<std::int64_t>& values) {
  return fmt::format("{{{}}}", fmt::join(values, ","));
}

}  // namespace genofed::sql
