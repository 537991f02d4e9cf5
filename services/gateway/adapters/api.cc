// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/api.h"

#include "libs/core/strings.h"
#include "services/gateway/adapters/cookies.h"
#include "services/gateway/adapters/session_cookies.h"

namespace genofed::gateway {
namespace {

using http::ApiFamily;

constexpr char kNoContent[] =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

void SetUnlessPresent(http::Headers& headers, const char* name, const char* value) {
  if (!headers.Has(name)) headers.Set(name, value);
}

// OWASP REST security cheat sheet, "Security headers". An answer may depend on who asks, so none is
// stored unless its handler says otherwise.
void Protect(http::Response& response) {
  response.headers.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("Cross-Origin-Resource-Policy", "same-origin");
  SetUnlessPresent(response.headers, "Content-Security-Policy", kNoContent);
  SetUnlessPresent(response.headers, "Cache-Control", "no-store");
}

ApiFamily FamilyOfPath(std::string_view path) {
  if (path.starts_with("/beacon/")) return ApiFamily::kBeacon;
  if (path.starts_with("/ga4gh/wes/")) return ApiFamily::kWes;
  if (path.starts_with("/ga4gh/tes/")) return ApiFamily::kTes;
  if (path.starts_with("/ga4gh/drs/")) return ApiFamily::kDrs;
  if (path.starts_with("/ga4gh/htsget/")) return ApiFamily::kHtsget;
  return ApiFamily::kNative;
}

}  // namespace

void Api::Add(Endpoint endpoint) {
  http::Route route;
  route.method = endpoint.method;
  route.pattern = endpoint.pattern;
  route.family = endpoint.family;
  route.summary = endpoint.summary;
  route.auth = endpoint.access == Access::kPublic ? "none" : "bearer token, " + endpoint.who;
  route.max_body_bytes = endpoint.max_body_bytes;
  route.handler = Guarded(endpoint.handler, endpoint.family, endpoint.access);
  router_.Add(std::move(route));
  endpoints_.push_back(std::move(endpoint));
}

void Api::AddNotFound(std::string_view hint) {
  using http::Method;
  for (Method method :
       {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    http::Route route;
    route.method = method;
    route.pattern = "/{rest...}";
    route.handler = [this, hint = std::string(hint)](const http::Request& request) -> Result<http::Response> {
      http::Response response = router_.RenderError(
          FamilyOfPath(request.path),
          Error(StatusCode::kNotFound, "NO_SUCH_ROUTE", "there is nothing at this path{}", hint), request);
      Protect(response);
      return response;
    };
    router_.Add(std::move(route));
  }
}

http::Handler Api::Guarded(http::Handler handler, ApiFamily family, Access access) {
  return [this, handler = std::move(handler), family,
          access](const http::Request& request) -> Result<http::Response> {
    bool stale_cookie = false;
    const auto answer = [&]() -> Result<http::Response> {
      GF_ASSIGN(auto user, Identify(request, stale_cookie));
      if (!user && access == Access::kUser) {
        return Error(StatusCode::kUnauthenticated, stale_cookie ? "SESSION_ENDED" : "TOKEN_MISSING", "{}",
                     stale_cookie ? "the session has ended; sign in again"
                                  : "this needs an access token for this site");
      }
      http::Request identified = request;
      if (user) identified.ctx = request.ctx.WithPrincipal({{}, *std::move(user)});
      return handler(identified);
    };
    Result<http::Response> response = answer();
    http::Response out = response.ok() ? *std::move(response)
                                       : router_.RenderError(family, response.status(), request);
    if (out.status == 401 && Reason(response.status()).starts_with("DPOP_")) {
      out.headers.Set("WWW-Authenticate", R"(DPoP algs="ES256", error="invalid_dpop_proof")");
    }
    // A handler that has just made a session replaces the stale one.
    if (stale_cookie && !out.headers.Has("Set-Cookie")) {
      out.headers.Add("Set-Cookie", ClearCookie(kSessionCookie));
    }
    Protect(out);
    return out;
  };
}

Result<std::optional<User>> Api::Identify(const http::Request& request, bool& stale_cookie) const {
  const bool cookie = others_.sessions != nullptr && SessionCookies::Present(request);
  if (cookie && request.headers.Has("Authorization")) {
    return Error(StatusCode::kInvalidArgument, "CREDENTIALS_AMBIGUOUS",
                 "send an Authorization header or the session cookie, not both");
  }
  if (cookie) return UserOfCookie(request, stale_cookie);
  if (request.headers.Has("Authorization")) {
    GF_ASSIGN(User user, UserOfHeader(request));
    return std::optional<User>(std::move(user));
  }
  if (request.headers.Has("DPoP")) {
    return Error(StatusCode::kUnauthenticated, "DPOP_UNEXPECTED", "a DPoP proof comes with Authorization: DPoP");
  }
  return std::optional<User>();
}

Result<User> Api::UserOfHeader(const http::Request& request) const {
  constexpr std::string_view kScheme = "DPoP ";
  const auto values = request.headers.GetAll("Authorization");
  const bool proven = values.size() == 1 && StartsWithIgnoreCase(values[0], kScheme);
  const std::string_view token = proven ? Trim(values[0].substr(kScheme.size())) : request.BearerToken();
  GF_ASSIGN(User user, check_token_(request.ctx, token));
  if (!proven) {
    if (!user.token_key.empty()) {
      return Error(StatusCode::kUnauthenticated, "DPOP_PROOF_MISSING",
                   "this access token is bound to a key: send it as DPoP, with a proof");
    }
    if (request.headers.Has("DPoP")) {
      return Error(StatusCode::kUnauthenticated, "DPOP_UNEXPECTED", "a DPoP proof comes with Authorization: DPoP");
    }
    return user;
  }
  if (user.token_key.empty() || !others_.check_proof) {
    return Error(StatusCode::kUnauthenticated, "DPOP_UNEXPECTED", "this access token is not bound to a key");
  }
  GF_TRY(others_.check_proof(request, user));
  return user;
}

Result<std::optional<User>> Api::UserOfCookie(const http::Request& request, bool& stale_cookie) const {
  const auto session = others_.sessions->Read(request);
  auto user = session.ok() ? check_token_(request.ctx, session->access_token) : Result<User>(session.status());
  // Nobody can say now whether the session counts: that is no reason to end it.
  if (user.status().code() == StatusCode::kUnavailable) return user.status();
  if (!user.ok() || !user->token_key.empty()) {  // a browser holds no keys
    stale_cookie = true;
    return std::optional<User>();
  }
  GF_TRY(others_.sessions->CheckOrigin(request, *session));
  return std::optional<User>(*std::move(user));
}

}  // namespace genofed::gateway
