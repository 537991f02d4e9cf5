// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/json_fault.h"
#include "libs/clinical/partial_date.h"
#include "libs/clinical/sex.h"
#include "libs/core/status.h"

namespace genofed::clinical {

// A term of a phenopacket: a phenotypic feature or a disease.
struct PhenopacketTerm {
  std::string id;  // a CURIE as it was written
  std::string label;
  bool excluded = false;           // was looked for and not found
  const JsonNode* node = nullptr;  // of the ontology class; valid as long as the tree
};

// A file that a phenopacket names (v2 File element, of the packet or one of its biosamples).
struct PhenopacketFile {
  std::string uri;
  std::string sample;  // what individualToFileIdentifiers calls the subject; may be empty
};

// What genofed keeps of a GA4GH Phenopacket v2 (phenopacket-schema 2.0, Phenopacket element).
struct Phenopacket {
  std::string id;
  std::string subject_id;
  Sex sex = Sex::kUnknown;
  // From subject.timeAtLastEncounter: its age, or its timestamp less dateOfBirth. None when neither
  // is there: an age must not be guessed from a date of birth alone.
  std::optional<std::uint32_t> age_months;
  std::optional<PartialDate> date_of_birth;
  std::vector<PhenopacketTerm> features;
  std::vector<PhenopacketTerm> diseases;  // interpretations are read for nothing: they repeat them
  std::vector<std::string> biosample_ids;
  std::vector<PhenopacketFile> files;
  std::string hpo_release;  // of metaData.resources; may be empty

  // Normalised terms that were observed, features and diseases; sorted, each once.
  std::vector<std::string> ObservedTerms() const;
};

inline constexpr std::size_t kMaxPhenopacketBytes = kMaxPieceBytes;

// Reads one phenopacket (proto3 JSON: camelCase or snake_case names). Whatever is wrong becomes a fault and is left
// out: PHENOPACKET_INVALID, PHENOPACKET_VERSION, SEX_INVALID, DATE_INVALID, CODE_INVALID, and the notes
// INTERPRETATION_NOT_USED and FREE_TEXT. Without a subject_id nothing of it can be used.
Phenopacket ReadPhenopacket(const JsonNode& packet, JsonFaults& faults);

// The strict form. Errors: InvalidArgument JSON_INVALID or PHENOPACKET_INVALID, with the path of every wrong field,
// such as "phenotypicFeatures[2].type.id". Values never appear in messages. The nodes of its terms are null.
Result<Phenopacket> ParsePhenopacket(std::string_view json);

// "Orphanet:111" and "ORDO:111" are other spellings of ORPHA:111; OMIM phenotypic series OMIMPS is
// kept. InvalidArgument when the text is not PREFIX:local, or the local part of HP, MONDO, ORPHA or
// OMIM is wrong.
Result<std::string> NormaliseTerm(std::string_view curie);
// Whole months in an ISO 8601 duration such as P3Y6M, P2W or P10D. None when it is not one.
std::optional<std::uint32_t> MonthsOfDuration(std::string_view text);

}  // namespace genofed::clinical
