// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/decisions.h"

#include <algorithm>

#include "libs/auth/approval.h"
#include "libs/auth/decision.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "services/access/app/agreement.h"

namespace genofed::access {
namespace {

constexpr int kFetchBatch = 100;
constexpr std::chrono::hours kTokenLifetime(1);
constexpr std::chrono::hours kReadAgain(1);

Time WholeSeconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

Decisions::Decisions(GrantStore& store, RevocationStore& revocations, HubApplications& hub,
                     const ApplicationCodec& codec, const auth::TrustSource& trust,
                     crypto::Signer& signer, NationalAuthority authority, const Clock& clock,
                     Random& random)
    : store_(store),
      revocations_(revocations),
      hub_(hub),
      codec_(codec),
      trust_(trust),
      signer_(signer),
      authority_(std::move(authority)),
      clock_(clock),
      random_(random) {}

Result<int> Decisions::FetchFromHub(const Context& ctx) {
  GF_ASSIGN(std::int64_t cursor, store_.Cursor(ctx));
  // The hub's numbers are not believed for longer than this: one restored from a backup gives them
  // out again.
  if (clock_.Now() >= read_again_) {
    cursor = 0;
    GF_TRY(store_.SetCursor(ctx, cursor));
    read_again_ = clock_.Now() + kReadAgain;
  }
  GF_ASSIGN(auto changed, hub_.ChangedSince(ctx, cursor, kFetchBatch));
  for (const Application& seen : changed) {
    GF_TRY(ctx.Alive());
    auto taken = store_.Change(ctx, seen.id, [&](Grant& grant) -> Status {
      if (grant.application.id.empty()) {
        // The first sight fixes what is decided on: only what the digest covers is believed.
        auto thawed = codec_.Thaw(seen.frozen);
        grant.digest_matches = thawed.ok() &&
                               HexEncode(crypto::Sha256(seen.frozen)) == seen.digest &&
                               thawed->id == seen.id;
        if (thawed.ok()) grant.application = *std::move(thawed);
        grant.application.id = seen.id;
        grant.application.frozen = seen.frozen;
        grant.application.digest = seen.digest;
        grant.decision.country = authority_.country;
        grant.received = clock_.Now();
      } else if (grant.application.digest != seen.digest) {
        // An edited application is another application; this country's decision does not carry
        // over.
        return absl::OkStatus();
      }
      grant.application.recommendation = seen.recommendation;
      if (grant.application.agreement_sha256.empty() && IsAgreedTo(seen, grant)) {
        grant.application.agreement = seen.agreement;
        grant.application.agreement_sha256 = seen.agreement_sha256;
      }
      grant.application.state = seen.state;
      return absl::OkStatus();
    });
    GF_TRY(taken);
    if (taken->decision.outcome == Outcome::kApproved && !seen.agreement_sha256.empty() &&
        taken->application.agreement_sha256 != seen.agreement_sha256)
      GF_LOG(ctx, warn, "agreement.refused", {"application", seen.id});
    cursor = std::max(cursor, seen.sequence);
    GF_TRY(store_.SetCursor(ctx, cursor));
  }
  return static_cast<int>(changed.size());
}

Result<Listed<Grant>> Decisions::List(const Context& ctx, const Page& page) {
  return store_.List(ctx, page);
}
Result<Grant> Decisions::Get(const Context& ctx, const std::string& application) {
  return store_.Find(ctx, application);
}

Status Decisions::Sign(Grant& grant, bool approve) {
  auth::Decision decision;
  decision.issuer = authority_.issuer;
  decision.id = NewId("dec", clock_, random_);
  decision.country = authority_.country;
  decision.application = grant.application.id;
  decision.application_sha256 = grant.application.digest;
  decision.verdict = approve ? auth::Verdict::kApprove : auth::Verdict::kVeto;
  decision.datasets = grant.decision.datasets;
  decision.reason = grant.decision.reason;
  if (approve) decision.accepted_conditions = grant.decision.accepted_conditions;
  decision.issued_at = WholeSeconds(grant.decision.at);
  GF_ASSIGN(grant.decision.signed_decision, auth::MintDecision(signer_, decision));
  grant.decision_sha256 = HexEncode(crypto::Sha256(grant.decision.signed_decision));
  return absl::OkStatus();
}

Result<Grant> Decisions::Decide(const Context& ctx, const std::string& application, Ask ask) {
  GF_CHECK(ctx.principal().user.has_value());
  GF_TRY(store_.Find(ctx, application));  // only what was fetched can be decided on
  const Rules rules{authority_.max_permit, authority_.two_persons};
  return store_.Change(ctx, application, [&](Grant& grant) -> Status {
    if (ask.permit_days == 0) ask.permit_days = grant.application.content.duration_days;
    GF_TRY(access::Decide(grant, *ctx.principal().user, ask, rules,
                          NewId("permit", clock_, random_), clock_.Now()));
    if (grant.decision.outcome == Outcome::kPending) return absl::OkStatus();
    return Sign(grant, ask.approve);
  });
}

Result<Grant> Decisions::Revoke(const Context& ctx, const std::string& application,
                                const std::string& reason) {
  GF_CHECK(ctx.principal().user.has_value());
  GF_TRY(store_.Find(ctx, application));
  GF_ASSIGN(const auto revocation,
            NewRevocation(NewId("rev", clock_, random_),
                          {auth::RevocationKind::kApplication, application, ""},
                          *ctx.principal().user, reason, clock_.Now()));
  return store_.ChangeAndRevoke(ctx, application, revocation, [&](Grant& grant) -> Status {
    GF_TRY(access::Revoke(grant, *ctx.principal().user, reason, clock_.Now()));
    return Sign(grant, false);
  });
}

Result<Grant> Decisions::Live(const Context& ctx, const std::string& application) {
  GF_ASSIGN(Grant grant, store_.Find(ctx, application));
  GF_TRY(IsLive(grant, clock_.Now()));
  GF_ASSIGN(const auth::TrustStore trust, TrustNow(ctx, trust_, revocations_));
  GF_TRY(KeepLive(grant, trust, clock_.Now()));
  return grant;
}

Result<Decisions::Approval> Decisions::Approve(const Context& ctx, const std::string& application) {
  GF_ASSIGN(Grant grant, Live(ctx, application));
  Time now = clock_.Now();
  auth::Approval approval;
  approval.issuer = authority_.issuer;
  approval.subject = grant.application.applicant_subject;
  approval.id = NewId("apv", clock_, random_);
  approval.audience = authority_.audience;
  approval.country = authority_.country;
  approval.application = application;
  approval.application_sha256 = grant.application.digest;
  approval.dua_sha256 = grant.application.agreement_sha256;
  approval.datasets = grant.decision.datasets;
  approval.purposes = {grant.application.content.purpose_code};
  approval.accepted_conditions = grant.decision.accepted_conditions;
  approval.permit_id = grant.permit_id;
  approval.permit_from = grant.permit_from;
  approval.permit_until = grant.permit_until;
  approval.issued_at = approval.not_before = WholeSeconds(now);
  approval.expires_at = std::min<Time>(approval.issued_at + kTokenLifetime, grant.permit_until);
  approval.client_certificate_sha256 = ctx.principal().certificate_sha256;
  GF_ASSIGN(std::string token, auth::MintApproval(signer_, approval));
  return Approval{std::move(token), approval.client_certificate_sha256, std::move(grant)};
}

Status Decisions::Check(const Context& ctx, const std::string& application) {
  return Live(ctx, application).status();
}

}  // namespace genofed::access
