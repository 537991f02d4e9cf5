// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/login_routes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/auth/id_token.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "services/gateway/adapters/cookies.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
using nlohmann::json;

constexpr std::chrono::minutes kLoginLifetime{10};
constexpr std::size_t kMaxReturnPath = 512;
constexpr std::size_t kMaxCode = 4096;

// What has to be remembered while somebody is at the provider; lies in a sealed cookie.
struct PendingLogin {
  std::string state, nonce, verifier, return_to;
  Time expires;
};

Status NoLogin() {
  return Error(StatusCode::kInvalidArgument, "LOGIN_UNKNOWN",
               "this is not the answer to a login that this browser began in the last ten minutes; start again at /login");
}

class Login {
 public:
  Login(const SiteFacts& site, LoginParts parts)
      : parts_(std::move(parts)), redirect_uri_(site.public_url + "/callback"), home_(site.public_url + "/") {}

  Result<Response> Begin(const Request& request) const {
    const std::string return_to(request.query.Get("return_to").value_or("/"));
    if (!IsLocalPath(return_to)) {
      return InvalidField("return_to", "RETURN_TO_INVALID", "must be a path of this site");
    }
    GF_ASSIGN(const OidcEndpoints endpoints, parts_.provider.Endpoints(request.ctx));
    const PendingLogin pending{.state = Unguessable(), .nonce = Unguessable(), .verifier = Unguessable(),
                               .return_to = return_to, .expires = parts_.clock.Now() + kLoginLifetime};
    Response response = http::Redirect(302, AuthorizationUrl(endpoints.authorization, pending));
    response.headers.Add("Set-Cookie", SetCookie(kLoginCookie, Seal(pending), kLoginLifetime));
    return response;
  }

  // Whatever comes of it, the pending login is over.
  Result<Response> Finish(const Request& request, const std::function<Response(const Status&)>& render) const {
    Result<Response> response = Complete(request);
    if (!response.ok()) {
      GF_LOG(request.ctx, info, "login.failed", {"reason", Reason(response.status())});
      response = render(response.status());
    }
    response->headers.Add("Set-Cookie", ClearCookie(kLoginCookie));
    return response;
  }

