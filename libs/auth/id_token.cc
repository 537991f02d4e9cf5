// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/id_token.h"

#include <utility>

#include "libs/auth/claims.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

constexpr std::size_t kMaxBytes = 16U << 10;
constexpr std::chrono::hours kMaxLifetime{24};

// Unlike access tokens, ID tokens need no "typ", and those of several providers have none.
const crypto::JwsPolicy& Policy() {
  static const crypto::JwsPolicy policy = {.types = {"JWT"}, .type_optional = true, .max_bytes = kMaxBytes};
  return policy;
}

Status CheckAudience(const internal::Claims& claims, const std::string& client_id) {
  GF_ASSIGN(const auto audiences, claims.Audiences());
  if (!internal::Contains(audiences, client_id)) {
    return internal::Refuse("AUDIENCE_MISMATCH", "token is for another client");
  }
  GF_ASSIGN(const std::string authorised, claims.OptionalId("azp"));
  if (authorised.empty() ? audiences.size() > 1 : authorised != client_id) {
    return internal::Refuse("AUDIENCE_MISMATCH", "token was issued to another client");
  }
  return {};
}

Result<std::string> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                          const ExpectedLogin& expected) {
  GF_ASSIGN(const auto opened, internal::Open(trust, token, Policy()));
  if (opened.jws.issuer != expected.issuer) {
    return internal::Refuse("ISSUER_MISMATCH", "token is from another issuer");
  }
  const internal::Claims claims(*opened.jws.claims);
  GF_ASSIGN(std::string subject, claims.Id("sub"));
  GF_ASSIGN(const auto validity, internal::ReadValidity(claims));
  GF_TRY(internal::CheckValidity(validity, clock.Now(), trust.limits().skew, kMaxLifetime));
  GF_TRY(internal::CheckRole(*opened.issuer, role::kAccessToken));
  GF_TRY(CheckAudience(claims, expected.client_id));
  const auto nonce = claims.Id("nonce");
  if (!nonce.ok() || expected.nonce.empty() || !crypto::ConstantTimeEquals(*nonce, expected.nonce)) {
    return internal::Refuse("NONCE_MISMATCH", "token answers another login");
  }
  return subject;
}

}  // namespace

Result<std::string> VerifyIdToken(const TrustStore& trust, const Clock& clock, std::string_view token,
                                  const ExpectedLogin& expected, Refusal* why) {
  auto subject = Check(trust, clock, token, expected);
  return internal::Conclude(std::move(subject), {}, why, StatusCode::kUnauthenticated, "ID_TOKEN_REFUSED");
}

}  // namespace genofed::auth
