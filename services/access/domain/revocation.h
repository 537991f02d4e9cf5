// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/auth/revocation.h"
#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::access {

// No token lives longer than a day; the second one is for clocks and for lists restored from a
// backup.
inline constexpr std::chrono::hours kTokenRevocationKept{48};

// One entry of the site's revocation list, with who made it, when and why.
struct RevocationRecord {
  std::string id;
  auth::Revocation what;
  std::string reason;
  std::string by;  // sub of a person
  Time at{};
  std::optional<Time> reinstated_at;
  std::string reinstated_by;
  std::string reinstate_reason;

  bool in_force() const { return !reinstated_at.has_value(); }
};

// A new entry. Errors: REVOCATION_INVALID, REASON_MISSING.
Result<RevocationRecord> NewRevocation(std::string id, auth::Revocation what, const User& user,
                                       std::string reason, Time now);
// The entry for the access token of `user`. FailedPrecondition/TOKEN_WITHOUT_ID when it has no jti.
Result<RevocationRecord> SignOut(std::string id, const User& user, Time now);
// Takes an entry back; again is fine. FailedPrecondition/REVOCATION_FINAL for applications: a
// decision that was revoked stays so.
Status Reinstate(RevocationRecord& record, const User& user, std::string reason, Time now);

}  // namespace genofed::access
