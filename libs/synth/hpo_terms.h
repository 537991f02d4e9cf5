// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace genofed::synth {

inline constexpr std::string_view kHpoRelease = "2024-08-13";

enum class TermSex : std::uint8_t { kAny, kFemale, kMale };

struct HpoTerm {
  std::string_view id;
  std::string_view label;
  TermSex sex = TermSex::kAny;
};

// The built-in terms, the more frequent ones first.
std::span<const HpoTerm> HpoTerms();
// The term of that id, which must be in the table.
const HpoTerm& HpoTermOf(std::string_view id);

}  // namespace genofed::synth
