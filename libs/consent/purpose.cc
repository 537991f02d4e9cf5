// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/purpose.h"

#include <algorithm>

namespace genofed::consent {

bool IsPurpose(std::string_view code) {
  constexpr std::size_t kMaxSystem = 8, kMaxCode = 20;
  const std::size_t colon = code.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > kMaxSystem) return false;
  const std::string_view system = code.substr(0, colon), term = code.substr(colon + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  return !term.empty() && term.size() <= kMaxCode &&
         std::all_of(system.begin(), system.end(), [&](char c) { return digit(c) || capital(c); }) &&
         std::all_of(term.begin(), term.end(), [&](char c) {
           return digit(c) || capital(c) || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
         });
}

bool IsKnownPurpose(std::string_view code) {
  constexpr std::string_view kTerms[] = {"DUO:0000004", "DUO:0000006", "DUO:0000007", "DUO:0000011",
                                         "DUO:0000042"};
  return IsPurpose(code) &&
         (!code.starts_with("DUO:") || std::ranges::find(kTerms, code) != std::end(kTerms));
}

bool Covers(std::string_view permitted, std::string_view purpose) {
  if (permitted == purpose || permitted == "DUO:0000004") return true;
  if (permitted == "DUO:0000042") return purpose.starts_with("DUO:") && purpose != "DUO:0000004";
  return permitted == "DUO:0000006" && purpose == "DUO:0000007";
}

}  // namespace genofed::consent
