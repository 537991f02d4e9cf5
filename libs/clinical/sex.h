// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace genofed::clinical {

// The words of Phenopackets: UNKNOWN_SEX, FEMALE, MALE, OTHER_SEX.
enum class Sex : std::uint8_t { kUnknown, kFemale, kMale, kOther };

std::string_view SexName(Sex sex);
// From such a word, exactly.
std::optional<Sex> ParseSexName(std::string_view word);
// From a code of FHIR AdministrativeGender: male, female, other, unknown.
std::optional<Sex> ParseFhirGender(std::string_view code);
// From what source systems write, in any case: M, F, male, female, m, w (German), d, x, o, u, unknown ...
std::optional<Sex> ParseSexWord(std::string_view word);
// From an OMOP concept of the domain Gender; 0 (no matching concept) is unknown.
std::optional<Sex> ParseOmopGender(std::int64_t concept_id);

}  // namespace genofed::clinical
