// SPDX-License-Identifier: Apache-2.0
//
// The site's OpenID provider, as a client sees it: where its endpoints are, and codes for tokens. What it answers is
// believed only after the tokens have been verified with the keys that the trust file pins.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/core/status.h"

namespace genofed::gateway {

struct OidcEndpoints {
  std::string authorization;
  std::string token;
  std::string end_session;           // empty: the provider has none
  std::string device_authorization;  // empty: the provider has none
};

struct OidcOptions {
  std::string issuer;
  std::string client_id;
  std::string client_secret;  // empty: a public client
  std::string cli_client_id;  // empty: no `genofed login`
  std::vector<std::string> scopes = {"openid"};
  std::string resource;
  std::filesystem::path ca_file;
  OidcEndpoints endpoints;  // those that are set take precedence over the discovery document
};

struct OidcTokens {
  std::string id_token;
  std::string access_token;
};

// Thread safe; keeps a reference to the clock.
class OidcProvider {
 public:
  OidcProvider(OidcOptions options, const Clock& clock) : options_(std::move(options)), clock_(clock) {}

  const OidcOptions& options() const { return options_; }
  // Read from <issuer>/.well-known/openid-configuration when something is not configured; kept for an hour, a failure for
  // five seconds. While one thread asks, others get what was known before. Unavailable/PROVIDER_UNREACHABLE;
  // FailedPrecondition/PROVIDER_INVALID when the document is not one of this issuer.
  Result<OidcEndpoints> Endpoints(const Context& ctx);
  // Takes a code to the token endpoint (RFC 6749 section 4.1.3, RFC 7636). Unauthenticated/CODE_REFUSED when the provider
  // does not accept it.
  Result<OidcTokens> ExchangeCode(const Context& ctx, std::string_view code, std::string_view verifier,
                                  std::string_view redirect_uri);

 private:
  Result<OidcEndpoints> Discover(const Context& ctx) const;

  const OidcOptions options_;
  const Clock& clock_;
  Mutex mutex_;
  std::optional<Result<OidcEndpoints>> known_ ABSL_GUARDED_BY(mutex_);
  Time known_until_ ABSL_GUARDED_BY(mutex_);
  bool asking_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace genofed::gateway