  Result<Response> Show(const Request& request) const {
    const User& user = *request.ctx.principal().user;
    json answer = {{"issuer", user.issuer},
                   {"subject", user.subject},
                   {"name", user.name},
                   {"organisation", user.organisation},
                   {"roles", user.roles},
                   {"expires", FormatRfc3339(user.token_expires)}};
    if (const auto session = parts_.sessions.Read(request); session.ok()) {
      answer["expires"] = FormatRfc3339(session->expires);
      answer["csrf_token"] = session->csrf_token;
    }
    return http::Json(200, answer.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  Result<Response> End(const Request& request) const {
    if (const auto& user = request.ctx.principal().user) {
      const auto session = parts_.sessions.Read(request);
      const Status ended = parts_.end_session(request.ctx, *user);
      // A token without an id cannot be revoked and ends by itself; the session can be ended all the same.
      if (!ended.ok() && !(session.ok() && Reason(ended) == "TOKEN_WITHOUT_ID")) return ended;
      if (session.ok()) parts_.sessions.End(*session);
      GF_LOG(request.ctx, info, "session.ended");
    }
    const auto endpoints = parts_.provider.Endpoints(request.ctx);
    std::string elsewhere;
    if (endpoints.ok() && !endpoints->end_session.empty()) {
      elsewhere = WithQuery(endpoints->end_session, {{"client_id", parts_.provider.options().client_id},
                                                     {"post_logout_redirect_uri", home_}});
    }
    const bool page = request.headers.Get("Accept").value_or("").find("text/html") != std::string_view::npos;
    Response response = page ? http::Redirect(303, elsewhere.empty() ? "/" : elsewhere)
                             : http::Json(200, json{{"end_session_url", elsewhere}}.dump());
    response.headers.Add("Set-Cookie", ClearCookie(kSessionCookie));
    return response;
  }

 private:
  std::string Unguessable() const { return Base64UrlEncode(parts_.random.Bytes(32)); }

  static std::string WithQuery(const std::string& url,
                               const std::vector<std::pair<std::string_view, std::string_view>>& parameters) {
    std::string out = url;
    char separator = url.find('?') == std::string::npos ? '?' : '&';
    for (const auto& [name, value] : parameters) {
      out += separator + std::string(name) + "=" + http::PercentEncode(value);
      separator = '&';
    }
    return out;
  }

  std::string AuthorizationUrl(const std::string& endpoint, const PendingLogin& pending) const {
    const OidcOptions& options = parts_.provider.options();
    std::string scope;
    for (const std::string& name : options.scopes) scope += (scope.empty() ? "" : " ") + name;
    const std::string challenge = Base64UrlEncode(crypto::Sha256(pending.verifier));
    std::vector<std::pair<std::string_view, std::string_view>> parameters = {
        {"response_type", "code"},       {"client_id", options.client_id},
        {"redirect_uri", redirect_uri_}, {"scope", scope},
        {"state", pending.state},        {"nonce", pending.nonce},
        {"code_challenge", challenge},   {"code_challenge_method", "S256"}};
    if (!options.resource.empty()) parameters.emplace_back("resource", options.resource);
    return WithQuery(endpoint, parameters);
  }

  std::string Seal(const PendingLogin& pending) const {
    return SealFields(parts_.sessions.key(), kLoginCookie,
                      {pending.state, pending.nonce, pending.verifier, pending.return_to,
                       std::to_string(UnixMicros(pending.expires))},
                      parts_.random);
  }

  Result<PendingLogin> Pending(const Request& request) const {
    const auto value = FindCookie(request, kLoginCookie);
    if (!value) return NoLogin();
    const auto fields = OpenFields(parts_.sessions.key(), kLoginCookie, *value, 5);
    if (!fields.ok()) return NoLogin();
    const auto expires = ParseInt((*fields)[4]);
    PendingLogin pending{(*fields)[0], (*fields)[1], (*fields)[2], (*fields)[3],
                         FromUnixMicros(expires.ok() ? *expires : 0)};
    const auto states = request.query.GetAll("state");
    if (parts_.clock.Now() >= pending.expires || states.size() != 1 ||
        !crypto::ConstantTimeEquals(states[0], pending.state)) {
      return NoLogin();
    }
    return pending;
  }

  Result<Response> Complete(const Request& request) const {
    GF_ASSIGN(const PendingLogin pending, Pending(request));
    const OidcOptions& options = parts_.provider.options();
    // RFC 9207: an answer that names another issuer is meant for another client's login.
    if (const auto issuer = request.query.Get("iss"); issuer && *issuer != options.issuer) return NoLogin();
    if (request.query.Has("error")) {
      return Error(StatusCode::kPermissionDenied, "LOGIN_REFUSED", "the login service did not sign you in");
    }
    const auto code = request.query.Get("code");
    if (!code || code->empty() || code->size() > kMaxCode) return NoLogin();
    GF_ASSIGN(const OidcTokens tokens,
              parts_.provider.ExchangeCode(request.ctx, *code, pending.verifier, redirect_uri_));
    GF_ASSIGN(const User user, Verify(request.ctx, tokens, pending.nonce));
    GF_ASSIGN(const std::string cookie, parts_.sessions.Start(user));
    GF_LOG(request.ctx, info, "session.started");
    Response response = http::Redirect(303, pending.return_to);
    response.headers.Add("Set-Cookie", cookie);
    return response;
  }

  Result<User> Verify(const Context& ctx, const OidcTokens& tokens, const std::string& nonce) const {
    const OidcOptions& options = parts_.provider.options();
    GF_ASSIGN(const auth::TrustStore trust, parts_.trust.Current());
    auth::Refusal why;
    const auto subject =
        auth::VerifyIdToken(trust, parts_.clock, tokens.id_token,
                            {.issuer = options.issuer, .client_id = options.client_id, .nonce = nonce}, &why);
    if (!subject.ok()) {
      GF_LOG(ctx, info, "id_token.refused", {"check", why.check});
      return subject.status();
    }
    GF_ASSIGN(User user, parts_.check_token(ctx, tokens.access_token));
    if (user.issuer != options.issuer || user.subject != *subject || !user.token_key.empty()) {
      return Error(StatusCode::kUnauthenticated, "TOKENS_DIFFER", "the login service's tokens do not belong together");
    }
    return user;
  }

  const LoginParts parts_;
  const std::string redirect_uri_;
  const std::string home_;
};

Endpoint Make(http::Method method, std::string pattern, std::string summary, http::Handler handler) {
  Endpoint endpoint;
  endpoint.method = method;
  endpoint.pattern = std::move(pattern);
  endpoint.summary = std::move(summary);
  endpoint.handler = std::move(handler);
  return endpoint;
}

}  // namespace

bool IsLocalPath(std::string_view path) {
  if (path.empty() || path.size() > kMaxReturnPath || path[0] != '/') return false;
  // Browsers read "//host" and "/\host" as another site.
  if (path.size() > 1 && (path[1] == '/' || path[1] == '\\')) return false;
  return std::all_of(path.begin(), path.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
  });
}

void AddLoginRoutes(Api& api, const SiteFacts& site, const LoginParts& parts) {
  const auto login = std::make_shared<const Login>(site, parts);  // shared by the handlers
  Endpoint begin = Make(http::Method::kGet, "/login", "Sign in with a browser; ?return_to= a path of this site",
                        [login](const Request& request) { return login->Begin(request); });
  begin.family = http::ApiFamily::kHtml;
  api.Add(std::move(begin));
  Endpoint callback = Make(http::Method::kGet, "/callback", "Where the login service sends the browser back to",
                           [login, &api](const Request& request) {
                             return login->Finish(request, [&](const Status& status) {
                               return api.RenderError(http::ApiFamily::kHtml, status, request);
                             });
                           });
  callback.family = http::ApiFamily::kHtml;
  api.Add(std::move(callback));
  Endpoint session = Make(http::Method::kGet, "/api/v1/session", "Who is signed in, until when, and the CSRF token",
                          [login](const Request& request) { return login->Show(request); });
  session.access = Access::kUser;
  session.who = "any user";
  api.Add(std::move(session));
  api.Add(Make(http::Method::kPost, "/logout", "End the session, or make the access token useless at this site",
               [login](const Request& request) { return login->End(request); }));
}

std::string LoginFactsJson(const Context& ctx, const SiteFacts& site, OidcProvider& provider) {
  const OidcOptions& options = provider.options();
  if (options.cli_client_id.empty()) return "";
  const auto endpoints = provider.Endpoints(ctx);
  if (!endpoints.ok() || endpoints->device_authorization.empty()) return "";
  std::string scope;
  for (const std::string& name : options.scopes) scope += (scope.empty() ? "" : " ") + name;
  return json{{"issuer", options.issuer},
              {"client_id", options.cli_client_id},
              {"device_authorization_endpoint", endpoints->device_authorization},
              {"token_endpoint", endpoints->token},
              {"audience", site.audience},
              {"resource", options.resource},
              {"scope", scope}}
      .dump();
}

}  // namespace genofed::gateway
