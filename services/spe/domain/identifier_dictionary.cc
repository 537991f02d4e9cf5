// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/identifier_dictionary.h"

#include "libs/core/strings.h"

namespace genofed::spe {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Calls visit(value) for every run of `window` (16) hexadecimal digits in `text`, until it returns
// true.
template <typename Visit>
bool AnyWindow(std::string_view text, std::size_t window, Visit visit) {
  std::uint64_t value = 0;  // the last 16 digits: older ones are shifted out
  std::size_t digits = 0;
  for (const char c : text) {
    const int digit = HexValue(c);
    if (digit < 0) {
      digits = 0;
      continue;
    }
    value = (value << 4) | static_cast<std::uint64_t>(digit);
    if (++digits >= window && visit(value)) return true;
  }
  return false;
}

}  // namespace

IdentifierDictionary::IdentifierDictionary(const std::vector<std::string>& identifiers) {
  for (const std::string& identifier : identifiers) {
    if (identifier.empty()) continue;
    const std::string lower = ToLower(identifier);
    words_.insert(lower);
    AnyWindow(lower, kWindow, [this](std::uint64_t value) {
      windows_.insert(value);
      return false;
    });
  }
}

bool IdentifierDictionary::FoundIn(std::string_view text) const {
  if (words_.empty()) return false;
  const std::string lower = ToLower(text);
  if (words_.contains(lower)) return true;
  for (std::size_t at = 0; at < lower.size();) {
    std::size_t end = at;
    while (end < lower.size() && IsWordChar(lower[end])) ++end;
    if (end > at && words_.contains(lower.substr(at, end - at))) return true;
    at = end + 1;
  }
  return AnyWindow(lower, kWindow,
                   [this](std::uint64_t value) { return windows_.contains(value); });
}

}  // namespace genofed::spe
