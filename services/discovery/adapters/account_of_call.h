// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "libs/auth/trust_source.h"
#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "services/discovery/app/account_tokens.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// Whose budget a call is charged to.
struct Payer {
  std::string account;
  AccountTokenCache::Shared tokens;  // at the hub, unless it is kAnonymous: what nodes are shown
};
// `token` is what the request holds of an account.
using PayerOfCall = std::function<Result<Payer>(const Context&, const std::string& token)>;

// A question that comes through the hub, whose certificate alone names no account.
bool IsFromHub(const Principal& principal);
// Of whoever asks at this very site.
std::string AccountOfUser(const Principal& principal);

// The hub shows what its broker says about the account; everybody else is who they show to be, and
// their `token` counts for nothing. PermissionDenied ACCOUNT_TOKEN_REFUSED; Unavailable
// REVOCATIONS_STALE.
PayerOfCall PayerAtNode(const auth::TrustSource& trust, const Clock& clock, std::string audience);
// Everybody is who they show to be, and the broker tells the nodes. Errors of the broker.
PayerOfCall PayerAtHub(AccountTokenCache& tokens);

}  // namespace genofed::discovery
