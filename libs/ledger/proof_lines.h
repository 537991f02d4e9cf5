// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/ledger: the lines that C2SP formats have in common.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "libs/ledger/merkle.h"

namespace genofed::ledger {

// As many as a 64-bit size can need.
inline constexpr std::size_t kMaxProofLines = 63;

// Cuts the first line off, without its newline; nothing when no newline is left.
inline std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

// An ASCII decimal without superfluous zeroes.
inline bool ParseDecimal(std::string_view text, std::uint64_t* value) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return false;
  return std::from_chars(text.data(), text.data() + text.size(), *value).ec == std::errc();
}

// Cuts off the hashes, one a line in base64, and the empty line after them.
inline std::optional<Proof> TakeProofLines(std::string_view& text) {
  Proof proof;
  while (const auto line = TakeLine(text)) {
    if (line->empty()) return proof;
    const auto hash = Hash::FromBase64(*line);
    if (!hash.ok() || proof.size() == kMaxProofLines) return std::nullopt;
    proof.push_back(*hash);
  }
  return std::nullopt;
}

}  // namespace genofed::ledger
