// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/approval.h"

#include <algorithm>

#include "libs/auth/claims.h"
#include "libs/auth/person.h"
#include "libs/auth/token_cache.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

using internal::Refuse;

constexpr std::chrono::seconds kMaxLifetime = std::chrono::hours(24);

constexpr char kApprovalClaim[] = "application_sha256";

crypto::JwsPolicy PolicyFor(const TrustLimits& limits) {
  return {.types = {"1mg-approval+jwt"}, .max_bytes = limits.approval_bytes, .max_depth = limits.json_depth};
}

Status ReadPermit(const internal::Claims& claims, Approval& approval) {
  GF_ASSIGN(const auto permit, claims.Object("permit"));
  GF_ASSIGN(approval.permit_id, permit.Id("id"));
  GF_ASSIGN(approval.permit_from, permit.Seconds("from"));
  GF_ASSIGN(approval.permit_until, permit.Seconds("until"));
  GF_REFUSE_IF(approval.permit_from >= approval.permit_until, "TIMES_CONTRADICT", "permit ends before it begins");
  return {};
}

// Everything but the times: what the approval is about.
Status ReadSubjectMatter(const internal::Claims& claims, Approval& approval) {
  GF_ASSIGN(approval.issuer, claims.Id("iss"));
  GF_ASSIGN(approval.subject, claims.Id("sub"));
  GF_ASSIGN(approval.id, claims.Id("jti"));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  GF_REFUSE_IF(audiences.size() != 1, "AUDIENCE_NOT_SINGLE", "an approval has exactly one audience");
  approval.audience = audiences.front();
  GF_ASSIGN(const std::string verdict, claims.Id("decision"));
  GF_REFUSE_IF(verdict != "approve", "DECISION_NOT_APPROVE", "decision is not approve");
  GF_ASSIGN(approval.country, claims.Country("country"));
  GF_ASSIGN(approval.application, claims.Id("application"));
  GF_ASSIGN(approval.application_sha256, claims.Sha256Hex("application_sha256"));
  GF_ASSIGN(approval.dua_sha256, claims.Sha256Hex("dua_sha256"));
  GF_ASSIGN(approval.datasets, claims.Ids("datasets", true));
  GF_ASSIGN(approval.purposes, claims.Ids("purposes", false));
  GF_ASSIGN(approval.accepted_conditions, claims.Ids("accepted_conditions", false));
  if (claims.Has("cnf")) {
    GF_ASSIGN(const auto confirmation, claims.Object("cnf"));
    GF_ASSIGN(approval.client_certificate_sha256, confirmation.Id("x5t#S256"));
    GF_REFUSE_IF(confirmation.size() != 1, "CONFIRMATION_UNKNOWN", "cnf demands more than is understood");
  }
  return {};
}

Result<Approval> Read(const internal::Claims& claims) {
  Approval approval;
  GF_TRY(ReadSubjectMatter(claims, approval));
  GF_TRY(ReadPermit(claims, approval));
  GF_ASSIGN(approval.issued_at, claims.Seconds("iat"));
  GF_ASSIGN(approval.not_before, claims.Seconds("nbf"));
  GF_ASSIGN(approval.expires_at, claims.Seconds("exp"));
  GF_REFUSE_IF(approval.expires_at > approval.permit_until, "OUTLIVES_PERMIT", "approval outlives its permit");
  return approval;
}

Status CheckTimes(const Approval& approval, Time now, const TrustLimits& limits) {
  return internal::CheckValidity({.issued_at = approval.issued_at,
                                  .not_before = approval.not_before,
                                  .expires_at = approval.expires_at},
                                 now, limits.skew, limits.approval_lifetime);
}

Status CheckAllRevoked(const TrustStore& trust, const TrustedIssuer& authority, const Approval& approval,
                       const ApprovalExpectation& expected) {
  GF_TRY(internal::CheckRevoked(trust, authority, approval.id, approval.subject));
  GF_REFUSE_IF(trust.IsRevokedApplication(approval.application), "APPLICATION_REVOKED", "application is revoked");
  for (const auto& dataset : expected.datasets) {
    GF_REFUSE_IF(trust.IsRevokedDataset(dataset), "DATASET_REVOKED", "dataset is revoked");
  }
  return {};
}

