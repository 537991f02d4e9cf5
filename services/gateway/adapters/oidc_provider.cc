// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/oidc_provider.h"

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/http/client.h"
#include "libs/http/uri.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kTimeout{10'000};
constexpr std::chrono::milliseconds kDiscoveryTimeout{5'000};
constexpr std::size_t kMaxAnswerBytes = 256U << 10;
constexpr std::chrono::hours kKeep{1};
constexpr std::chrono::seconds kKeepFailure{5};

std::string TextOf(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

Result<http::ClientResponse> Send(const Context& ctx, const std::string& url, const std::filesystem::path& ca_file,
                                  std::chrono::milliseconds timeout, http::ClientRequest request) {
  const auto scheme = url.find("://");
  const auto path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  request.target = path == std::string::npos ? "/" : url.substr(path);
  http::Client client({.base_url = url.substr(0, path), .ca_file = ca_file, .timeout = timeout,
                       .max_response_bytes = kMaxAnswerBytes});
  auto response = client.Send(ctx, request);
  if (response.ok()) return response;
  return Error(StatusCode::kUnavailable, "PROVIDER_UNREACHABLE", "the login service does not answer: {}",
               Message(response.status()));
}

Status Invalid(std::string_view what) {
  return Error(StatusCode::kFailedPrecondition, "PROVIDER_INVALID", "the login service's discovery document {}", what);
}

Result<json> ParseObject(const std::string& text) {
  auto document = crypto::ParseStrictJson(text, {.max_bytes = kMaxAnswerBytes});
  if (!document.ok() || !document->is_object()) return Invalid("is not a JSON object");
  return document;
}

void Append(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += "&";
  form += std::string(name) + "=" + http::PercentEncode(value);
}

}  // namespace

Result<OidcEndpoints> OidcProvider::Endpoints(const Context& ctx) {
  const OidcEndpoints& set = options_.endpoints;
  if (!set.authorization.empty() && !set.token.empty() && !set.end_session.empty() &&
      !set.device_authorization.empty()) {
    return set;
  }
  {
    MutexLock lock(mutex_);
    if (known_ && clock_.Now() < known_until_) return *known_;
    if (asking_) {  // one request is enough, and a slow provider must not hold every thread of the gateway
      if (known_ && known_->ok()) return *known_;
      return Error(StatusCode::kUnavailable, "PROVIDER_UNREACHABLE", "the login service is being asked; try again");
    }
    asking_ = true;
  }
  auto found = Discover(ctx);
  MutexLock lock(mutex_);
  asking_ = false;
  known_until_ = clock_.Now();
  if (found.ok()) {
    known_until_ += kKeep;
  } else {
    known_until_ += kKeepFailure;
  }
  known_ = std::move(found);
  return *known_;
}

Result<OidcEndpoints> OidcProvider::Discover(const Context& ctx) const {
  std::string url = options_.issuer;
  while (url.ends_with('/')) url.pop_back();
  url += "/.well-known/openid-configuration";
  GF_ASSIGN(const auto response, Send(ctx, url, options_.ca_file, kDiscoveryTimeout, {}));
  if (response.status != 200) return Invalid("could not be read");
  GF_ASSIGN(const json document, ParseObject(response.body));
  if (TextOf(document, "issuer") != options_.issuer) return Invalid("is of another issuer");
  OidcEndpoints endpoints;
  const auto take = [&](const char* name, const std::string& set) {
    return set.empty() ? TextOf(document, name) : set;
  };
  endpoints.authorization = take("authorization_endpoint", options_.endpoints.authorization);
  endpoints.token = take("token_endpoint", options_.endpoints.token);
  endpoints.end_session = take("end_session_endpoint", options_.endpoints.end_session);
  endpoints.device_authorization =
      take("device_authorization_endpoint", options_.endpoints.device_authorization);
  for (const std::string* endpoint : {&endpoints.authorization, &endpoints.token}) {
    if (!endpoint->starts_with("https://")) return Invalid("names no https endpoints");
  }
  for (std::string* endpoint : {&endpoints.end_session, &endpoints.device_authorization}) {
    if (!endpoint->starts_with("https://")) endpoint->clear();
  }
  return endpoints;
}

Result<OidcTokens> OidcProvider::ExchangeCode(const Context& ctx, std::string_view code, std::string_view verifier,
                                              std::string_view redirect_uri) {
  GF_ASSIGN(const OidcEndpoints endpoints, Endpoints(ctx));
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  Append(request.body, "grant_type", "authorization_code");
  Append(request.body, "code", code);
  Append(request.body, "code_verifier", verifier);
  Append(request.body, "redirect_uri", redirect_uri);
  if (!options_.resource.empty()) Append(request.body, "resource", options_.resource);
  if (options_.client_secret.empty()) {
    Append(request.body, "client_id", options_.client_id);
  } else {  // RFC 6749 section 2.3.1: both are form-encoded first
    request.headers.Add("Authorization",
                        "Basic " + Base64Encode(http::PercentEncode(options_.client_id) + ":" +
                                                http::PercentEncode(options_.client_secret)));
  }
  GF_ASSIGN(const auto response, Send(ctx, endpoints.token, options_.ca_file, kTimeout, std::move(request)));
  if (response.status >= 500) {
    return Error(StatusCode::kUnavailable, "PROVIDER_UNREACHABLE", "the login service answered {}", response.status);
  }
  const auto answer = ParseObject(response.body);
  OidcTokens tokens;
  if (response.status == 200 && answer.ok()) {
    tokens = {.id_token = TextOf(*answer, "id_token"), .access_token = TextOf(*answer, "access_token")};
  }
  if (tokens.id_token.empty() || tokens.access_token.empty()) {
    return Error(StatusCode::kUnauthenticated, "CODE_REFUSED", "the login service gave no tokens for this login");
  }
  return tokens;
}

}  // namespace genofed::gateway
