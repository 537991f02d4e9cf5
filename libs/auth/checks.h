// SPDX-License-Identifier: Apache-2.0
//
// The fourteen checks of the clearinghouse and the reasons for which each refuses. Reasons are for the site's own log
// and for `genofed token explain`; whoever presented the token never sees them.
#pragma once

#include <span>
#include <string_view>

namespace genofed::auth {

inline constexpr int kCheckCount = 14;

// "signature"; `step` from 1 to kCheckCount.
std::string_view CheckTitle(int step);

struct CheckReason {
  std::string_view reason;  // "AUDIENCE_MISMATCH"
  int step;                 // the check that gives it
  std::string_view remedy;  // what a person can do about it
};
std::span<const CheckReason> CheckReasons();
// Null for a reason that no check gives.
const CheckReason* FindCheckReason(std::string_view reason);

}  // namespace genofed::auth
