// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/revocations.h"

#include "libs/obs/log.h"

namespace genofed::access {
namespace {

const User& Caller(const Context& ctx) {
  GF_CHECK(ctx.principal().user.has_value());
  return *ctx.principal().user;
}

}  // namespace

Revocations::Revocations(RevocationStore& store, std::string dataset_url_prefix, const Clock& clock, Random& random)
    : store_(store), dataset_url_prefix_(std::move(dataset_url_prefix)), clock_(clock), random_(random) {}

Result<RevocationRecord> Revocations::Revoke(const Context& ctx, auth::Revocation what,
                                             const std::string& reason) {
  if (what.kind == auth::RevocationKind::kDataset && !dataset_url_prefix_.empty() &&
      what.value.starts_with(dataset_url_prefix_)) {
    what.value.erase(0, dataset_url_prefix_.size());
  }
  GF_ASSIGN(auto record,
            NewRevocation(NewId("rev", clock_, random_), what, Caller(ctx), reason, clock_.Now()));
  GF_ASSIGN(auto kept, store_.Add(ctx, record));
  // No value: users and identifiers of tokens are not for logs.
  GF_LOG(ctx, info, "revocation.added", {"id", kept.id}, {"kind", auth::KindName(what.kind)});
  return kept;
}

Status Revocations::RevokeOwnToken(const Context& ctx) {
  GF_ASSIGN(auto record, SignOut(NewId("rev", clock_, random_), Caller(ctx), clock_.Now()));
  return store_.Add(ctx, record).status();
}

Result<RevocationRecord> Revocations::Reinstate(const Context& ctx, const std::string& id,
                                                const std::string& reason) {
  GF_ASSIGN(auto record, store_.Change(ctx, id, [&](RevocationRecord& changed) {
    return access::Reinstate(changed, Caller(ctx), reason, clock_.Now());
  }));
  GF_LOG(ctx, info, "revocation.reinstated", {"id", id});
  return record;
}

Result<std::vector<RevocationRecord>> Revocations::List(const Context& ctx, bool all) {
  return store_.List(ctx, all);
}

Result<RevocationsInForce> Revocations::Fetch(const Context& ctx, std::int64_t known_sequence) {
  return store_.InForce(ctx, known_sequence);
}

Result<auth::TrustStore> TrustNow(const Context& ctx, const auth::TrustSource& trust,
                                  RevocationStore& store) {
  GF_ASSIGN(const auth::TrustStore believed, trust.Current());
  GF_ASSIGN(const auto in_force, store.InForce(ctx, 0));
  return believed.With(std::make_shared<const auth::RevocationList>(in_force.entries));
}

Status KeepLive(Grant& grant, const auth::TrustStore& trust, Time now) {
  GF_TRY(IsLive(grant, now));
  if (trust.IsRevokedApplication(grant.application.id) ||
      IsRevokedPerson(trust, grant.application.applicant_issuer,
                      grant.application.applicant_subject)) {
    return Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED",
                 "the application or its applicant is revoked at this site");
  }
  std::erase_if(grant.decision.datasets,
                [&](const std::string& dataset) { return trust.IsRevokedDataset(dataset); });
  if (grant.decision.datasets.empty()) {
    return Error(StatusCode::kPermissionDenied, "APPROVAL_REVOKED",
                 "every approved dataset is revoked at this site");
  }
  return absl::OkStatus();
}

bool IsRevokedPerson(const auth::TrustStore& trust, const std::string& issuer,
                     const std::string& subject) {
  if (const auto* known = trust.Find(issuer)) return trust.IsRevokedUser(*known, subject);
  // The issuer's names mean nothing here, but an entry may have been made for all of them.
  auth::TrustedIssuer unknown;
  unknown.iss = issuer;
  return trust.IsRevokedUser(unknown, subject);
}

}  // namespace genofed::access
