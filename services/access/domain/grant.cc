// SPDX-License-Identifier: Apache-2.0
#include "services/access/domain/grant.h"

#include <algorithm>

#include "libs/consent/condition.h"
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

// How many days are shown and signed: what was asked for, at most what this country grants.
int CappedDays(int days, Duration max_permit) {
  return std::min(days, static_cast<int>(std::chrono::ceil<std::chrono::days>(max_permit).count()));
}

// The frozen bytes may say anything: only what a project can be said to meet is accepted.
Status CheckConditions(const Grant& grant, const std::vector<std::string>& accepted) {
  const auto& attested = grant.application.content.conditions_met;
  for (std::size_t i = 0; i < accepted.size(); ++i) {
    if (!consent::AreAllIn({accepted[i]}, attested) ||
        !consent::FindCondition(accepted[i])) {
      return InvalidField(fmt::format("accepted_conditions[{}]", i), "CONDITION_NOT_ATTESTED",
                          "the applicant's signing official did not attest this condition");
    }
  }
  return absl::OkStatus();
}

Result<Terms> CheckTerms(const Grant& grant, const Ask& ask, Duration max_permit) {
  if (!grant.digest_matches) {
    return Error(StatusCode::kFailedPrecondition, "DIGEST_MISMATCH",
                 "the application's content is not what its digest says; it cannot be decided on");
  }
  if (ask.digest != grant.application.digest) {
    return InvalidField("digest", "DIGEST_MISMATCH",
                        "is not the digest of the application as it stands");
  }
  const std::vector<std::string> own =
      DatasetsOf(grant.application.content.datasets, grant.decision.country);
  for (std::size_t i = 0; i < ask.datasets.size(); ++i) {
    if (std::find(own.begin(), own.end(), ask.datasets[i]) == own.end()) {
      return InvalidField(fmt::format("datasets[{}]", i), "DATASET_NOT_ASKED",
                          "was not asked for, or is not of this country");
    }
  }
  GF_TRY(CheckConditions(grant, ask.accepted_conditions));
  Terms terms{ask.digest, ask.datasets.empty() ? own : ask.datasets,
              CappedDays(ask.permit_days, max_permit),
              consent::ConditionSet(ask.accepted_conditions)};
  if (terms.permit_days <= 0)
    return InvalidField("permit_days", "PERMIT_INVALID", "must be positive");
  std::sort(terms.datasets.begin(), terms.datasets.end());
  terms.datasets.erase(std::unique(terms.datasets.begin(), terms.datasets.end()),
                       terms.datasets.end());
  return terms;
}

Status Differs(const Proposal& proposal, const Terms& terms) {
  std::string what;
  if (proposal.terms.datasets != terms.datasets) what = "other datasets";
  if (proposal.terms.permit_days != terms.permit_days)
    what += fmt::format("{}{} days instead of {}", what.empty() ? "" : " and ", terms.permit_days,
                        proposal.terms.permit_days);
  if (proposal.terms.accepted_conditions != terms.accepted_conditions)
    what += fmt::format("{}other conditions", what.empty() ? "" : " and ");
  if (what.empty()) what = "another digest";
  return Error(StatusCode::kFailedPrecondition, "PROPOSAL_DIFFERS",
               "this asks for {} than {} proposed; ask for the same, or replace the proposal, "
               "which starts again with yours",
               what, proposal.proposer.name);
}

// Whether the approval has two persons behind it now.
Result<bool> Second(Grant& grant, const User& user, const Ask& ask, const Terms& terms, Time now) {
  const Member member{user.issuer, user.subject, user.name};
  if (!grant.proposal.has_value() || ask.replace_proposal) {
    grant.proposal = Proposal{member, now, terms, ask.reason, std::nullopt, {}};
    return false;
  }
  if (grant.proposal->terms != terms) return Differs(*grant.proposal, terms);
  if (grant.proposal->proposer.Is(user)) {
    return Error(StatusCode::kFailedPrecondition, "SAME_PERSON",
                 "you proposed this approval; another member of the committee has to second it");
  }
  grant.proposal->seconder = member;
  grant.proposal->seconded_at = now;
  return true;
}

}  // namespace

Status Decide(Grant& grant, const User& user, const Ask& ask, const Rules& rules,
              const std::string& permit_id, Time now) {
  GF_TRY(Independent(grant, user));
  GF_TRY(NeedReason(ask.reason));
  if (grant.decision.outcome != Outcome::kPending) {
    return Error(StatusCode::kFailedPrecondition, "ALREADY_DECIDED",
                 "this country decided on the application already");
  }
  GF_ASSIGN(const Terms terms, CheckTerms(grant, ask, rules.max_permit));
  if (ask.approve && rules.two_persons) {
    GF_ASSIGN(const bool enough, Second(grant, user, ask, terms, now));
    if (!enough) return absl::OkStatus();
  }
  grant.decision.outcome = ask.approve ? Outcome::kApproved : Outcome::kVetoed;
  grant.decision.reason = ask.reason;
  grant.decision.datasets = terms.datasets;
  grant.decision.at = now;
  if (ask.approve) {
    grant.decision.accepted_conditions = terms.accepted_conditions;
    const Duration permit =
        std::min<Duration>(std::chrono::days(terms.permit_days), rules.max_permit);
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
