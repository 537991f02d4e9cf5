// SPDX-License-Identifier: Apache-2.0
//
// Codes of diseases and phenotypes as hospitals write them, in one spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace genofed::clinical {

// One code of a record. `system` is one of the words of CanonicalSystem, or what the source says.
struct Code {
  std::string system;
  std::string code;
  std::string label;  // of the source; may be empty

  bool operator==(const Code&) const = default;
};

// "HP", "MONDO", "ORPHA", "OMIM", "OMIMPS", "ICD10CM", "ICD10WHO", "ICD10GM", "ICD11", "ICD9CM", "SNOMED", "LOINC" for
// the URLs, OIDs and prefixes that are in use for them (http or https, any case, with or without a version or a final
// slash). Anything else comes back unchanged.
std::string CanonicalSystem(std::string_view system);

// The local part of a code in its one spelling: HP and MONDO seven digits; ORPHA and OMIM digits; ICD-10 upper case with
// its dot and without dagger, asterisk or other marks. Prefixes ("HP:", "ORPHA:", "Orphanet_") are taken off. None when
// it cannot be a code of that system; of unknown systems anything goes that is not empty.
std::optional<std::string> NormaliseCode(std::string_view system, std::string_view code);

// "ORPHA:111" or "icd10cm:E78.71" as a code of a known system, normalised. None when the text has no such prefix, or
// the code is not one of that system.
std::optional<Code> ParseCurie(std::string_view text);

// Whether the text has the shape of an ICD-10 code, dot or not.
bool LooksLikeIcd10(std::string_view text);

}  // namespace genofed::clinical
