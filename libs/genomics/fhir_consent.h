// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::genomics {

// The three permissions of the reference architecture, as bits; codes of
// urn:1plusmg:consent-permission.
inline constexpr std::uint8_t kPermitAlleleFrequency = 1;  // AF
inline constexpr std::uint8_t kPermitSubjectLevel = 2;     // SLQ
inline constexpr std::uint8_t kPermitSecondaryUse = 4;     // SEC
inline constexpr std::string_view kPermissionSystem = "urn:1plusmg:consent-permission";

enum class ConsentStatus {
  kActive,
  kNotYet,
  kEnded
};  // draft, proposed / rejected, inactive, entered-in-error

struct ConsentRecord {
  std::string person_identifier;  // patient.identifier.value, or the id of a Patient reference.
                                  // Never logged.
  std::uint8_t permissions = 0;   // none unless the status is active
  ConsentStatus status = ConsentStatus::kNotYet;
  std::optional<Time> date_time;   // dateTime; a partial date counts from its first instant, UTC
  std::optional<Time> valid_from;  // provision.period of the root: expiry is evaluated at use
  std::optional<Time> valid_until;
};

inline constexpr std::size_t kMaxConsentBytes = std::size_t{256} << 20;

// Reads a FHIR R4 Bundle of Consents (hl7.org/fhir/R4/consent.html). Entries of other resource
// types are left out. A permission is given only where a permit provision names its code; any deny
// provision below the root that names it, or names nothing that genofed knows, takes it away,
// whatever the order.
//
// One wrong entry refuses the whole bundle: leaving it out could hide a denial. The error
// (InvalidArgument CONSENT_INVALID) names the fields, such as "entry[3].resource.patient".
Result<std::vector<ConsentRecord>> ParseFhirConsents(std::string_view json);

// One answer for each person at `now`: what every active consent in force permits. Deny wins: a
// permission lacking in one of them is lacking. A person with no active consent in force has none.
std::map<std::string, std::uint8_t> EffectivePermissions(std::span<const ConsentRecord> records,
                                                         Time now);

}  // namespace genofed::genomics
