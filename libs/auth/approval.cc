// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/approval.h"

#include <algorithm>

#include "libs/auth/claims.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::auth {
namespace {

using internal::Refuse;

constexpr std::chrono::seconds kMaxLifetime = std::chrono::hours(24);

const crypto::JwsPolicy& Policy() {
  static const crypto::JwsPolicy policy = {.types = {"1mg-approval+jwt"}, .max_bytes = 8192};
  return policy;
}

Status ReadPermit(const internal::Claims& claims, Approval& approval) {
  GF_ASSIGN(const auto permit, claims.Object("permit"));
  GF_ASSIGN(approval.permit_id, permit.Id("id"));
  GF_ASSIGN(approval.permit_from, permit.Seconds("from"));
  GF_ASSIGN(approval.permit_until, permit.Seconds("until"));
  if (approval.permit_from >= approval.permit_until) {
    return Refuse("CLAIM_INVALID", "permit ends before it begins");
  }
  return {};
}

// Everything but the times: what the approval is about.
Status ReadSubjectMatter(const internal::Claims& claims, Approval& approval) {
  GF_ASSIGN(approval.issuer, claims.Id("iss"));
  GF_ASSIGN(approval.subject, claims.Id("sub"));
  GF_ASSIGN(approval.id, claims.Id("jti"));
  GF_ASSIGN(const auto audiences, claims.Audiences());
  if (audiences.size() != 1) return Refuse("CLAIM_INVALID", "an approval has exactly one audience");
  approval.audience = audiences.front();
  GF_ASSIGN(const std::string verdict, claims.Id("decision"));
  if (verdict != "approve") return Refuse("CLAIM_INVALID", "decision is not approve");
  GF_ASSIGN(approval.country, claims.Country("country"));
  GF_ASSIGN(approval.application, claims.Id("application"));
  GF_ASSIGN(approval.application_sha256, claims.Sha256Hex("application_sha256"));
  GF_ASSIGN(approval.dua_sha256, claims.Sha256Hex("dua_sha256"));
  GF_ASSIGN(approval.datasets, claims.Ids("datasets", true));
  GF_ASSIGN(approval.purposes, claims.Ids("purposes", false));
  if (claims.Has("cnf")) {
    GF_ASSIGN(const auto confirmation, claims.Object("cnf"));
    GF_ASSIGN(approval.client_certificate_sha256, confirmation.Id("x5t#S256"));
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
  if (approval.expires_at > approval.permit_until) {
    return Refuse("LIFETIME_TOO_LONG", "approval outlives its permit");
  }
  return approval;
}

Status CheckTimes(const Approval& approval, Time now, const TrustStore& trust) {
  GF_TRY(internal::CheckValidity({.issued_at = approval.issued_at,
                                  .not_before = approval.not_before,
                                  .expires_at = approval.expires_at},
                                 now, trust.clock_skew(), trust.approval_lifetime()));
  if (now + trust.clock_skew() < approval.permit_from) {
    return Refuse("PERMIT_NOT_STARTED", "permit has not started");
  }
  // Without skew: the law ends here, not a clock.
  if (now >= approval.permit_until) return Refuse("PERMIT_EXPIRED", "permit has ended");
  return {};
}

Status CheckSubject(const TrustStore& trust, const TrustedIssuer& authority, const Approval& approval,
                    const ApprovalExpectation& expected) {
  if (approval.subject != expected.subject) return Refuse("SUBJECT_MISMATCH", "approval is for somebody else");
  if (!expected.subject_issuer) return {};
  const TrustedIssuer* identity = trust.Find(*expected.subject_issuer);
  if (identity == nullptr || identity->sub_namespace != authority.sub_namespace) {
    return Refuse("SUBJECT_MISMATCH", "researcher's issuer uses other subject names than the authority");
  }
  return {};
}

Status CheckRequest(const Approval& approval, const TrustedIssuer& authority, const ApprovalExpectation& expected) {
  if (approval.application != expected.application ||
      (expected.application_sha256 && approval.application_sha256 != *expected.application_sha256)) {
    return Refuse("APPLICATION_MISMATCH", "approval is for another application or version");
  }
  if (expected.dua_sha256 && approval.dua_sha256 != *expected.dua_sha256) {
    return Refuse("DUA_MISMATCH", "approval is for another data use agreement");
  }
  for (const auto& dataset : approval.datasets) {
    if (!authority.MaySpeakFor(dataset)) {
      return Refuse("DATASET_NOT_PERMITTED", "authority may not speak for a dataset of the approval");
    }
  }
  if (expected.datasets.empty()) return Refuse("DATASET_NOT_PERMITTED", "no dataset was asked for");
  for (const auto& dataset : expected.datasets) {
    if (!internal::Contains(approval.datasets, dataset)) {
      return Refuse("DATASET_NOT_PERMITTED", "approval is for other datasets");
    }
  }
  if (expected.purpose && !internal::Contains(approval.purposes, *expected.purpose)) {
    return Refuse("PURPOSE_NOT_PERMITTED", "approval is for other purposes");
  }
  return {};
}

Status CheckPresenter(const Approval& approval, const ApprovalExpectation& expected) {
  const std::string& bound = approval.client_certificate_sha256;
  if (!bound.empty() && (!expected.client_certificate_sha256 ||
                         !crypto::ConstantTimeEquals(bound, *expected.client_certificate_sha256))) {
    return Refuse("CERTIFICATE_MISMATCH", "approval is bound to another certificate");
  }
  return {};
}

Result<Approval> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                       const ApprovalExpectation& expected, Refusal& refusal) {
  GF_ASSIGN(const auto opened, internal::Open(trust, token, Policy(), role::kApproval, refusal));
  GF_ASSIGN(Approval approval, Read(internal::Claims(*opened.jws.claims)));
  GF_TRY(CheckTimes(approval, clock.Now(), trust));
  if (trust.IsRevokedApplication(approval.application)) return Refuse("REVOKED", "application is revoked");
  const std::string country = ToLower(expected.country);
  if (opened.issuer->country != country || approval.country != country) {
    return Refuse("COUNTRY_MISMATCH", "approval is of another country");
  }
  if (approval.audience != expected.audience) return Refuse("AUDIENCE_MISMATCH", "approval is for another node");
  GF_TRY(CheckSubject(trust, *opened.issuer, approval, expected));
  GF_TRY(CheckRequest(approval, *opened.issuer, expected));
  GF_TRY(CheckPresenter(approval, expected));
  return approval;
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
  return internal::Sign(signer, Policy(), claims);
}

Result<Verified<Approval>> VerifyApproval(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const ApprovalExpectation& expected, Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, expected, refusal);
  GF_ASSIGN(Approval approval, internal::Conclude(std::move(checked), std::move(refusal), why,
                                                  StatusCode::kPermissionDenied, "APPROVAL_REFUSED"));
  return VerifiedMaker::Make(std::move(approval));
}

}  // namespace genofed::auth
