// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/passports.h"

#include <algorithm>

#include "libs/auth/account_token.h"
#include "libs/auth/passport.h"
#include "libs/auth/visa.h"
#include "libs/core/strings.h"
#include "libs/obs/log.h"

namespace genofed::access {
namespace {

Time WholeSeconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time); }

Status VisaRefused() {
  return Error(StatusCode::kPermissionDenied, "VISA_REFUSED", "the visa was refused");
}

bool ApprovedFor(const Application& application, const std::string& country,
                 const std::string& dataset) {
  const CountryDecision* decision = application.DecisionOf(country);
  return decision != nullptr && decision->outcome == Outcome::kApproved &&
         std::find(decision->datasets.begin(), decision->datasets.end(), dataset) !=
             decision->datasets.end();
}

}  // namespace

Passports::Passports(HeldVisaStore& visas, ApplicationStore& applications,
                     RevocationStore& revocations, const auth::TrustSource& trust,
                     crypto::Signer* signer, PassportIssuer issuer, const Clock& clock,
                     Random& random)
    : visas_(visas),
      applications_(applications),
      revocations_(revocations),
      trust_(trust),
      signer_(signer),
      issuer_(std::move(issuer)),
      clock_(clock),
      random_(random) {}

Status Passports::Take(const Context& ctx, const std::string& country, const Delivery& delivery) {
  GF_ASSIGN(const Application application, applications_.Find(ctx, delivery.application));
  if (!ApprovedFor(application, country, delivery.dataset)) {
    // The decision may be on its way: the node tries again.
    return Error(StatusCode::kFailedPrecondition, "VISA_WITHOUT_DECISION",
                 "the country has not approved the application for this dataset");
  }
  GF_ASSIGN(const auth::TrustStore trust, trust_.Current());
  auth::VisaExpectation expected;
  expected.person =
      auth::Person::Of(trust, application.applicant_issuer, application.applicant_subject);
  expected.audience = issuer_.audience;
  expected.dataset = delivery.value;
  auth::Refusal why;
  const auto visa = auth::VerifyVisa(trust, clock_, delivery.visa, expected, &why);
  // Another country's key must not speak for this one, nor the value for another dataset.
  const auto* issuer = visa.ok() ? trust.Find((*visa)->issuer) : nullptr;
  if (issuer == nullptr || !StartsWithIgnoreCase(issuer->country, country) ||
      issuer->country.size() != country.size() ||
      !(delivery.value == delivery.dataset || delivery.value.ends_with("/" + delivery.dataset)) ||
      (*visa)->id != delivery.id) {
    GF_LOG(ctx, warn, "visa.refused", {"country", country},
           {"check", visa.ok() ? "DELIVERY_MISMATCH" : why.check}, {"jti", why.jti});
    return VisaRefused();
  }
  return visas_.Put(
      ctx, {delivery.application, delivery.dataset, country, application.applicant_subject,
            application.applicant_issuer, (*visa)->id, delivery.visa, (*visa)->expires_at});
}

Result<std::vector<HeldVisa>> Passports::Counting(const Context& ctx, const std::string& subject) {
  GF_ASSIGN(auto held, visas_.Of(ctx, subject, clock_.Now()));
  if (held.empty()) return held;
  GF_ASSIGN(const auth::TrustStore trust, TrustNow(ctx, trust_, revocations_));
  std::vector<HeldVisa> counting;
  for (HeldVisa& visa : held) {
    if (trust.IsRevokedToken(visa.id) || trust.IsRevokedApplication(visa.application) ||
        trust.IsRevokedDataset(visa.dataset) || IsRevokedPerson(trust, visa.issuer, visa.subject))
      continue;
    GF_ASSIGN(const Application application, applications_.Find(ctx, visa.application));
    if (ApprovedFor(application, visa.country, visa.dataset)) counting.push_back(std::move(visa));
  }
  return counting;
}

Status Passports::CheckSigner() const {
  if (signer_ != nullptr) return absl::OkStatus();
  return Error(StatusCode::kUnimplemented, "PASSPORTS_DISABLED",
               "this site signs no passports and account tokens: its operator has to set "
               "access.passport_key_file and access.passport_issuer");
}

Result<Passports::Passport> Passports::Exchange(const Context& ctx, const std::string& audience) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  GF_TRY(CheckSigner());
  const auto node = issuer_.countries.find(audience);
  if (node == issuer_.countries.end()) {
    return InvalidField("audience", "AUDIENCE_UNKNOWN", "must name one node of the federation");
  }
  GF_ASSIGN(auto visas, Counting(ctx, user.subject));
  std::erase_if(visas, [&](const HeldVisa& visa) { return visa.issuer != user.issuer; });
  // Should there be too many, those of the node come first.
  std::stable_partition(visas.begin(), visas.end(),
                        [&](const HeldVisa& visa) { return visa.country == node->second; });
  if (visas.size() > kMaxVisas) visas.resize(kMaxVisas);
  auth::PassportDraft draft;
  draft.issuer = issuer_.issuer;
  draft.subject = user.subject;
  draft.id = NewId("ppt", clock_, random_);
  draft.audience = audience;
  draft.issued_at = WholeSeconds(clock_.Now());
  draft.expires_at = draft.issued_at + kLifetime;
  if (user.token_expires > Time{})
    draft.expires_at = std::min(draft.expires_at, WholeSeconds(user.token_expires));
  for (HeldVisa& visa : visas) draft.visas.push_back(std::move(visa.visa));
  Passport passport;
  passport.lifetime =
      std::chrono::duration_cast<std::chrono::seconds>(draft.expires_at - draft.issued_at);
  GF_ASSIGN(passport.token, auth::MintPassport(*signer_, draft));
  return passport;
}

Result<Passports::AccountTokens> Passports::NameAccount(const Context& ctx) {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  GF_TRY(CheckSigner());
  auth::AccountToken token;
  token.issuer = issuer_.issuer;
  token.account = auth::AccountOf(user.issuer, user.subject, user.organisation);
  token.issued_at = WholeSeconds(clock_.Now());
  token.expires_at = token.issued_at + auth::AccountToken::kLifetime;
  AccountTokens tokens;
  tokens.lifetime = auth::AccountToken::kLifetime;
  for (const auto& [audience, country] : issuer_.countries) {
    token.id = NewId("act", clock_, random_);
    token.audience = audience;
    GF_ASSIGN(tokens.by_site[ToLower(country)], auth::MintAccountToken(*signer_, token));
  }
  return tokens;
}

Result<std::vector<std::string>> Passports::Permissions(const Context& ctx,
                                                        const std::string& subject) {
  GF_ASSIGN(auto visas, Counting(ctx, subject));
  std::vector<std::string> tokens;
  for (HeldVisa& visa : visas) tokens.push_back(std::move(visa.visa));
  return tokens;
}

}  // namespace genofed::access
