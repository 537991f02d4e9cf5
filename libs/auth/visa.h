// SPDX-License-Identifier: Apache-2.0
//
// GA4GH visas (Passport 1.2, AAI 1.2.1 "Visa Document Token"): what an issuer asserts about a person.
#pragma once

#include <string>
#include <string_view>

#include "libs/auth/conditions.h"
#include "libs/auth/person.h"
#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

namespace visa_type {
inline constexpr std::string_view kAffiliationAndRole = "AffiliationAndRole";
inline constexpr std::string_view kAcceptedTermsAndPolicies = "AcceptedTermsAndPolicies";
inline constexpr std::string_view kResearcherStatus = "ResearcherStatus";
inline constexpr std::string_view kControlledAccessGrants = "ControlledAccessGrants";
inline constexpr std::string_view kLinkedIdentities = "LinkedIdentities";
}  // namespace visa_type

struct Visa {
  std::string issuer;
  std::string subject;
  std::string id;    // jti
  std::string type;  // a standard type, or the URL of a custom one
  std::string value;
  std::string source;
  std::string by;  // empty: unknown
  Time asserted{};
  Time issued_at{};
  Time not_before{};
  Time expires_at{};
  std::vector<std::string> audiences;  // empty: any
  bool has_conditions = false;
  Conditions conditions;
};

struct VisaExpectation {
  Person person;         // whom the visa must be about
  std::string audience;  // this site; compared when the visa names audiences
  std::string dataset;   // a visa of type ControlledAccessGrants must grant exactly this
};

// A visa by itself. Demands, in the order of the checks: signature by a pinned key of its issuer and jku, the registered
// one; kind (typ vnd.ga4gh.visa+jwt, JWT or none; no openid scope; no claims of other kinds); times, and an assertion
// that is neither from the future nor older than the trust file allows; token and person not revoked; an issuer with the
// role "visa:<type>", the source and, for grants, the dataset; a value in the form of its type, a `by` where the type
// needs one (a grant counts only by a "dac"); person and dataset; no conditions, which only a passport can meet.
// Every refusal is PermissionDenied/VISA_REFUSED with one text; `why` receives the reason (libs/auth/checks.h).
Result<Verified<Visa>> VerifyVisa(const TrustStore& trust, const Clock& clock, std::string_view token,
                                  const VisaExpectation& expected, Refusal* why = nullptr);

// A visa by `signer`, whose keys are published at `jku`. Errors: InvalidArgument/CLAIM_INVALID for an incomplete or
// contradictory visa, or those of the signer. `not_before` and conditions are not written.
Result<std::string> MintVisa(crypto::Signer& signer, const Visa& visa, std::string_view jku);

}  // namespace genofed::auth
