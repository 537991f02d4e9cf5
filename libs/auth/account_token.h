// SPDX-License-Identifier: Apache-2.0
//
// Whose budget a question is charged to, as the hub's broker tells one node.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "libs/auth/trust.h"
#include "libs/auth/verified.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/crypto/signer.h"

namespace genofed::auth {

// Names the account of a person, who shares it with all people of the same organisation: budgets of
// colleagues add up. 64 hex digits, the same at every site, and nobody's name can be read from it.
std::string AccountOf(std::string_view issuer, std::string_view subject,
                      std::string_view organisation);

// JWS with typ "1mg-account+jwt", which no other token has. It opens nothing: who presents it is
// told apart by a certificate, and is charged to the account.
struct AccountToken {
  static constexpr std::chrono::minutes kLifetime{10};  // of none longer

  std::string issuer;    // the broker
  std::string account;   // "sub": AccountOf, never a person's
  std::string id;        // jti
  std::string audience;  // the one node, such as "urn:genofed:site:fi"
  Time issued_at{};
  Time expires_at{};
};

// Errors: InvalidArgument/CLAIM_INVALID for an incomplete or contradictory one, or those of the
// signer.
Result<std::string> MintAccountToken(crypto::Signer& signer, const AccountToken& token);

// Demands: the type; a key pinned for an issuer with the role "passport"; no claims of other kinds;
// times; not revoked; `audience` alone in aud; an account in sub. One that was verified before
// costs a digest (TokenCache), and its times, revocation and audience are looked at again. Every
// refusal is PermissionDenied/ACCOUNT_TOKEN_REFUSED with one text; `why` receives the reason
// (libs/auth/checks.h).
Result<Verified<AccountToken>> VerifyAccountToken(const TrustStore& trust, const Clock& clock,
                                                  std::string_view token, std::string_view audience,
                                                  Refusal* why = nullptr);

}  // namespace genofed::auth
