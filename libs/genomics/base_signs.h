// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: which letters an allele consists of, by one look at each. Every allele
// of every record is asked several such questions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace genofed::genomics {

enum BaseSign : std::uint8_t {
  kPlainBase = 1,    // A, C, G, T in either case
  kUnknownBase = 2,  // N in either case
  kLowerCase = 4,    // a base in lower case, besides one of the above
  kNoBase = 8,       // anything else
};

inline constexpr std::array<std::uint8_t, 256> kBaseSigns = [] {
  std::array<std::uint8_t, 256> signs = {};
  signs.fill(kNoBase);
  for (char c : std::string_view("ACGTacgt")) signs[static_cast<unsigned char>(c)] = kPlainBase;
  signs['N'] = signs['n'] = kUnknownBase;
  for (char c : std::string_view("acgtn")) signs[static_cast<unsigned char>(c)] |= kLowerCase;
  return signs;
}();

// The signs of all its letters together.
inline std::uint8_t BaseSignsOf(std::string_view text) {
  std::uint8_t signs = 0;
  for (char c : text) signs |= kBaseSigns[static_cast<unsigned char>(c)];
  return signs;
}

}  // namespace genofed::genomics
