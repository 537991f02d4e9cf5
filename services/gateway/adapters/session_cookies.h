// SPDX-License-Identifier: Apache-2.0
//
// Sessions of browsers. A session lies in a sealed cookie and nowhere else: any gateway with the site's session key can
// read it, and there is no table to look after (docs/adr/0013-sealed-session-cookies.md).
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/crypto/seal.h"
#include "libs/http/message.h"

namespace genofed::gateway {

inline constexpr char kSessionCookie[] = "__Host-genofed-session";
inline constexpr char kCsrfHeader[] = "X-CSRF-Token";

struct Session {
  std::string access_token;  // never logged, never shown
  std::string csrf_token;    // also names the session
  Time created;
  Time expires;
};

// Thread safe; keeps references to clock and random.
class SessionCookies {
 public:
  struct Options {
    std::chrono::milliseconds lifetime = std::chrono::hours(8);
    std::string origin;  // of the gateway's public URL: "https://fi.example"
    std::size_t max_ended = 100'000;
  };
  SessionCookies(crypto::SealingKey key, Options options, const Clock& clock, Random& random);

  // The Set-Cookie of a new session for a verified user. FailedPrecondition/SESSION_TOO_LARGE when the access token
  // does not fit into a cookie.
  Result<std::string> Start(const User& user) const;
  static bool Present(const http::Request& request);
  // The session that the request's cookie holds. Unauthenticated/SESSION_ENDED when it is absent, unreadable, expired or
  // ended.
  Result<Session> Read(const http::Request& request) const;
  // Cross-site request forgery: a request that may change something needs the session's CSRF token in a header, and an
  // Origin, if it has one, that is the gateway's. PermissionDenied/CSRF_REFUSED.
  Status CheckOrigin(const http::Request& request, const Session& session) const;
  // Refuses the session from now on, also when somebody kept a copy of the cookie. Known to this process only.
  void End(const Session& session);
  const crypto::SealingKey& key() const { return key_; }

 private:
  const crypto::SealingKey key_;
  const Options options_;
  const Clock& clock_;
  Random& random_;
  mutable Mutex mutex_;
  std::set<std::string> ended_ ABSL_GUARDED_BY(mutex_);
  std::multimap<Time, std::string> ended_until_ ABSL_GUARDED_BY(mutex_);
};

// "https://fi.example:8443" of "https://FI.example:8443/x"; without a default port.
std::string OriginOf(std::string_view url);

}  // namespace genofed::gateway
