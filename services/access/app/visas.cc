// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/visas.h"

#include <algorithm>

#include "libs/auth/visa.h"

namespace genofed::access {

Visas::Visas(GrantStore& grants, RevocationStore& revocations, MintedVisaStore& minted,
             HubVisas& hub, const auth::TrustSource& trust, crypto::Signer& signer,
             VisaAuthority authority, const Clock& clock, Random& random)
    : grants_(grants),
      revocations_(revocations),
      minted_(minted),
      hub_(hub),
      trust_(trust),
      signer_(signer),
      authority_(std::move(authority)),
      clock_(clock),
      random_(random) {}

Result<MintedVisa> Visas::MintOne(const Context& ctx, const Grant& grant,
                                  const std::string& dataset) {
  MintedVisa minted;
  minted.id = NewId("visa", clock_, random_);
  minted.application = grant.application.id;
  minted.dataset = dataset;
  minted.value = authority_.url_prefix + dataset;
  minted.issued = std::chrono::floor<std::chrono::seconds>(clock_.Now());
  minted.expires = std::min<Time>(minted.issued + authority_.lifetime, grant.permit_until);
  auth::Visa visa;
  visa.issuer = authority_.issuer;
  visa.subject = grant.application.applicant_subject;
  visa.id = minted.id;
  visa.type = auth::visa_type::kControlledAccessGrants;
  visa.value = minted.value;
  visa.source = authority_.issuer + "/dac";
  visa.by = "dac";
  visa.asserted = std::chrono::floor<std::chrono::seconds>(grant.decision.at);
  visa.issued_at = minted.issued;
  visa.expires_at = std::chrono::floor<std::chrono::seconds>(minted.expires);
  GF_ASSIGN(minted.token, auth::MintVisa(signer_, visa, authority_.jku));
  GF_TRY(minted_.Remember(ctx, minted));
  return minted;
}

Status Visas::DeliverDue(const Context& ctx) {
  GF_ASSIGN(auto grants, grants_.Live(ctx, clock_.Now()));
  std::erase_if(grants, [&](const Grant& grant) { return !IsLive(grant, clock_.Now()).ok(); });
  if (grants.empty()) return absl::OkStatus();
  GF_ASSIGN(const auth::TrustStore trust, TrustNow(ctx, trust_, revocations_));
  Status first;
  for (Grant& grant : grants) {
    if (!KeepLive(grant, trust, clock_.Now()).ok()) continue;
    for (const std::string& dataset : grant.decision.datasets) {
      GF_TRY(ctx.Alive());
      Time& due = due_[{grant.application.id, dataset}];
      if (clock_.Now() < due) continue;
      auto visa = MintOne(ctx, grant, dataset);
      Status delivered = visa.ok() ? hub_.Deliver(ctx, *visa) : visa.status();
      if (!delivered.ok()) {
        if (first.ok()) first = delivered;
        // The hub may not know the application's new state yet, or be away.
        due = clock_.Now() + std::chrono::seconds(2);
        continue;
      }
      // The last visa of a permit ends with it; there is nothing after it.
      due = visa->expires < grant.permit_until ? visa->issued + (visa->expires - visa->issued) / 2
                                               : visa->expires;
    }
  }
  return first;
}

Result<std::vector<std::string>> Visas::Mint(const Context& ctx, const std::string& subject) {
  GF_ASSIGN(auto grants, grants_.Live(ctx, clock_.Now()));
  GF_ASSIGN(const auth::TrustStore trust, TrustNow(ctx, trust_, revocations_));
  std::vector<std::string> tokens;
  for (Grant& grant : grants) {
    if (grant.application.applicant_subject != subject ||
        !KeepLive(grant, trust, clock_.Now()).ok())
      continue;
    for (const std::string& dataset : grant.decision.datasets) {
      GF_ASSIGN(auto visa, MintOne(ctx, grant, dataset));
      tokens.push_back(std::move(visa.token));
    }
  }
  return tokens;
}

}  // namespace genofed::access
