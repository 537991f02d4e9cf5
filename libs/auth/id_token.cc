// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/id_token.h"

#include <utility>

#include "libs/auth/claims.h"
#include "libs/auth/compact.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

constexpr std::size_t kMaxBytes = 16U << 10;
constexpr std::chrono::hours kMaxLifetime{24};

// Unlike access tokens, ID tokens need no "typ" and those of several providers have none.
Status CheckHeader(const nlohmann::json& header) {
  if (header.contains("jwk")) return internal::Refuse("HEADER_REFUSED", "header is never accepted");
  if (!header.contains("typ")) return {};
  const std::string* type = internal::StringMember(header, "typ");
  if (type == nullptr || ToLower(*type) != "jwt") return internal::Refuse("TYPE_MISMATCH", "token is no ID token");
  return {};
}

Status CheckSignature(const TrustStore& trust, const internal::CompactJws& jws, const ExpectedLogin& expected) {
  const std::string* issuer = internal::StringMember(jws.claims, "iss");
  if (issuer == nullptr || *issuer != expected.issuer) {
    return internal::Refuse("ISSUER_MISMATCH", "token is from another issuer");
  }
  const std::string* kid = internal::StringMember(jws.header, "kid");
  if (kid == nullptr || kid->empty()) return internal::Refuse("KEY_UNKNOWN", "token names no key");
  GF_ASSIGN(const auto key, trust.FindKey({.issuer = *issuer, .kid = *kid, .jku = ""}));
  if (!trust.Find(*issuer)->HasRole(role::kAccessToken)) {
    return internal::Refuse("ROLE_MISMATCH", "issuer may not sign such tokens");
  }
  const std::string* algorithm = internal::StringMember(jws.header, "alg");
  if (algorithm == nullptr || *algorithm != crypto::AlgorithmName(key.algorithm())) {
    return internal::Refuse("ALGORITHM_REFUSED", "algorithm is not the one of the key");
  }
  if (!key.Verify(jws.signing_input, jws.signature)) {
    return internal::Refuse("SIGNATURE_INVALID", "signature does not match");
  }
  return {};
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
  GF_ASSIGN(const auto jws, internal::ReadCompact(token, kMaxBytes));
  GF_TRY(CheckHeader(jws.header));
  GF_TRY(CheckSignature(trust, jws, expected));
  const internal::Claims claims(jws.claims);
  GF_TRY(CheckAudience(claims, expected.client_id));
  const std::string* nonce = internal::StringMember(jws.claims, "nonce");
  if (nonce == nullptr || expected.nonce.empty() || !crypto::ConstantTimeEquals(*nonce, expected.nonce)) {
    return internal::Refuse("NONCE_MISMATCH", "token answers another login");
  }
  GF_ASSIGN(const Time issued_at, claims.Seconds("iat"));
  GF_ASSIGN(const Time expires_at, claims.Seconds("exp"));
  GF_TRY(internal::CheckValidity({.issued_at = issued_at, .not_before = issued_at, .expires_at = expires_at},
                                 clock.Now(), trust.limits().skew, kMaxLifetime));
  return claims.Id("sub");
}

}  // namespace

Result<std::string> VerifyIdToken(const TrustStore& trust, const Clock& clock, std::string_view token,
                                  const ExpectedLogin& expected, Refusal* why) {
  auto subject = Check(trust, clock, token, expected);
  return internal::Conclude(std::move(subject), {}, why, StatusCode::kUnauthenticated, "ID_TOKEN_REFUSED");
}

}  // namespace genofed::auth
