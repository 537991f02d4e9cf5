// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/decision.h"

#include "libs/auth/claims.h"
#include "libs/core/strings.h"

namespace genofed::auth {
namespace {

using internal::Refuse;

const crypto::JwsPolicy& Policy() {
  static const crypto::JwsPolicy policy = {.types = {"1mg-decision+jwt"}, .max_bytes = 32768};
  return policy;
}

Result<Decision> Read(const internal::Claims& claims) {
  Decision decision;
  GF_ASSIGN(decision.issuer, claims.Id("iss"));
  GF_ASSIGN(decision.id, claims.Id("jti"));
  GF_ASSIGN(decision.country, claims.Country("country"));
  GF_ASSIGN(decision.application, claims.Id("application"));
  GF_ASSIGN(decision.application_sha256, claims.Sha256Hex("application_sha256"));
  GF_ASSIGN(const std::string verdict, claims.Id("decision"));
  if (verdict != "approve" && verdict != "veto") return Refuse("CLAIM_INVALID", "decision is not approve or veto");
  decision.verdict = verdict == "approve" ? Verdict::kApprove : Verdict::kVeto;
  GF_ASSIGN(decision.datasets, claims.Ids("datasets", decision.verdict == Verdict::kApprove));
  GF_ASSIGN(decision.conditions, claims.FreeTexts("conditions"));
  GF_ASSIGN(decision.reason, claims.FreeText("reason"));
  GF_ASSIGN(decision.accepted_conditions, claims.Ids("accepted_conditions", false));
  GF_ASSIGN(decision.issued_at, claims.Seconds("iat"));
  return decision;
}

Result<Decision> Check(const TrustStore& trust, const Clock& clock, std::string_view token,
                       const DecisionExpectation& expected, Refusal& refusal) {
  GF_ASSIGN(const auto opened, internal::Open(trust, token, Policy()));
  const internal::Claims claims(*opened.jws.claims);
  GF_ASSIGN(refusal.jti, claims.OptionalId("jti"));
  GF_ASSIGN(Decision decision, Read(claims));
  GF_REFUSE_IF(clock.Now() + trust.limits().skew < decision.issued_at, "NOT_YET_VALID", "decision is from the future");
  GF_REFUSE_IF(trust.IsRevokedToken(decision.id), "TOKEN_REVOKED", "decision is revoked");
  // A revocation is itself a decision against, and must reach everybody.
  GF_REFUSE_IF(decision.verdict == Verdict::kApprove && trust.IsRevokedApplication(decision.application),
               "APPLICATION_REVOKED", "application is revoked");
  GF_TRY(internal::CheckRole(*opened.issuer, role::kDecision));
  const std::string country = ToLower(expected.country);
  GF_REFUSE_IF(opened.issuer->country != country || decision.country != country, "COUNTRY_MISMATCH",
               "decision is of another country");
  GF_REFUSE_IF(decision.application != expected.application || decision.application_sha256 != expected.application_sha256,
               "APPLICATION_MISMATCH", "decision is about another application or version");
  for (const auto& dataset : decision.datasets) {
    GF_REFUSE_IF(!internal::Contains(expected.datasets, dataset) || !opened.issuer->MaySpeakFor(dataset),
                 "DATASET_NOT_PERMITTED", "decision names a dataset that is not the country's to decide");
  }
  return decision;
}

}  // namespace

Result<std::string> MintDecision(crypto::Signer& signer, const Decision& decision) {
  const nlohmann::json claims = {
      {"iss", decision.issuer},
      {"jti", decision.id},
      {"iat", UnixSeconds(decision.issued_at)},
      {"country", decision.country},
      {"application", decision.application},
      {"application_sha256", decision.application_sha256},
      {"decision", decision.verdict == Verdict::kApprove ? "approve" : "veto"},
      {"datasets", decision.datasets},
      {"conditions", decision.conditions},
      {"reason", decision.reason},
      {"accepted_conditions", decision.accepted_conditions},
  };
  if (const auto read = Read(internal::Claims(claims)); !read.ok()) {
    return Error(StatusCode::kInvalidArgument, "CLAIM_INVALID", "{}", Message(read.status()));
  }
  return internal::Sign(signer, Policy(), claims);
}

Result<Verified<Decision>> VerifyDecision(const TrustStore& trust, const Clock& clock, std::string_view token,
                                          const DecisionExpectation& expected, Refusal* why) {
  Refusal refusal;
  auto checked = Check(trust, clock, token, expected, refusal);
  GF_ASSIGN(Decision decision, internal::Conclude(std::move(checked), std::move(refusal), why,
                                                  StatusCode::kPermissionDenied, "DECISION_REFUSED"));
  return VerifiedMaker::Make(std::move(decision));
}

}  // namespace genofed::auth