// Check 10: what this authority may say. Depends on the token and the trust file alone.
Status CheckRights(const Approval& approval, const TrustedIssuer& authority) {
  GF_TRY(internal::CheckRole(authority, role::kApproval));
  GF_REFUSE_IF(approval.country != authority.country, "COUNTRY_MISMATCH", "approval is of another country");
  for (const auto& dataset : approval.datasets) {
    GF_REFUSE_IF(!authority.MaySpeakFor(dataset), "DATASET_NOT_PERMITTED",
                 "authority may not speak for a dataset of the approval");
  }
  return {};
}

Status CheckSubject(const TrustStore& trust, const TrustedIssuer& authority, const Approval& approval,
                    const ApprovalExpectation& expected) {
  GF_REFUSE_IF(approval.subject != expected.subject, "SUBJECT_MISMATCH", "approval is for somebody else");
  if (expected.subject_issuer) {
    const auto person = Person::Of(trust, *expected.subject_issuer, expected.subject);
    GF_REFUSE_IF(!person.IsCalled(approval.subject, authority), "SUBJECT_NAMESPACE_MISMATCH",
                 "researcher's issuer uses other subject names than the authority");
  }
  GF_REFUSE_IF(expected.sub_namespace && *expected.sub_namespace != authority.sub_namespace,
               "SUBJECT_NAMESPACE_MISMATCH", "authority uses other subject names");
  return {};
}

Status CheckRequest(const Approval& approval, const ApprovalExpectation& expected) {
  GF_REFUSE_IF(approval.application != expected.application, "APPLICATION_MISMATCH", "approval is for another application");
  GF_REFUSE_IF(expected.application_sha256 && approval.application_sha256 != *expected.application_sha256,
               "DIGEST_MISMATCH", "approval is for another version of the application");
  GF_REFUSE_IF(expected.dua_sha256 && approval.dua_sha256 != *expected.dua_sha256, "DUA_MISMATCH",
               "approval is for another data use agreement");
  GF_REFUSE_IF(expected.datasets.empty(), "DATASET_MISMATCH", "no dataset was asked for");
  for (const auto& dataset : expected.datasets) {
    GF_REFUSE_IF(!internal::Contains(approval.datasets, dataset), "DATASET_MISMATCH", "approval is for other datasets");
  }
  GF_REFUSE_IF(expected.purpose && !internal::Contains(approval.purposes, *expected.purpose), "PURPOSE_NOT_PERMITTED",
               "approval is for other purposes");
  return {};
}

Status CheckPresenter(const Approval& approval, const ApprovalExpectation& expected) {
  const std::string& bound = approval.client_certificate_sha256;
  GF_REFUSE_IF(bound.empty() && expected.client_certificate_sha256, "CERTIFICATE_UNBOUND",
               "approval is not bound to a certificate");
  GF_REFUSE_IF(!bound.empty() && (!expected.client_certificate_sha256 ||
                                  !crypto::ConstantTimeEquals(bound, *expected.client_certificate_sha256)),
               "CERTIFICATE_MISMATCH", "approval is bound to another certificate");
  return {};
}

Status CheckPermit(const Approval& approval, Time now, const TrustLimits& limits) {
  GF_REFUSE_IF(now + limits.skew < approval.permit_from, "PERMIT_NOT_STARTED", "permit has not started");
  // Without skew: the law ends here, not a clock.
  GF_REFUSE_IF(now >= approval.permit_until, "PERMIT_EXPIRED", "permit has ended");
  return {};
}

struct Genuine {
  std::shared_ptr<const Approval> approval;  // shared with the cache
  const TrustedIssuer* authority = nullptr;
  bool remembered = false;
  TokenCache::Key key{};
  std::string kid;
};

// Checks 1 to 7, or the memory of them.
Result<Genuine> OpenApproval(const TrustStore& trust, std::string_view token) {
  Genuine genuine;
  if (trust.cache() != nullptr && token.size() <= trust.limits().approval_bytes) {
    genuine.key = TokenCache::KeyOf(TokenCache::Kind::kApproval, token);
    if (const auto entry = trust.cache()->Find(genuine.key, trust)) {
      genuine.approval = std::static_pointer_cast<const Approval>(entry->claims);
      genuine.authority = entry->issuer;
      genuine.remembered = true;
      return genuine;
    }
  }
  GF_ASSIGN(const auto opened, internal::Open(trust, token, PolicyFor(trust.limits())));
  const internal::Claims claims(*opened.jws.claims);
  GF_TRY(internal::CheckKind(claims, kApprovalClaim));
  GF_ASSIGN(Approval approval, Read(claims));
  genuine.approval = std::make_shared<const Approval>(std::move(approval));
  genuine.authority = opened.issuer;
  genuine.kid = opened.jws.kid;
  return genuine;
}

