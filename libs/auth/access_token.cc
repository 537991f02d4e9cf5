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

}  // namespace

AccessTokenVerifier::AccessTokenVerifier(const TrustSource& trust, const Clock& clock, std::string audience,
                                         std::vector<RoleBinding> role_bindings,
                                         std::chrono::seconds max_lifetime)
    : trust_(trust),
      clock_(clock),
      audience_(std::move(audience)),
      role_bindings_(std::move(role_bindings)),
      max_lifetime_(max_lifetime) {}

Result<User> AccessTokenVerifier::Verify(std::string_view token, Refusal* why) const {
  GF_ASSIGN(const TrustStore trust, trust_.Current());
  Refusal refusal;
  auto user = Check(trust, token, refusal);
  return internal::Conclude(std::move(user), std::move(refusal), why, StatusCode::kUnauthenticated, "TOKEN_REFUSED");
}

Result<User> AccessTokenVerifier::Check(const TrustStore& trust, std::string_view token, Refusal& refusal) const {
  GF_ASSIGN(const auto opened, internal::Open(trust, token, Policy()));
  const internal::Claims claims(*opened.jws.claims);
  GF_ASSIGN(refusal.jti, claims.OptionalId("jti"));
  GF_ASSIGN(const std::string subject, claims.Id("sub"));
  GF_ASSIGN(const auto validity, internal::ReadValidity(claims));
  GF_TRY(internal::CheckKind(claims, ""));
  GF_TRY(internal::CheckValidity(validity, clock_.Now(), trust.limits().skew, max_lifetime_));
  GF_TRY(internal::CheckRevoked(trust, *opened.issuer, refusal.jti, subject));
  GF_TRY(internal::CheckRole(*opened.issuer, role::kAccessToken));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  GF_REFUSE_IF(!internal::Contains(audiences, audience_), "AUDIENCE_MISMATCH", "token is for another site");
  User user;
  user.issuer = opened.jws.issuer;
  user.subject = subject;
  GF_ASSIGN(user.name, claims.OptionalId("name"));
  GF_ASSIGN(user.organisation, claims.OptionalId("organisation"));
  if (opened.issuer->person_identifiers) {
    GF_ASSIGN(user.person_identifier, claims.OptionalId("person_identifier"));
  }
  GF_ASSIGN(user.client_id, claims.OptionalId("client_id"));
  if (user.client_id.empty()) {  // as providers name it whose tokens are older than RFC 9068
    GF_ASSIGN(user.client_id, claims.OptionalId("azp"));
  }
  user.access_token = std::string(token);
  user.token_id = refusal.jti;
  user.token_expires = validity.expires_at;
  if (claims.Has("cnf")) {  // a binding that is not understood must not be ignored (RFC 7800 section 3.1)
    GF_ASSIGN(const auto confirmation, claims.Object("cnf"));
    GF_ASSIGN(user.token_key, confirmation.Id("jkt"));
    GF_REFUSE_IF(confirmation.size() != 1, "CONFIRMATION_UNKNOWN", "cnf demands more than is understood");
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
