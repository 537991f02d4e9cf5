// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/account_of_call.h"

#include <utility>

#include "libs/auth/account_token.h"
#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

Result<std::string> AccountOfToken(const Context& ctx, const auth::TrustSource& source,
                                   const Clock& clock, const std::string& token,
                                   const std::string& audience) {
  GF_ASSIGN(const auth::TrustStore trust, source.Current());
  auth::Refusal why;
  const auto verified = auth::VerifyAccountToken(trust, clock, token, audience, &why);
  if (verified.ok()) return (*verified)->account;
  GF_LOG(ctx, warn, "account.refused", {"check", why.check}, {"detail", why.detail},
         {"jti", why.jti});
  return Error(StatusCode::kPermissionDenied, "ACCOUNT_TOKEN_REFUSED",
               "{} does not believe whose account this is: its trust file has to hold the present "
               "key of the hub's broker with the role passport, and clocks have to agree; its log "
               "says more (account.refused)",
               audience);
}

}  // namespace

bool IsFromHub(const Principal& principal) {
  return principal.workload.site == "hub" && principal.workload.service == "discovery";
}

std::string AccountOfUser(const Principal& principal) {
  if (!principal.user) return std::string(kAnonymous);
  const User& user = *principal.user;
  return auth::AccountOf(user.issuer, user.subject, user.organisation);
}

PayerOfCall PayerAtNode(const auth::TrustSource& trust, const Clock& clock, std::string audience) {
  return [&trust, &clock, audience = std::move(audience)](
             const Context& ctx, const std::string& token) -> Result<Payer> {
    if (!IsFromHub(ctx.principal())) return Payer{AccountOfUser(ctx.principal()), nullptr};
    if (token.empty()) return Payer{std::string(kAnonymous), nullptr};
    GF_ASSIGN(std::string account, AccountOfToken(ctx, trust, clock, token, audience));
    return Payer{std::move(account), nullptr};
  };
}

PayerOfCall PayerAtHub(AccountTokenCache& tokens) {
  return [&tokens](const Context& ctx, const std::string&) -> Result<Payer> {
    Payer payer{AccountOfUser(ctx.principal()), nullptr};
    if (payer.account == kAnonymous) return payer;
    GF_ASSIGN(payer.tokens, tokens.Of(ctx, payer.account));
    return payer;
  };
}

}  // namespace genofed::discovery
