// SPDX-License-Identifier: Apache-2.0
//
// A federated application for data: one at the hub, decided by each country for itself. The states
// and guards follow the 1+MG reference process; every transition is a pure function, so the whole
// life of an application can be tested without a clock, a network or a database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::access {

enum class ApplicationState {
  kDraft,
  kAwaitingSignature,  // frozen to its digest; the signing official's turn
  kSubmitted,          // the central DAC's turn
  kUnderReview,        // the countries' turn
  kDecided,            // every country decided, at least one approved
  kRefused,            // every country refused
  kActive,             // agreement signed
};

enum class Outcome { kPending, kApproved, kVetoed, kRevoked };

struct Content {
  std::string title;
  std::string purpose;
  std::string lay_summary;   // plain language, shown to citizens
  std::string purpose_code;  // DUO code, or one of a country's consent policy
  std::vector<std::string> datasets;
  std::int32_t duration_days = 0;
  // Conditions that the project meets (libs/consent/condition.h): stated by the applicant, attested
  // by the signing official, accepted or not by each country.
  std::vector<std::string> conditions_met = {};
  bool operator==(const Content&) const = default;
};

struct CountryDecision {
  std::string country;  // upper case
  Outcome outcome = Outcome::kPending;
  std::string reason;
  std::vector<std::string> datasets;
  Time at;
  std::string signed_decision;  // JWS by the country's key
  std::vector<std::string> accepted_conditions = {};  // of those the official attested; sorted
};

struct Event {
  std::string what;
  std::string by;
  Time at;
  std::string note;
};

struct Application {
  std::string id;
  ApplicationState state = ApplicationState::kDraft;
  Content content;
  std::string applicant_issuer;
  std::string applicant_subject;
  std::string applicant_name;
  std::string organisation;
  std::string frozen;  // canonical JSON of everything that was applied for
  std::string digest;  // SHA-256 of `frozen`, hex
  std::string recommendation;
  std::vector<CountryDecision> decisions;
  std::string agreement;         // what the official signed: app/agreement.h
  std::string agreement_sha256;  // hex
  std::vector<Event> events;
  Time created;
  std::int64_t sequence = 0;  // grows with every change

  const CountryDecision* DecisionOf(std::string_view country) const;
};

// The country in a dataset identifier, "FI" in "GOE-FI-DATASET-1"; empty if it is none.
std::string CountryOf(std::string_view dataset);
// Sorted, without repetition.
std::vector<std::string> CountriesOf(const std::vector<std::string>& datasets);
std::vector<std::string> DatasetsOf(const std::vector<std::string>& datasets,
                                    std::string_view country);

// Everything wrong with the content, as field violations.
Status Validate(const Content& content);

bool IsApplicant(const Application& application, const User& user);
// Who may see it: applicant, signing official of the same organisation, central DAC, coordinator.
bool MaySee(const Application& application, const User& user);

// The same of a user, for lists: everything, or what they applied for and what their organisation
// did.
struct Viewer {
  bool everything = false;
  std::string applicant_issuer;
  std::string applicant_subject;
  std::string organisation = {};  // whose official it is; empty: nobody's
};
Viewer ViewerOf(const User& user);

// The transitions. Each checks its guards (state, role and independence of the person) and appends
// an event.
Status Submit(Application& application, const User& user, std::string frozen, std::string digest,
              Time now);
// `attested`: the conditions that the official says the project meets. All that the application
// states or none of it counts, so that nobody attests what they did not read (ATTESTATION_DIFFERS).
Status Confirm(Application& application, const User& user, bool confirm,
               const std::vector<std::string>& attested, const std::string& note, Time now);
// Advice: transmits the application to the countries, whether positive or not.
Status Recommend(Application& application, const User& user, bool positive, const std::string& note,
                 Time now);
// A verified decision of one country. A later decision of a country that approved can only take the
// approval back.
Status RecordDecision(Application& application, const CountryDecision& decision, Time now);
// `digest` is what the signer read: it must be the application's.
Status SignAgreement(Application& application, const User& user, const std::string& digest,
                     const std::string& agreement, const std::string& agreement_sha256, Time now);

}  // namespace genofed::access
