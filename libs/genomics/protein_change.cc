// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/protein_change.h"

#include <algorithm>
#include <array>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

constexpr std::array<std::pair<std::string_view, char>, 23> kCodes = {
    {{"ALA", 'A'}, {"ARG", 'R'}, {"ASN", 'N'}, {"ASP", 'D'}, {"CYS", 'C'}, {"GLN", 'Q'}, {"GLU", 'E'}, {"GLY", 'G'},
     {"HIS", 'H'}, {"ILE", 'I'}, {"LEU", 'L'}, {"LYS", 'K'}, {"MET", 'M'}, {"PHE", 'F'}, {"PRO", 'P'}, {"SER", 'S'},
     {"THR", 'T'}, {"TRP", 'W'}, {"TYR", 'Y'}, {"VAL", 'V'}, {"SEC", 'U'}, {"XAA", 'X'}, {"TER", '*'}}};

const std::pair<std::string_view, char>* FindCode(std::string_view upper, std::size_t at) {
  const auto* code = std::find_if(kCodes.begin(), kCodes.end(), [&](const auto& pair) {
    return upper.substr(at, 3) == pair.first;
  });
  return code == kCodes.end() ? nullptr : code;
}

}  // namespace

std::string NormaliseAminoAcidChange(std::string_view text) {
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) text.remove_prefix(colon + 1);
  if (StartsWithIgnoreCase(text, "p.")) text.remove_prefix(2);
  const std::string upper = ToUpper(text);
  std::string out;
  for (std::size_t i = 0; i < upper.size();) {
    if (const auto* code = FindCode(upper, i)) {
      out += code->second;
      i += 3;
    } else {
      if (upper[i] != '(' && upper[i] != ')') out += upper[i];
      ++i;
    }
  }
  return out;
}

// Parentheses mean nothing, and no code has one.
std::string SpellAminoAcidChange(std::string_view normalised) {
  std::string out;
  for (std::size_t i = 0; i < normalised.size(); ++i) {
    out += normalised[i];
    if (FindCode(normalised, i) != nullptr || (i == 0 && normalised.starts_with("P."))) out += '(';
  }
  return out;
}

}  // namespace genofed::genomics
