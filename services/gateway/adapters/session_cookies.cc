// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/session_cookies.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/gateway/adapters/cookies.h"

namespace genofed::gateway {
namespace {

constexpr std::size_t kCsrfBytes = 16;
constexpr std::size_t kTokenParts = 3;

Status Ended() { return Error(StatusCode::kUnauthenticated, "SESSION_ENDED", "the session has ended; sign in again"); }

// The parts of a token are base64 already; as bytes they leave room for tokens a quarter longer.
Result<std::vector<std::string>> TokenParts(std::string_view token) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(token, '.')) {
    GF_ASSIGN(std::string bytes, Base64UrlDecode(part));
    parts.push_back(std::move(bytes));
  }
  return parts;
}

bool IsSafe(http::Method method) {
  return method == http::Method::kGet || method == http::Method::kHead || method == http::Method::kOptions;
}

}  // namespace

SessionCookies::SessionCookies(crypto::SealingKey key, Options options, const Clock& clock, Random& random)
    : key_(std::move(key)), options_(std::move(options)), clock_(clock), random_(random) {}

Result<std::string> SessionCookies::Start(const User& user) const {
  const Time now = clock_.Now();
  const Time expires = std::min(user.token_expires, now + options_.lifetime);
  auto fields = TokenParts(user.access_token);
  if (!fields.ok() || fields->size() != kTokenParts) {
    return Error(StatusCode::kFailedPrecondition, "TOKEN_UNSUITABLE", "the access token is not a JWT");
  }
  fields->push_back(Base64UrlEncode(random_.Bytes(kCsrfBytes)));
  fields->push_back(std::to_string(UnixMicros(now)));
  fields->push_back(std::to_string(UnixMicros(expires)));
  const bool fits = std::all_of(fields->begin(), fields->end(), [](const auto& f) { return f.size() <= kMaxCookieBytes; });
  const std::string value = fits ? SealFields(key_, kSessionCookie, *fields, random_) : "";
  if (!fits || sizeof kSessionCookie + value.size() > kMaxCookieBytes) {
    return Error(StatusCode::kFailedPrecondition, "SESSION_TOO_LARGE",
                 "the access token has {} bytes; a session holds about 3800. The login service must put less into it",
                 user.access_token.size());
  }
  return SetCookie(kSessionCookie, value, std::chrono::ceil<std::chrono::seconds>(expires - now));
}

bool SessionCookies::Present(const http::Request& request) { return FindCookie(request, kSessionCookie).has_value(); }

Result<Session> SessionCookies::Read(const http::Request& request) const {
  const auto value = FindCookie(request, kSessionCookie);
  if (!value) return Ended();
  const auto fields = OpenFields(key_, kSessionCookie, *value, kTokenParts + 3);
  if (!fields.ok()) return Ended();
  const auto created = ParseInt((*fields)[4]), expires = ParseInt((*fields)[5]);
  if (!created.ok() || !expires.ok()) return Ended();
  Session session;
  for (std::size_t i = 0; i < kTokenParts; ++i) {
    session.access_token += (i == 0 ? "" : ".") + Base64UrlEncode((*fields)[i]);
  }
  session.csrf_token = (*fields)[3];
  session.created = FromUnixMicros(*created);
  session.expires = FromUnixMicros(*expires);
  if (clock_.Now() >= session.expires) return Ended();
  MutexLock lock(mutex_);
  if (ended_.contains(session.csrf_token)) return Ended();
  return session;
}

Status SessionCookies::CheckOrigin(const http::Request& request, const Session& session) const {
  if (IsSafe(request.method)) return absl::OkStatus();
  const auto origins = request.headers.GetAll("Origin");
  const bool own = std::all_of(origins.begin(), origins.end(), [&](std::string_view o) { return o == options_.origin; });
  const auto tokens = request.headers.GetAll(kCsrfHeader);
  if (own && tokens.size() == 1 && crypto::ConstantTimeEquals(tokens[0], session.csrf_token)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "CSRF_REFUSED", "{}",
               own ? "send the session's csrf_token (GET /api/v1/session) as X-CSRF-Token"
                   : "a page of another origin may not use this session");
}

void SessionCookies::End(const Session& session) {
  MutexLock lock(mutex_);
  const Time now = clock_.Now();
  const auto forget_first = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ended_.erase(ended_until_.begin()->second);
    ended_until_.erase(ended_until_.begin());
  };
  while (!ended_until_.empty() && ended_until_.begin()->first <= now) forget_first();
  if (!ended_.insert(session.csrf_token).second) return;
  ended_until_.emplace(session.expires, session.csrf_token);
  if (ended_.size() > options_.max_ended) forget_first();
}

std::string OriginOf(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  std::string origin = ToLower(url.substr(0, url.find_first_of("/?#", scheme + 3)));
  for (const auto& [prefix, port] : {std::pair("https://", ":443"), std::pair("http://", ":80")}) {
    if (origin.starts_with(prefix) && origin.ends_with(port)) origin.resize(origin.size() - std::string_view(port).size());
  }
  return origin;
}

}  // namespace genofed::gateway
