// SPDX-License-Identifier: Apache-2.0
//
// Signing in with a browser: OpenID Connect code flow with PKCE, and the session that comes of it.
//
//   GET  /login?return_to=/path   to the provider
//   GET  /callback                back from the provider: makes the session
//   GET  /api/v1/session          who am I, until when, and the CSRF token
//   POST /logout                  ends the session
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "libs/auth/trust_source.h"
#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "services/gateway/adapters/api.h"
#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/oidc_provider.h"
#include "services/gateway/adapters/session_cookies.h"

namespace genofed::gateway {

inline constexpr char kLoginCookie[] = "__Host-genofed-login";

// What the login routes work with; everything is borrowed and must outlive the Api.
struct LoginParts {
  OidcProvider& provider;
  SessionCookies& sessions;
  const auth::TrustSource& trust;  // asked at each login
  const Clock& clock;
  Random& random;
  TokenCheck check_token;
  // Makes a user's token useless everywhere, at logout. An error is the answer of the logout: nobody is told to be signed
  // out who is not.
  std::function<Status(const Context& ctx, const User& user)> end_session;
};

void AddLoginRoutes(Api& api, const SiteFacts& site, const LoginParts& parts);

// What `genofed login` needs to know (issuer, client, endpoints, audience), as JSON; empty when it is not offered or the
// provider does not say where.
std::string LoginFactsJson(const Context& ctx, const SiteFacts& site, OidcProvider& provider);

// Whether a browser may be sent there after a login: a path of this site, in the characters of a URL.
bool IsLocalPath(std::string_view path);

}  // namespace genofed::gateway
