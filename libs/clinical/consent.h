// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/json_fault.h"
#include "libs/clinical/partial_date.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::clinical {

// The three permissions of the reference architecture, as bits; codes of
// urn:1plusmg:consent-permission.
inline constexpr std::uint8_t kPermitAlleleFrequency = 1;  // AF
inline constexpr std::uint8_t kPermitSubjectLevel = 2;     // SLQ
inline constexpr std::uint8_t kPermitSecondaryUse = 4;     // SEC
inline constexpr std::string_view kPermissionSystem = "urn:1plusmg:consent-permission";
// What a permission for secondary use is limited by: codes of Provision.purpose, and conditions on the
// project in modifier extensions (valueCode) of the provision.
inline constexpr std::string_view kDuoSystem = "http://purl.obolibrary.org/obo/duo.owl";
inline constexpr std::string_view kPurposeSystem = "urn:1plusmg:purpose";  // a country's own codes
inline constexpr std::string_view kConditionUrl = "urn:1plusmg:project-condition";

// What people wish, beside what they permit: codes of Provision.code, in a permit ("yes") or a deny ("no").
inline constexpr std::string_view kWishSystem = "urn:1plusmg:consent-wish";
inline constexpr std::uint8_t kWishRecontact = 1;           // recontact: to be asked for more
inline constexpr std::uint8_t kWishIncidentalFindings = 2;  // incidental-findings: to be told of them

struct ConsentWishes {
  std::optional<bool> recontact, incidental_findings;  // none: nothing was said

  bool operator==(const ConsentWishes&) const = default;
};

enum class ConsentStatus : std::uint8_t {
  kActive,
  kNotYet,  // draft, proposed
  kEnded    // rejected, inactive, entered-in-error, not-done
};

// Of secondary use alone.
struct ConsentLimits {
  std::vector<std::string> purposes;    // "DUO:0000006"; empty: any
  std::vector<std::string> conditions;  // "DUO:0000045", that the project must meet

  bool operator==(const ConsentLimits&) const = default;
};

// One provision that names permissions or wishes, with the time for which it holds.
struct ConsentRule {
  bool permit = false;
  std::uint8_t permissions = 0;
  std::optional<Time> from;
  std::optional<Time> until;  // exclusive
  ConsentLimits limits = {};
  std::uint8_t wishes = 0;
};

struct ConsentRecord {
  std::string person_identifier;  // patient.identifier.value, or the id of a Patient reference.
                                  // Never logged.
  ConsentStatus status = ConsentStatus::kNotYet;
  std::optional<Time> date_time;   // dateTime or date; a partial date counts from its first instant, UTC
  std::optional<Time> valid_from;  // the period of the whole: expiry is evaluated at use
  std::optional<Time> valid_until;
  std::vector<ConsentRule> rules;
  bool by_guardian =
      false;         // said by a RelatedPerson (R4 performer, R5 grantor): lapses at coming of age
  std::string form;  // of R4 policy.uri or R5 policyBasis: "urn:...|2.1"
  std::string organisation;  // that collected it: R4 organization, R5 manager or controller
  // Of the Patient in the same Bundle, if there is one.
  std::optional<PartialDate> birth_date;
  bool died = false;
  std::optional<PartialDate> death_date;  // none: not known when

  bool InForce(Time now) const;
  // What it permits at `now`: nothing unless it is in force. A denial wins over any permission.
  std::uint8_t PermissionsAt(Time now) const;
  // At `now`; a "no" wins over any "yes".
  ConsentWishes WishesAt(Time now) const;
  // Of wishes alone. It permits nothing, as any that names no permission: it may be a refusal of all but these.
  bool IsOfWishes() const;
  // Of what it permits at `now`: the purposes of any of its provisions, under the conditions of all.
  ConsentLimits LimitsAt(Time now) const;
};

// In years, unless the country's policy says otherwise. What a guardian permitted is asked again then.
inline constexpr int kAdultAge = 18;

inline constexpr std::size_t kMaxConsentBytes = std::size_t{256} << 20;

// Reads one Consent of FHIR R4 (hl7.org/fhir/R4/consent.html) or R5 (hl7.org/fhir/R5/consent.html). In R4 every
// provision says permit or deny; in R5 the base `decision` does, and each level of provisions is the opposite of the
// level around it. A permission is given only where a permit names its code; a deny that names it takes it away,
// whatever the order, and one that names nothing that genofed knows takes all away. (The base rule's deny only says that
// nothing is permitted by default.) A permit under a condition that cannot be enforced (actor, action ...) is a fault, and so is any
// modifier extension that is not known. A permit of secondary use alone may be for purposes and under conditions
// (kPurposeSystem, kConditionUrl); a code of either that means nothing is a fault.
//
// None for a consent about something else than research: of scope treatment or adr, without any permission code.
// Faults have the code CONSENT_INVALID; a record with faults must not be used.
std::optional<ConsentRecord> ReadConsent(const JsonNode& resource, JsonFaults& faults);

// Reads a Bundle, a Consent or NDJSON of Consents. Of other resource types, Patients tell when
// people were born and died.
//
// One wrong entry refuses the whole: leaving it out could hide a denial. The error
// (InvalidArgument CONSENT_INVALID) names the fields, such as "entry[3].resource.patient".
Result<std::vector<ConsentRecord>> ParseFhirConsents(std::string_view json);

// One answer for each person at `now`: what every active consent in force permits. Deny wins: a
// permission lacking in one of them is lacking, and so is secondary use that two of them permit for
// purposes of which none is the other's. A person with no active consent in force has none.
std::map<std::string, std::uint8_t> EffectivePermissions(std::span<const ConsentRecord> records,
                                                         Time now);

// How far secondary use that EffectivePermissions permits reaches: purposes that every consent in
// force covers, and the conditions of all. People without limits are missing.
std::map<std::string, ConsentLimits> LimitsOfPermissions(std::span<const ConsentRecord> records,
                                                         Time now);

// What people wish, by every active consent in force: a "no" in one of them wins. People of whom
// nothing is said are missing.
std::map<std::string, ConsentWishes> WishesOf(std::span<const ConsentRecord> records, Time now);

// When what EffectivePermissions says begins to end: the first end of a record in force at `now`, or of one of its
// permits. People of whom nothing ends are missing.
std::map<std::string, Time> EndsOfPermissions(std::span<const ConsentRecord> records, Time now);

// How what EffectivePermissions says was given.
struct ConsentOrigin {
  bool by_guardian = false;        // some of it: then all of it lapses with that
  std::string form, organisation;  // of all of it; empty if they differ
};
// By every active consent in force; those of wishes alone count where there are no others.
std::map<std::string, ConsentOrigin> OriginsOfPermissions(std::span<const ConsentRecord> records,
                                                          Time now);

// "AF,SLQ,SEC", or "NONE".
std::string PermissionNames(std::uint8_t permissions);

}  // namespace genofed::clinical
