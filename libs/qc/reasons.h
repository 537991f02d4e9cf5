// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace genofed::qc {

// What a finding's code means, and what the holder can do about it, in plain words.
struct ReasonText {
  std::string_view code;
  std::string_view meaning;
  std::string_view remedy;
};

// Null for a code that the catalogue does not know; the report then shows the finding's own
// message.
const ReasonText* ExplainReason(std::string_view code);
// All of them, ascending by code.
std::span<const ReasonText> ReasonCatalogue();

}  // namespace genofed::qc
