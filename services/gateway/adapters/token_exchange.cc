// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/token_exchange.h"

#include <nlohmann/json.hpp>

#include "genofed/access/v1/passport.pb.h"
#include "libs/http/uri.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
namespace v1 = access::v1;

constexpr char kExchange[] = "genofed.access.v1.PassportService/ExchangeToken";
constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kAccessToken = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view kPassport = "urn:ga4gh:params:oauth:token-type:passport";

Response Answer(int status, const nlohmann::json& body) {
  Response response = http::Json(status, body.dump());
  response.headers.Set("Cache-Control", "no-store");  // RFC 6749 section 5.1
  response.headers.Set("Pragma", "no-cache");
  return response;
}

Response OAuthError(int status, std::string_view error, std::string_view description) {
  return Answer(status, {{"error", error}, {"error_description", description}});
}

// How an RPC's error looks to an OAuth client.
Response FromStatus(const Status& status) {
  const std::string reason = Reason(status);
  Response response;
  if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded ||
      status.code() == StatusCode::kResourceExhausted) {
    response = OAuthError(503, "temporarily_unavailable", "try again in a moment");
    response.headers.Set("Retry-After", "1");
  } else if (reason == "AUDIENCE_UNKNOWN") {
    response = OAuthError(400, "invalid_target", "audience must name one node of the federation");
  } else if (status.code() == StatusCode::kUnimplemented) {
    response = OAuthError(400, "unsupported_grant_type", "this site makes no passports");
  } else if (status.code() == StatusCode::kUnauthenticated ||
             status.code() == StatusCode::kPermissionDenied) {
    response = OAuthError(400, "invalid_request", "the subject token was refused");
  } else {
    response = OAuthError(500, "server_error", "the exchange failed");
  }
  response.headers.Set("Genofed-Reason", reason);
  return response;
}

// What the form lacks, or empty. RFC 6749 section 3.2: parameters must not be repeated.
std::string FormError(const http::Query& form) {
  for (const auto& [name, value] : form.entries()) {
    if (form.GetAll(name).size() != 1) return name + " is given twice";
  }
  if (form.Get("subject_token").value_or("").empty()) return "subject_token is missing";
  if (form.Get("subject_token_type") != kAccessToken) {
    return "subject_token_type must be " + std::string(kAccessToken);
  }
  if (form.Get("requested_token_type") != kPassport) {
    return "requested_token_type must be " + std::string(kPassport);
  }
  if (form.Get("audience").value_or("").empty()) return "audience is missing: name one node";
  for (const char* name : {"actor_token", "actor_token_type", "resource"}) {
    if (form.Has(name)) return std::string(name) + " is not supported";
  }
  return {};
}

Result<Response> Exchange(const Request& request, const UnaryCaller& caller,
                          const TokenCheck& check_token) {
  if (request.ContentType() != "application/x-www-form-urlencoded") {
    return OAuthError(400, "invalid_request", "the body must be a form");
  }
  const auto form = http::Query::Parse(request.body);
  if (!form.ok()) return OAuthError(400, "invalid_request", "the form cannot be read");
  if (form->Get("grant_type") != kGrantType) {
    return OAuthError(400, form->Has("grant_type") ? "unsupported_grant_type" : "invalid_request",
                      "grant_type must be " + std::string(kGrantType));
  }
  if (const std::string wrong = FormError(*form); !wrong.empty())
    return OAuthError(400, "invalid_request", wrong);
  auto user = check_token(request.ctx, *form->Get("subject_token"));
  if (!user.ok()) return FromStatus(user.status());
  // Whoever stole a token that is bound to a key must not get a passport for it: the request has to be
  // signed in with the same token, whose proof was checked before (RFC 9449).
  const auto& sender = request.ctx.principal().user;
  if (!user->token_key.empty() && (!sender || sender->access_token != user->access_token)) {
    return OAuthError(400, "invalid_request",
                      "the subject token is bound to a key: send it as Authorization: DPoP as well, with a proof");
  }
  v1::ExchangeTokenRequest exchange;
  exchange.set_audience(std::string(*form->Get("audience")));
  const auto passport = Call<v1::ExchangeTokenResponse>(
      caller, request.ctx.WithPrincipal({{}, *std::move(user)}), "access", kExchange, exchange);
  if (!passport.ok()) return FromStatus(passport.status());
  return Answer(200, {{"access_token", passport->passport()},
                      {"issued_token_type", kPassport},
                      {"token_type", "N_A"},
                      {"expires_in", passport->expires_in_s()}});
}

}  // namespace

void AddTokenExchange(Api& api, const UnaryCaller& caller, TokenCheck check_token) {
  Endpoint token;
  token.method = http::Method::kPost;
  token.pattern = "/oauth/token";
  token.who = "whoever holds the subject token";
  token.summary = "Exchange an access token for a GA4GH passport for one node (RFC 8693)";
  token.max_body_bytes = std::size_t{64} << 10;
  token.handler = [caller, check = std::move(check_token)](const Request& request) {
    return Exchange(request, caller, check);
  };
  api.Add(std::move(token));
}

}  // namespace genofed::gateway
