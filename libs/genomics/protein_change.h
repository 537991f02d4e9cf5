// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace genofed::genomics {

// "G12D" for "Gly12Asp", "p.(Gly12Asp)" and "NP_004976.2:p.Gly12Asp".
std::string NormaliseAminoAcidChange(std::string_view text);

}  // namespace genofed::genomics
