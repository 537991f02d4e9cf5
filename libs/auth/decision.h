// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

enum class Verdict { kApprove, kVeto };

// What a country says about an application: a record for everyone, which opens nothing by itself.
// JWS with typ "1mg-decision+jwt"; it does not expire.
struct Decision {
  std::string issuer;
  std::string id;       // jti
  std::string country;  // two letters; compared without case
  std::string application;
  std::string application_sha256;  // 64 lower-case hex digits: the digest of the submitted application
  Verdict verdict = Verdict::kVeto;
  std::vector<std::string> datasets;    // what the verdict is about; one or more for an approval
  std::vector<std::string> conditions;  // for people
  std::string reason;                   // for people; may be empty
  Time issued_at{};                     // whole seconds
  // Of an approval: the DUO data use modifiers that the country accepts as met by the project.
  std::vector<std::string> accepted_conditions = {};
};

// What the verifier already knows, and the decision has to match.
struct DecisionExpectation {
  std::string country;
  std::string application;
  std::string application_sha256;
  std::vector<std::string> datasets;  // the country's datasets in the application; a decision names no others
};

// Errors: InvalidArgument/CLAIM_INVALID for an incomplete decision, or those of the signer.
Result<std::string> MintDecision(crypto::Signer& signer, const Decision& decision);

// Every refusal is PermissionDenied/DECISION_REFUSED with one text; `why` receives the reason: those of VerifyJws and
// TrustStore::FindKey, ROLE_MISMATCH (the key belongs to no national authority), COUNTRY_MISMATCH,
// APPLICATION_MISMATCH, DATASET_NOT_PERMITTED, NOT_YET_VALID, REVOKED, CLAIM_INVALID.
Result<Verified<Decision>> VerifyDecision(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const DecisionExpectation& expected, Refusal* why = nullptr);

}  // namespace genofed::auth
