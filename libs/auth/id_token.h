// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::auth {

// What the ID token of one login must say.
struct ExpectedLogin {
  std::string issuer;
  std::string client_id;
  std::string nonce;  // never empty
};

// Verifies an OpenID Connect ID token (Core 1.0 section 3.1.3.7) and returns its subject. Demands: typ JWT or none, ES256
// or RS256 by a key that the trust file pins for `issuer`, which must hold the role access_token; iss; client_id in aud,
// and as azp if there is one or there are other audiences; nonce; exp and iat within the clock skew.
// Every refusal is Unauthenticated/ID_TOKEN_REFUSED with one text; `why`, when given, receives the reason: those of
// ReadCompact and TrustStore::FindKey, TYPE_MISMATCH, ALGORITHM_REFUSED, SIGNATURE_INVALID, ISSUER_MISMATCH,
// ROLE_MISMATCH, AUDIENCE_MISMATCH, NONCE_MISMATCH, EXPIRED, NOT_YET_VALID, LIFETIME_TOO_LONG, CLAIM_INVALID.
Result<std::string> VerifyIdToken(const TrustStore& trust, const Clock& clock, std::string_view token,
                                  const ExpectedLogin& expected, Refusal* why = nullptr);

}  // namespace genofed::auth
