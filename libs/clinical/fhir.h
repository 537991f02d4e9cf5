// SPDX-License-Identifier: Apache-2.0
//
// FHIR R4 and R5 (hl7.org/fhir/R4, hl7.org/fhir/R5): Patient, Condition, Observation, Specimen and Consent. What genofed
// reads of them is written alike in both, but for Consent. Other resource types are left out with a note.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "libs/clinical/collector.h"

namespace genofed::clinical {

// Findings, besides those of Collector.
// Notes (left out by rule): ENTERED_IN_ERROR, NOT_FINAL (registered, preliminary, cancelled), NOT_CONFIRMED
// (unconfirmed, provisional, differential), REFUTED, VALUE_NOT_KNOWN (dataAbsentReason, an answer "unknown"), FREE_TEXT,
// OTHER_SUBJECT (focus, a subject that is no patient, FamilyMemberHistory), PATIENT_INACTIVE, OBSERVATION_NOT_USED,
// RESOURCE_NOT_USED, CONTAINED_NOT_USED, DUPLICATE_RESOURCE, RESOURCE_SUPERSEDED, ENTRY_WITHOUT_RESOURCE, ENTRY_DELETED.
// Warnings (set aside): STATUS_INVALID, VALUE_MISSING, VALUE_NOT_UNDERSTOOD, SEX_INVALID, DATE_INVALID, DATE_IN_FUTURE,
// DATE_IMPOSSIBLE, SUBJECT_MISSING, SUBJECT_ID_MISSING, SUBJECT_ID_INVALID, MODIFIER_NOT_UNDERSTOOD, RESOURCE_CONFLICT,
// FHIR_INVALID, CONSENT_INVALID.
class FhirReader {
 public:
  // Versions of one resource are looked for within a file.
  void BeginFile() { seen_.clear(); }
  void EndFile(Collector& out);

  // Each is the present record of `out`: an element of Bundle.entry; a resource; a Bundle without its entries.
  void TakeEntry(const JsonNode& entry, Collector& out);
  void TakeResource(const JsonNode& resource, Collector& out);
  void TakeBundle(const JsonNode& bundle, Collector& out);

 private:
  struct Seen {
    Origin origin;
    std::string last_updated;
    std::size_t hash = 0;
    bool conflict = false;
  };

  void Take(const JsonNode& resource, const std::string& full_url, Collector& out);
  // Whether this resource is to be read, and not a repetition of, or older than, one that was.
  bool IsNewest(const JsonNode& resource, std::string_view type, Collector& out);

  std::unordered_map<std::string, Seen> seen_;  // "Condition/1"
  std::unordered_map<std::string, std::int64_t> not_used_;  // resource type: how many
};

}  // namespace genofed::clinical
