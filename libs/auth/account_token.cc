// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/account_token.h"

#include <fmt/format.h>

#include <memory>

#include "libs/auth/claims.h"
#include "libs/auth/token_cache.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

using internal::Refuse;

const crypto::JwsPolicy& Policy() {
  static const crypto::JwsPolicy policy = {.types = {"1mg-account+jwt"}, .max_bytes = 2048};
  return policy;
}

Result<AccountToken> Read(const internal::Claims& claims) {
  AccountToken token;
  GF_ASSIGN(token.issuer, claims.Id("iss"));
  GF_ASSIGN(token.account, claims.Sha256Hex("sub"));
  GF_ASSIGN(token.id, claims.Id("jti"));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  GF_REFUSE_IF(audiences.size() != 1, "AUDIENCE_NOT_SINGLE", "an account token has one audience");
  token.audience = audiences.front();
  GF_ASSIGN(token.issued_at, claims.Seconds("iat"));
  GF_ASSIGN(token.expires_at, claims.Seconds("exp"));
  return token;
}

Status CheckTimes(const AccountToken& token, Time now, std::chrono::seconds skew) {
  return internal::CheckValidity(
      {.issued_at = token.issued_at, .not_before = token.issued_at, .expires_at = token.expires_at},
      now, skew, AccountToken::kLifetime);
}

// What can change: looked at every time.
Status CheckNow(const TrustStore& trust, const Clock& clock, const AccountToken& token,
                std::string_view audience) {
  GF_TRY(CheckTimes(token, clock.Now(), trust.limits().skew));
  GF_REFUSE_IF(trust.IsRevokedToken(token.id), "TOKEN_REVOKED", "token is revoked");
  GF_REFUSE_IF(token.audience != audience, "AUDIENCE_MISMATCH", "token is for another node");
  return {};
}

using Shared = std::shared_ptr<const AccountToken>;  // shared with the cache

Result<Shared> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                     std::string_view audience, Refusal& refusal) {
  TokenCache* const cache = trust.cache();
  TokenCache::Key key{};
  if (cache != nullptr && token.size() <= Policy().max_bytes) {
    key = TokenCache::KeyOf(TokenCache::Kind::kAccount, token);
    if (const auto entry = cache->Find(key, trust)) {
      auto known = std::static_pointer_cast<const AccountToken>(entry->claims);
      refusal.jti = known->id;
      GF_TRY(CheckNow(trust, clock, *known, audience));
      return known;
    }
  }
  GF_ASSIGN(const auto opened, internal::Open(trust, token, Policy()));
  const internal::Claims claims(*opened.jws.claims);
  GF_ASSIGN(refusal.jti, claims.Id("jti"));
  GF_TRY(internal::CheckKind(claims, ""));
  GF_TRY(internal::CheckRole(*opened.issuer, role::kPassport));
  GF_ASSIGN(AccountToken read, Read(claims));
  const auto fresh = std::make_shared<const AccountToken>(std::move(read));
  GF_TRY(CheckNow(trust, clock, *fresh, audience));
  if (cache != nullptr) {
    const crypto::PublicKey* signer = trust.FindKey(*opened.issuer, opened.jws.kid);
    cache->Put(key, {.kid = opened.jws.kid,
                     .thumbprint = signer->thumbprint(),
                     .identity = opened.issuer->identity(),
                     .issuer = opened.issuer,
                     .iss = opened.issuer->iss,
                     .claims = fresh});
  }
  return fresh;
}

}  // namespace

std::string AccountOf(std::string_view issuer, std::string_view subject,
                      std::string_view organisation) {
  const bool shared = !organisation.empty();
  return HexEncode(crypto::Sha256(fmt::format("genofed account|{}:{}|{}|{}", issuer.size(), issuer,
                                              shared ? "organisation" : "subject",
                                              shared ? organisation : subject)));
}

Result<std::string> MintAccountToken(crypto::Signer& signer, const AccountToken& token) {
  const nlohmann::json claims = {{"iss", token.issuer},
                                 {"sub", token.account},
                                 {"aud", token.audience},
                                 {"jti", token.id},
                                 {"iat", UnixSeconds(token.issued_at)},
                                 {"exp", UnixSeconds(token.expires_at)}};
  Status valid = Read(internal::Claims(claims)).status();
  if (valid.ok()) valid = CheckTimes(token, token.issued_at, std::chrono::seconds(0));
  if (!valid.ok())
    return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "{}", Message(valid));
  return internal::Sign(signer, Policy(), claims);
}

Result<Verified<AccountToken>> VerifyAccountToken(const TrustStore& trust, const Clock& clock,
                                                  std::string_view token, std::string_view audience,
                                                  Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, audience, refusal);
  GF_ASSIGN(auto account,
            internal::Conclude(std::move(checked), std::move(refusal), why,
                               StatusCode::kPermissionDenied, "ACCOUNT_TOKEN_REFUSED"));
  return VerifiedMaker::Make(std::move(account));
}

}  // namespace genofed::auth
