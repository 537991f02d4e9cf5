// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "libs/core/context.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// Whose budget a call is charged to. The hub passes on whose question it is; everybody else is who
// they show to be. InvalidArgument ACCOUNT_INVALID.
inline Result<std::string> AccountOfCall(const Principal& principal, const std::string& told) {
  if (principal.workload.site == "hub" && principal.workload.service == "discovery") {
    if (told.empty()) return std::string(kAnonymous);
    if (!IsAccount(told))
      return InvalidField("account", "ACCOUNT_INVALID", "must be 64 hex digits, or anonymous");
    return told;
  }
  if (!principal.user) return std::string(kAnonymous);
  return AccountOf(principal.user->issuer, principal.user->subject, principal.user->organisation);
}

}  // namespace genofed::discovery
