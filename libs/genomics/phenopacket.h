// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/individuals.h"

namespace genofed::genomics {

// What genofed keeps of a GA4GH Phenopacket v2 (phenopacket-schema 2.0, Phenopacket element).
struct Phenopacket {
  std::string id;
  std::string subject_id;
  Sex sex = Sex::kUnknown;
  // From subject.timeAtLastEncounter: its age, or its timestamp less dateOfBirth. None when neither
  // is there: an age must not be guessed from a date of birth alone.
  std::optional<std::uint32_t> age_months;
  std::string date_of_birth;            // RFC 3339 as given, or empty
  std::vector<std::string> phenotypes;  // HP: terms that are not excluded; sorted, each once
  std::vector<std::string>
      diseases;  // MONDO:, ORPHA:, OMIM: (and other CURIEs) that are not excluded
  std::vector<std::string> biosample_ids;
};

inline constexpr std::size_t kMaxPhenopacketBytes = 16U << 20;

// Errors: InvalidArgument JSON_INVALID or PHENOPACKET_INVALID, with the path of every wrong field,
// such as "phenotypicFeatures[2].type.id". Values never appear in messages.
Result<Phenopacket> ParsePhenopacket(std::string_view json);

// "Orphanet:111" and "ORDO:111" are other spellings of ORPHA:111; OMIM phenotypic series OMIMPS is
// kept. InvalidArgument when the text is not PREFIX:local, or the local part of HP, MONDO, ORPHA or
// OMIM is wrong.
Result<std::string> NormaliseTerm(std::string_view curie);
// Whole months in an ISO 8601 duration such as P3Y6M, P2W or P10D. None when it is not one.
std::optional<std::uint32_t> MonthsOfDuration(std::string_view text);

}  // namespace genofed::genomics
