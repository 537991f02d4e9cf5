// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/access_token.h"

#include <utility>

#include "libs/auth/claims.h"

namespace genofed::auth {
namespace {

const crypto::JwsPolicy& Policy() {
  static const crypto::JwsPolicy policy = {.types = {"at+jwt", "JWT"}, .max_bytes = 8192};
  return policy;
}

// When the token ends.
Result<Time> CheckTimes(const internal::Claims& claims, Time now, std::chrono::seconds skew,
                        std::chrono::seconds max_lifetime) {
  GF_ASSIGN(const Time issued_at, claims.Seconds("iat"));
  GF_ASSIGN(const Time expires_at, claims.Seconds("exp"));
  GF_ASSIGN(const auto not_before, claims.OptionalSeconds("nbf"));
  GF_TRY(internal::CheckValidity({.issued_at = issued_at,
                                  .not_before = not_before.value_or(issued_at),
                                  .expires_at = expires_at},
                                 now, skew, max_lifetime));
  return expires_at;
}

}  // namespace

AccessTokenVerifier::AccessTokenVerifier(TrustStore trust, const Clock& clock, std::string audience,
                                         std::vector<RoleBinding> role_bindings,
                                         std::chrono::seconds max_lifetime)
    : trust_(std::move(trust)),
      clock_(clock),
      audience_(std::move(audience)),
      role_bindings_(std::move(role_bindings)),
      max_lifetime_(max_lifetime) {}

Result<User> AccessTokenVerifier::Verify(std::string_view token, Refusal* why) const {
  Refusal refusal;
  auto user = Check(token, refusal);
  return internal::Conclude(std::move(user), std::move(refusal), why, StatusCode::kUnauthenticated, "TOKEN_REFUSED");
}

Result<User> AccessTokenVerifier::Check(std::string_view token, Refusal& refusal) const {
  GF_ASSIGN(const auto opened, internal::Open(trust_, token, Policy(), role::kAccessToken, refusal));
  const internal::Claims claims(*opened.jws.claims);
  GF_ASSIGN(const Time expires, CheckTimes(claims, clock_.Now(), trust_.clock_skew(), max_lifetime_));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  if (!internal::Contains(audiences, audience_)) {
    return internal::Refuse("AUDIENCE_MISMATCH", "token is for another site");
  }
  User user;
  user.issuer = opened.jws.issuer;
  GF_ASSIGN(user.subject, claims.Id("sub"));
  GF_ASSIGN(user.name, claims.OptionalId("name"));
  GF_ASSIGN(user.organisation, claims.OptionalId("organisation"));
  if (opened.issuer->person_identifiers) {
    GF_ASSIGN(user.person_identifier, claims.OptionalId("person_identifier"));
  }
  user.access_token = std::string(token);
  user.token_id = refusal.jti;
  user.token_expires = expires;
  if (claims.Has("cnf")) {  // a binding that is not understood must not be ignored (RFC 7800 section 3.1)
    GF_ASSIGN(const auto confirmation, claims.Object("cnf"));
    GF_ASSIGN(user.token_key, confirmation.Id("jkt"));
  }
  user.roles = RolesOf(user);
  return user;
}

std::vector<std::string> AccessTokenVerifier::RolesOf(const User& user) const {
  std::vector<std::string> roles = {"user"};
  if (!user.person_identifier.empty()) roles.emplace_back("citizen");
  for (const auto& binding : role_bindings_) {
    if (binding.issuer != user.issuer || binding.subject != user.subject) continue;
    for (const auto& role : binding.roles) {
      if (!internal::Contains(roles, role)) roles.push_back(role);
    }
  }
  return roles;
}

}  // namespace genofed::auth
