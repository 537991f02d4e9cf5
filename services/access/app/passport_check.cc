// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/passport_check.h"

#include "libs/obs/log.h"

namespace genofed::access {

PassportCheck::PassportCheck(GrantStore& grants, MintedVisaStore& minted,
                             RevocationStore& revocations, const auth::TrustSource& trust, std::string audience,
                             std::string url_prefix, const Clock& clock)
    : grants_(grants),
      minted_(minted),
      revocations_(revocations),
      trust_(trust),
      audience_(std::move(audience)),
      url_prefix_(std::move(url_prefix)),
      clock_(clock) {}

Result<std::vector<std::string>> PassportCheck::Candidates(const Context& ctx,
                                                           const std::string& dataset) {
  if (!dataset.empty()) return std::vector<std::string>{dataset};
  return grants_.Datasets(ctx);
}

Result<OpenedDataset> PassportCheck::Describe(const Context& ctx, const std::string& dataset,
                                              const auth::Passport& passport) {
  const auth::Visa& visa = passport.grants.front();
  OpenedDataset opened{dataset, passport.expires_at, visa.id, visa.source};
  GF_ASSIGN(const auto application, minted_.ApplicationOf(ctx, visa.id));
  if (!application) return opened;
  const auto grant = grants_.Find(ctx, *application);
  // Of a database from before the application: the visa counts, by its signature.
  if (grant.status().code() == StatusCode::kNotFound) return opened;
  GF_TRY(grant);
  opened.application = *application;
  opened.content = grant->application.content;
  opened.organisation = grant->application.organisation;
  opened.decision_sha256 = grant->decision_sha256;
  return opened;
}

Result<std::vector<OpenedDataset>> PassportCheck::Run(const Context& ctx,
                                                      const std::string& passport,
                                                      const std::string& dataset) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  GF_ASSIGN(const auth::TrustStore trust, TrustNow(ctx, trust_, revocations_));
  GF_ASSIGN(const auto candidates, Candidates(ctx, dataset));
  auth::PassportExpectation expected;
  expected.person = auth::Person::Of(trust, user.issuer, user.subject);
  expected.audience = audience_;
  std::vector<OpenedDataset> opened;
  auth::Refusal why;
  for (const std::string& candidate : candidates) {
    if (trust.IsRevokedDataset(candidate)) {
      why.check = "REVOKED";
      continue;
    }
    expected.dataset = url_prefix_ + candidate;
    const auto verified = auth::VerifyPassport(trust, clock_, passport, expected, &why);
    if (!verified.ok()) continue;
    GF_ASSIGN(opened.emplace_back(), Describe(ctx, candidate, **verified));
  }
  if (!opened.empty()) return opened;
  GF_LOG(ctx, info, "passport.refused", {"check", why.check}, {"jti", why.jti});
  return Error(StatusCode::kPermissionDenied, "PASSPORT_REFUSED", "the passport was refused");
}

}  // namespace genofed::access
