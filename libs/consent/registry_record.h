// SPDX-License-Identifier: Apache-2.0
//
// What a national registry's FHIR Consent says in the three permissions. Each registry has policy codes of its own, so
// what they mean is a table of the country's.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/consent/decide.h"

namespace genofed::consent {

// One row of the table.
struct MappedCode {
  std::string system;
  std::string code;
  PermissionSet permissions;
  std::vector<std::string> purposes;    // of SEC alone
  std::vector<std::string> conditions;  // on the project, of SEC alone
  std::optional<bool> permits;        // of a code that decides by itself, as OPTOUT does; else its provision decides
  bool retrospective = false;         // what it permits holds from ever, not from the period's beginning
  enum class Wish { kNone, kRecontact, kIncidentalFindings } wish = Wish::kNone;
  bool ignored = false;  // known, and about something else
};

struct RegistryMapping {
  std::string identifier_system;  // of the person identifiers that the node's datasets use; empty: any
  int adult_age = kUsualAdultAge;  // of the country's policy, and not of the table
  std::vector<MappedCode> codes;
};

inline constexpr std::size_t kMaxMappingBytes = 1U << 20;

// Reads a table; docs/guides/consent-registry.md says what may stand there. Errors: REGISTRY_MAPPING_INVALID.
Result<RegistryMapping> ParseRegistryMapping(std::string_view json);

// A Consent as it counts.
struct RegistryRecord {
  std::string id;                 // the registry's own
  std::string person_identifier;  // empty: to be had from the Patient that `patient` names
  std::string patient;            // "Patient/7"; both empty: of whom it is cannot be told
  // Active, or a rejection. Otherwise there is nothing to keep of it.
  bool counts = false;
  Statement says;         // what it permits, in its period
  PermissionSet refused;  // without end, so that nobody gains by a period's
  // And what it permits, outside of its period: of a denial that is longer in force.
  bool refuses_outside = false;
  // It names nothing that can be told: then it refuses everything.
  bool unreadable = false;
};

// Reads a Consent of FHIR R4 (hl7.org/fhir/R4/consent.html: `patient`, root provision with `type`)
// or R5 (hl7.org/fhir/R5/consent.html: `subject`, `decision`, provisions that are exceptions from
// it). Fails closed: a refusal of what is not in the table refuses everything, and so does a
// permission under a condition that cannot be kept. `base_url` is the registry's: references may be
// absolute. None without an id.
std::optional<RegistryRecord> ReadRegistryRecord(const nlohmann::json& consent,
                                                 const RegistryMapping& mapping,
                                                 std::string_view base_url = {});

// What a Patient resource says: the identifier, and dates of life.
struct RegistryPatient {
  std::string person_identifier;  // empty: it has none of the table's system
  Circumstances who;
  bool lives = false;  // says so, and does not only say nothing of a death
};
RegistryPatient ReadRegistryPatient(const nlohmann::json& patient, const RegistryMapping& mapping);

}  // namespace genofed::consent
