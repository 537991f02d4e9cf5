// SPDX-License-Identifier: Apache-2.0
//
// How a verifier says no. Every check is one GF_REFUSE_IF, so that a test can take out one check at a
// time and see that its absence is noticed (libs/auth/mutation_test.cc). Not for use outside libs/crypto and libs/auth.
#pragma once

#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::crypto {

#ifdef GENOFED_MUTANT
bool Enforced(std::string_view reason);  // defined by the test
#else
constexpr bool Enforced(std::string_view) { return true; }
#endif

// Errors here carry the internal reason; callers of the public functions see a uniform one.
inline Status Refuse(std::string_view reason, std::string_view detail) {
  return MakeError(StatusCode::kUnauthenticated, reason, std::string(detail));
}

}  // namespace genofed::crypto

// Returns the refusal `reason` from the enclosing function when `condition` holds.
#define GF_REFUSE_IF(condition, reason, detail)                           \
  do {                                                                    \
    if (::genofed::crypto::Enforced(reason) && (condition)) {             \
      return ::genofed::crypto::Refuse(reason, detail);                   \
    }                                                                     \
  } while (false)
