// SPDX-License-Identifier: Apache-2.0
//
// What visa.cc and passport.cc share. Not for use by others.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "libs/auth/visa.h"

namespace genofed::auth::internal {

struct CheckedVisa {
  std::shared_ptr<const Visa> visa;       // shared with the cache
  const TrustedIssuer* issuer = nullptr;  // owned by the trust store
};

// Checks 1 to 10, and the form of everything: the visa is genuine, current and its issuer may say so. It is not yet
// about anybody. Fills in refusal.jti.
Result<CheckedVisa> CheckVisa(const TrustStore& trust, Time now, std::string_view token, std::string_view audience,
                              Refusal& refusal);

// (sub, iss) pairs of a LinkedIdentities value; CLAIM_INVALID unless all of it is well-formed.
Result<std::set<std::pair<std::string, std::string>>> ParseLinks(std::string_view value);

}  // namespace genofed::auth::internal
