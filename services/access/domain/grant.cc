// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/grant.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::access {
namespace {

Status Independent(const Grant& grant, const User& user) {
  if (!IsApplicant(grant.application, user)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "NOT_INDEPENDENT",
               "applicants never decide on their own application");
}

Status NeedReason(const std::string& reason) {
  if (!Trim(reason).empty() && reason.size() <= 5000 && IsUtf8(reason)) return absl::OkStatus();
  return InvalidField("reason", "REASON_MISSING",
                      "a decision is given with its reason, in at most 5,000 bytes");
}

}  // namespace

Status Decide(Grant& grant, const User& user, bool approve, const std::string& reason,
              const std::vector<std::string>& datasets, const std::string& reviewed_digest,
              Duration permit, const std::string& permit_id, Time now) {
  GF_TRY(Independent(grant, user));
  GF_TRY(NeedReason(reason));
  if (grant.decision.outcome != Outcome::kPending) {
    return Error(StatusCode::kFailedPrecondition, "ALREADY_DECIDED",
                 "this country decided on the application already");
  }
  if (!grant.digest_matches) {
    return Error(StatusCode::kFailedPrecondition, "DIGEST_MISMATCH",
                 "the application's content is not what its digest says; it cannot be decided on");
  }
  if (reviewed_digest != grant.application.digest) {
    return InvalidField("digest", "DIGEST_MISMATCH",
                        "is not the digest of the application as it stands");
  }
  const std::vector<std::string> own =
      DatasetsOf(grant.application.content.datasets, grant.decision.country);
  for (std::size_t i = 0; i < datasets.size(); ++i) {
    if (std::find(own.begin(), own.end(), datasets[i]) == own.end()) {
      return InvalidField(fmt::format("datasets[{}]", i), "DATASET_NOT_ASKED",
                          "was not asked for, or is not of this country");
    }
  }
  if (permit <= Duration::zero())
    return InvalidField("permit_days", "PERMIT_INVALID", "must be positive");
  grant.decision.outcome = approve ? Outcome::kApproved : Outcome::kVetoed;
  grant.decision.reason = reason;
  grant.decision.datasets = datasets.empty() ? own : datasets;
  grant.decision.at = now;
  if (approve) {
    grant.permit_id = permit_id;
    grant.permit_from = std::chrono::floor<std::chrono::seconds>(now);
    grant.permit_until = std::chrono::floor<std::chrono::seconds>(now + permit);
  }
  return absl::OkStatus();
}

Status Revoke(Grant& grant, const User& user, const std::string& reason, Time now) {
  GF_TRY(Independent(grant, user));
  GF_TRY(NeedReason(reason));
  if (grant.decision.outcome != Outcome::kApproved) {
    return Error(StatusCode::kFailedPrecondition, "NOT_APPROVED", "there is no approval to revoke");
  }
  grant.decision.outcome = Outcome::kRevoked;
  grant.decision.reason = reason;
  grant.decision.at = now;
  return absl::OkStatus();
}

Status IsLive(const Grant& grant, Time now) {
  auto denied = [](std::string_view reason, std::string_view message) {
    return MakeError(StatusCode::kPermissionDenied, reason, std::string(message));
  };
  switch (grant.decision.outcome) {
    case Outcome::kPending:
      return denied("APPROVAL_PENDING", "the country has not decided yet");
    case Outcome::kVetoed:
      return denied("APPROVAL_VETOED", "the country vetoed the application");
    case Outcome::kRevoked:
      return denied("APPROVAL_REVOKED", "the country revoked its approval");
    case Outcome::kApproved:
      break;
  }
  if (grant.application.agreement_sha256.empty()) {
    return denied("APPROVAL_AGREEMENT_MISSING", "the data use agreement is not signed");
  }
  if (now >= grant.permit_until || now < grant.permit_from) {
    return denied("APPROVAL_PERMIT_EXPIRED", "the permit does not run now");
  }
  return absl::OkStatus();
}

}  // namespace genofed::access
