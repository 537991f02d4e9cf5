// SPDX-License-Identifier: Apache-2.0
// Internal to libs/cohort: the 32-bit name of an allele within a tile.
#pragma once

#include <cstdint>
#include <string_view>

#include "libs/cohort/tile_layout.h"

namespace genofed::cohort {

// Alleles that are not one base for another are in the pool, at the lower 31 bits.
inline constexpr std::uint32_t kPooledAllele = 1U << 31;
inline constexpr std::string_view kBases = "ACGTN";

// REF * 5 + ALT of one base each; kNone for all others.
inline std::uint32_t SnvKey(std::string_view ref, std::string_view alt) {
  if (ref.size() != 1 || alt.size() != 1) return kNone;
  const std::size_t r = kBases.find(ref[0]);
  const std::size_t a = kBases.find(alt[0]);
  if (r == std::string_view::npos || a == std::string_view::npos) return kNone;
  return static_cast<std::uint32_t>(r * kBases.size() + a);
}

}  // namespace genofed::cohort