void Remember(const TrustStore& trust, const Genuine& genuine) {
  if (trust.cache() == nullptr) return;
  trust.cache()->Put(genuine.key, {.kid = genuine.kid,
                                   .thumbprint = trust.FindKey(*genuine.authority, genuine.kid)->thumbprint(),
                                   .identity = genuine.authority->identity(),
                                   .issuer = genuine.authority,
                                   .iss = genuine.authority->iss,
                                   .claims = genuine.approval});
}

Result<std::shared_ptr<const Approval>> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                                              const ApprovalExpectation& expected, Refusal& refusal) {
  GF_ASSIGN(Genuine genuine, OpenApproval(trust, token));
  const Approval& approval = *genuine.approval;
  const Time now = clock.Now();
  refusal.jti = approval.id;
  GF_TRY(CheckTimes(approval, now, trust.limits()));
  GF_TRY(CheckAllRevoked(trust, *genuine.authority, approval, expected));
  if (!genuine.remembered) {
    GF_TRY(CheckRights(approval, *genuine.authority));
    Remember(trust, genuine);
  }
  GF_REFUSE_IF(approval.country != ToLower(expected.country), "COUNTRY_MISMATCH", "approval is of another country");
  GF_REFUSE_IF(approval.audience != expected.audience, "AUDIENCE_MISMATCH", "approval is for another node");
  GF_TRY(CheckSubject(trust, *genuine.authority, approval, expected));
  GF_TRY(CheckRequest(approval, expected));
  GF_TRY(CheckPresenter(approval, expected));
  GF_TRY(CheckPermit(approval, now, trust.limits()));
  return genuine.approval;
}

nlohmann::json ToClaims(const Approval& approval) {
  nlohmann::json claims = {
      {"iss", approval.issuer},
      {"sub", approval.subject},
      {"aud", approval.audience},
      {"jti", approval.id},
      {"iat", UnixSeconds(approval.issued_at)},
      {"nbf", UnixSeconds(approval.not_before)},
      {"exp", UnixSeconds(approval.expires_at)},
      {"decision", "approve"},
      {"country", approval.country},
      {"application", approval.application},
      {"application_sha256", approval.application_sha256},
      {"dua_sha256", approval.dua_sha256},
      {"datasets", approval.datasets},
      {"purposes", approval.purposes},
      {"accepted_conditions", approval.accepted_conditions},
      {"permit",
       {{"id", approval.permit_id},
        {"from", UnixSeconds(approval.permit_from)},
        {"until", UnixSeconds(approval.permit_until)}}},
  };
  if (!approval.client_certificate_sha256.empty()) {
    claims["cnf"] = {{"x5t#S256", approval.client_certificate_sha256}};
  }
  return claims;
}

}  // namespace

Result<std::string> MintApproval(crypto::Signer& signer, const Approval& approval) {
  const nlohmann::json claims = ToClaims(approval);
  Status valid = Read(internal::Claims(claims)).status();
  if (valid.ok()) {
    valid = internal::CheckValidity({.issued_at = approval.issued_at,
                                     .not_before = approval.not_before,
                                     .expires_at = approval.expires_at},
                                    std::max(approval.issued_at, approval.not_before),
                                    std::chrono::seconds(0), kMaxLifetime);
  }
  if (!valid.ok()) return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "{}", Message(valid));
  return internal::Sign(signer, PolicyFor({}), claims);
}

Result<Verified<Approval>> VerifyApproval(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const ApprovalExpectation& expected, Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, expected, refusal);
  GF_ASSIGN(auto approval, internal::Conclude(std::move(checked), std::move(refusal), why,
                                                    StatusCode::kPermissionDenied, "APPROVAL_REFUSED"));
  return VerifiedMaker::Make(std::move(approval));
}

}  // namespace genofed::auth
