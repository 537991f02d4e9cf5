// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/login_client.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/http/client.h"

namespace genofed::federation {
namespace {

http::ClientOptions Options(const std::string& base_url, const std::filesystem::path& ca_file,
                            std::chrono::milliseconds timeout) {
  http::ClientOptions options;
  options.base_url = base_url;
  options.ca_file = ca_file;
  options.timeout = timeout;
  options.max_response_bytes = 1U << 20;
  return options;
}

bool Ok(const http::ClientOptions& options, const std::string& target) {
  http::Client client(options);
  http::ClientRequest request;
  request.target = target;
  auto response = client.Send(request);
  return response.ok() && response->status == 200;
}

}  // namespace

LoginClient::LoginClient(std::string issuer, std::filesystem::path ca_file, std::filesystem::path secret_file)
    : issuer_(std::move(issuer)), ca_file_(std::move(ca_file)), secret_file_(std::move(secret_file)) {}

bool LoginClient::Healthy() const {
  return Ok(Options(issuer_, ca_file_, std::chrono::milliseconds(2000)), "/health");
}

Result<std::string> LoginClient::Token(std::string_view persona, std::string_view person_identifier,
                                       std::string_view site) const {
  GF_ASSIGN(auto secret, ReadFile(secret_file_, 4096));
  http::Client client(Options(issuer_, ca_file_, std::chrono::milliseconds(10'000)));
  http::ClientRequest request;
  request.method = http::Method::kPost;
  request.target = "/token";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"},
                     {"Authorization", "Basic " + Base64Encode(fmt::format("genofed-up:{}", Trim(secret)))}};
  request.body = "grant_type=urn%3Agenofed%3Agrant-type%3Apersona&persona=" + http::PercentEncode(persona);
  if (!person_identifier.empty()) request.body += "&person_identifier=" + http::PercentEncode(person_identifier);
  if (!site.empty()) request.body += "&site=" + http::PercentEncode(site);
  GF_ASSIGN(auto response, client.Send(request));
  auto body = nlohmann::json::parse(response.body, nullptr, false);
  if (!body.is_object()) {
    return Error(StatusCode::kInternal, "LOGIN_FAILED", "the OpenID provider answered {} without JSON",
                 response.status);
  }
  if (response.status != 200) {
    return Error(StatusCode::kInvalidArgument, "LOGIN_REFUSED", "no token for persona {}: {}", persona,
                 body.value("error_description", "refused"));
  }
  auto token = body.find("access_token");
  if (token == body.end() || !token->is_string()) {
    return Error(StatusCode::kInternal, "LOGIN_FAILED", "the OpenID provider's answer has no token");
  }
  return token->get<std::string>();
}

bool AnswersOk(const std::string& base_url, const std::string& target) {
  return Ok(Options(base_url, {}, std::chrono::milliseconds(1000)), target);
}

}  // namespace genofed::federation
