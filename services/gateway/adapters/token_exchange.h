// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// POST /oauth/token of the hub: OAuth 2.0 Token Exchange (RFC 8693) of the user's access token for
// a GA4GH passport (AAI 1.2.1) that one node accepts. Nothing else is exchanged. Errors are those
// of RFC 6749 section 5.2. `check_token` verifies the subject token as if it had come as Bearer; one that is bound
// to a key has to be the token that the request itself is signed in with.
void AddTokenExchange(Api& api, const UnaryCaller& caller, TokenCheck check_token);

}  // namespace genofed::gateway
