// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace genofed::genomics {

// "G12D" for "Gly12Asp", "p.(Gly12Asp)" and "NP_004976.2:p.Gly12Asp".
std::string NormaliseAminoAcidChange(std::string_view text);

// What NormaliseAminoAcidChange makes just this of. The letters of several amino acids may spell
// another one: "A5_S6INSASP" inserts three, and would be read as "A5_S6INSD".
std::string SpellAminoAcidChange(std::string_view normalised);

}  // namespace genofed::genomics
