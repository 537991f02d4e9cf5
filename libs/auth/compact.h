// SPDX-License-Identifier: Apache-2.0
//
// The compact form of a JWS, decoded and not yet verified: for proofs and ID tokens, whose keys and types follow other
// rules than those of crypto::VerifyJws. Not for use outside libs/auth.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::auth::internal {

struct CompactJws {
  std::string_view signing_input;  // of the text that was read
  nlohmann::json header;           // an object
  nlohmann::json claims;           // an object
  std::string signature;
};

// Three parts in canonical base64url, the first two strict JSON objects, without the headers that this platform never
// accepts ("crit", "jku", "x5u" ...; "jwk" is the caller's to judge).
// Reasons: TOKEN_TOO_LARGE, TOKEN_MALFORMED, JSON_*, HEADER_REFUSED.
Result<CompactJws> ReadCompact(std::string_view token, std::size_t max_bytes);

// The string member `name`; null when it is absent or something else.
const std::string* StringMember(const nlohmann::json& object, const char* name);

}  // namespace genofed::auth::internal
