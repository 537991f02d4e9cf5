// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/token.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/fhir/scope.h"
#include "libs/fhir/url.h"
#include "libs/http/client.h"

namespace genofed::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTokenBytes = 16U << 10;
constexpr std::chrono::minutes kAssertionLifetime{4};  // the specification allows five
constexpr std::chrono::seconds kDefaultLifetime{300};
constexpr std::chrono::seconds kRenewBefore{60};

class NoToken final : public TokenSource {
 public:
  Result<std::string> Token(const Context&) override { return std::string(); }
};

bool IsToken(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTokenBytes &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

class FileToken final : public TokenSource {
 public:
  explicit FileToken(std::filesystem::path file) : file_(std::move(file)) {}

  Result<std::string> Token(const Context&) override {
    auto text = ReadFile(file_, kMaxTokenBytes);
    if (text.ok() && text->ends_with('\n')) text->pop_back();
    if (text.ok() && IsToken(*text)) return text;
    return Error(StatusCode::kUnauthenticated, "TOKEN_FILE",
                 "the token file cannot be read or holds no token");
  }

 private:
  const std::filesystem::path file_;
};

std::string Text(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// An OAuth error code (RFC 6749 section 5.2), fit for a log.
std::string ErrorCode(const std::string& body) {
  auto answer = crypto::ParseStrictJson(body);
  const std::string code = answer.ok() && answer->is_object() ? Text(*answer, "error") : "";
  const bool plain = !code.empty() && code.size() <= 60 &&
                     std::all_of(code.begin(), code.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
  return plain ? code : "no error code";
}

class BackendServices final : public TokenSource {
 public:
  BackendServices(BackendServicesOptions options, const Clock& clock, Random& random)
      : options_(std::move(options)), clock_(clock), random_(random) {}

  Result<std::string> Token(const Context& ctx) override {
    if (!token_.empty() && clock_.Now() < renew_) return token_;
    GF_ASSIGN(const Url endpoint, Endpoint(ctx));
    GF_ASSIGN(const std::string assertion, Assertion(endpoint.origin + endpoint.target));
    http::ClientRequest request{.method = http::Method::kPost, .target = endpoint.target};
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                       {"Accept", "application/json"}};
    request.body = fmt::format(
        "grant_type=client_credentials&scope={}&client_assertion_type={}&client_assertion={}",
        http::PercentEncode(options_.scope),
        http::PercentEncode("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), assertion);
    GF_ASSIGN(const auto response, Send(ctx, endpoint, request));
    if (response.status != 200) return Refusal(response.status, ErrorCode(response.body));
    auto answer = crypto::ParseStrictJson(response.body);
    token_ = answer.ok() && answer->is_object() ? Text(*answer, "access_token") : "";
    if (!IsToken(token_) || ToLower(Text(*answer, "token_type")) != "bearer") {
      token_.clear();
      return Error(StatusCode::kUnauthenticated, "SMART_TOKEN",
                   "the token endpoint answered without a bearer token");
    }
    if (const auto missing = MissingScopes(options_.needed_scope, Text(*answer, "scope"));
        !missing.empty()) {
      token_.clear();
      return Error(StatusCode::kUnauthenticated, "SMART_SCOPE",
                   "the token is not for {}: client \"{}\" must be registered for it", missing,
                   options_.client_id);
    }
    auto lifetime = kDefaultLifetime;
    if (const auto found = answer->find("expires_in");
        found != answer->end() && found->is_number_integer()) {
      lifetime =
          std::chrono::seconds(std::clamp<std::int64_t>(found->get<std::int64_t>(), 0, 86'400));
    }
    renew_ = clock_.Now() + std::max(lifetime - kRenewBefore, lifetime / 2);
    return token_;
  }

  void Drop() override { token_.clear(); }

 private:
  Result<Url> Endpoint(const Context& ctx) {
    if (!options_.token_url.empty()) return ParseUrl(options_.token_url);
    GF_ASSIGN(Url well_known, ParseUrl(options_.fhir_base_url));
    while (well_known.target.ends_with('/')) well_known.target.pop_back();
    http::ClientRequest request{.target = well_known.target + "/.well-known/smart-configuration"};
    request.headers = {{"Accept", "application/json"}};
    GF_ASSIGN(const auto response, Send(ctx, well_known, request));
    auto answer = crypto::ParseStrictJson(response.body, {.max_bytes = 1U << 20});
    if (response.status != 200 || !answer.ok() || !answer->is_object()) {
      return Error(StatusCode::kUnauthenticated, "SMART_DISCOVERY",
                   "there is no SMART configuration at the server");
    }
    return ParseUrl(Text(*answer, "token_endpoint"));
  }

  // Whoever reads it knows what to look at.
  Status Refusal(int status, const std::string& code) const {
    std::string hint;
    if (code == "invalid_client") {
      hint = fmt::format(
          ": is client \"{}\" registered there, with the public part of the key as kid \"{}\"?",
          options_.client_id, options_.key_id);
    } else if (code == "invalid_scope") {
      hint = fmt::format(": is client \"{}\" registered there for {}?", options_.client_id,
                         options_.scope);
    }
    return Error(StatusCode::kUnauthenticated, "SMART_TOKEN",
                 "the token endpoint answered {} ({}){}", status, code, hint);
  }

  Result<std::string> Assertion(const std::string& audience) {
    auto pem = ReadFile(options_.key_file, 64U << 10);
    if (!pem.ok())
      return Error(StatusCode::kUnauthenticated, "SMART_KEY", "the key file cannot be read");
    const json claims = {{"iss", options_.client_id},
                         {"sub", options_.client_id},
                         {"aud", audience},
                         {"exp", UnixSeconds(clock_.Now() + kAssertionLifetime)},
                         {"jti", Base64UrlEncode(random_.Bytes(16))}};
    return SignAssertion(*pem, options_.key_id, claims.dump());
  }

  Result<http::ClientResponse> Send(const Context& ctx, const Url& url,
                                    const http::ClientRequest& request) const {
    http::Client client({.base_url = url.origin,
                         .ca_file = options_.ca_file,
                         .timeout = options_.timeout,
                         .max_response_bytes = 1U << 20});
    return client.Send(ctx, request);
  }

  const BackendServicesOptions options_;
  const Clock& clock_;
  Random& random_;
  std::string token_;
  Time renew_{};
};

}  // namespace

std::unique_ptr<TokenSource> MakeNoToken() { return std::make_unique<NoToken>(); }

std::unique_ptr<TokenSource> MakeFileToken(std::filesystem::path file) {
  return std::make_unique<FileToken>(std::move(file));
}

std::unique_ptr<TokenSource> MakeBackendServices(BackendServicesOptions options, const Clock& clock,
                                                 Random& random) {
  return std::make_unique<BackendServices>(std::move(options), clock, random);
}

}  // namespace genofed::fhir
