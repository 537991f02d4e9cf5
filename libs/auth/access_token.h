// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/trust_source.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::auth {

// Roles that one person has at this site; from the site's configuration.
struct RoleBinding {
  std::string issuer;
  std::string subject;
  std::vector<std::string> roles;
};

// Verifies OpenID Connect access tokens in JWT form (RFC 9068, GA4GH AAI 1.2.1) and names the person behind them.
// Thread safe; borrows trust and clock.
class AccessTokenVerifier {
 public:
  // `audience` is this site's own name, such as "urn:genofed:site:fi"; an empty one refuses every token.
  AccessTokenVerifier(const TrustSource& trust, const Clock& clock, std::string audience,
                      std::vector<RoleBinding> role_bindings,
                      std::chrono::seconds max_lifetime = std::chrono::hours(24));

  // Demands: typ at+jwt or JWT; no claims of visas, passports or approvals; exp, iat and, if present, nbf within the
  // clock skew; exp - iat within `max_lifetime`; neither a jti, if present, nor a person that is revoked; an issuer with
  // the role access_token; `audience` in aud.
  // The user has the role "user", "citizen" when the issuer vouches for a person_identifier, and those bound to
  // (iss, sub); never a role the token claims. Every refusal is Unauthenticated/TOKEN_REFUSED with one text; `why`,
  // when given, receives the reason (libs/auth/checks.h). Unavailable/REVOCATIONS_STALE when the site cannot know.
  Result<User> Verify(std::string_view token, Refusal* why = nullptr) const;

 private:
  Result<User> Check(const TrustStore& trust, std::string_view token, Refusal& refusal) const;
  std::vector<std::string> RolesOf(const User& user) const;

  const TrustSource& trust_;
  const Clock& clock_;
  std::string audience_;
  std::vector<RoleBinding> role_bindings_;
  std::chrono::seconds max_lifetime_;
};

}  // namespace genofed::auth
