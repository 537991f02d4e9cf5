// SPDX-License-Identifier: Apache-2.0
//
// Purposes of use and conditions on it, as codes: of the Data Use Ontology (DUO:0000006) and of
// other systems that a country names ("EHDS:53-1-a" for Art. 53(1)(a) of Regulation (EU) 2025/327).
#pragma once

#include <string>
#include <string_view>

namespace genofed::consent {

// "SYSTEM:code": 1 to 8 capital letters and digits, then 1 to 20 letters, digits, '.', '_', '-'.
bool IsPurpose(std::string_view code);

// Whether somebody can mean it as a purpose: a permission term of DUO, or a code of another system.
// DUO's modifiers are conditions (condition.h), and what DUO does not have is nothing.
bool IsKnownPurpose(std::string_view code);

// Whether a permission for `permitted` holds for a project of `purpose`, by the definitions of DUO's
// permission terms: no restriction (DUO:0000004) covers everything; general research (DUO:0000042)
// every DUO term; health research (DUO:0000006) disease-specific research (DUO:0000007) too, but
// not ancestry (DUO:0000011). All else covers itself only.
bool Covers(std::string_view permitted, std::string_view purpose);

}  // namespace genofed::consent
