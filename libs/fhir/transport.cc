// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/transport.h"

#include <time.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::fhir {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxIssues = 5;
constexpr milliseconds kFirstPause{1000};

bool IsBusy(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

Status Refusal(const http::ClientResponse& response) {
  const int status = response.status;
  const std::string codes = OutcomeCodes(response.body);
  const std::string text =
      fmt::format("the server answered {}{}", status, codes.empty() ? "" : " (" + codes + ")");
  if (status == 401 || status == 403)
    return Error(StatusCode::kPermissionDenied, "FHIR_UNAUTHORISED", "{}", text);
  if (status == 404 || status == 410)
    return Error(StatusCode::kNotFound, "FHIR_NOT_FOUND", "{}", text);
  if (status == 429) return Error(StatusCode::kResourceExhausted, "FHIR_BUSY", "{}", text);
  if (status >= 500) return Error(StatusCode::kUnavailable, "FHIR_SERVER_ERROR", "{}", text);
  if (status / 100 == 3)
    return Error(StatusCode::kFailedPrecondition, "FHIR_REFUSED", "{}; redirects are not followed",
                 text);
  return Error(StatusCode::kFailedPrecondition, "FHIR_REFUSED", "{}", text);
}

// A code of IssueSeverity or IssueType: letters and dashes.
std::string Code(const nlohmann::json& issue, const char* name) {
  const auto found = issue.find(name);
  if (found == issue.end() || !found->is_string()) return "?";
  const auto& code = found->get_ref<const std::string&>();
  const bool plain = !code.empty() && code.size() <= 40 &&
                     std::all_of(code.begin(), code.end(),
                                 [](char c) { return c == '-' || (c >= 'a' && c <= 'z'); });
  return plain ? code : "?";
}

}  // namespace

std::string OutcomeCodes(std::string_view body) {
  auto outcome = crypto::ParseStrictJson(body, {.max_bytes = 1U << 20, .max_depth = kMaxDepth});
  if (!outcome.ok() || !outcome->is_object() ||
      outcome->value("resourceType", nlohmann::json()) != "OperationOutcome")
    return {};
  const auto issues = outcome->find("issue");
  if (issues == outcome->end() || !issues->is_array()) return {};
  std::string codes;
  for (std::size_t i = 0; i < std::min(issues->size(), kMaxIssues); ++i) {
    const auto& issue = (*issues)[i];
    if (!issue.is_object()) continue;
    codes += fmt::format("{}{}/{}", codes.empty() ? "" : ", ", Code(issue, "severity"),
                         Code(issue, "code"));
  }
  return codes;
}

std::string MediaType(const http::Headers& headers) {
  const std::string_view value = headers.Get("Content-Type").value_or("");
  return ToLower(Trim(value.substr(0, value.find(';'))));
}

std::optional<Time> ParseHttpDate(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = ::strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return FromUnixSeconds(::timegm(&parts));
}

Transport::Transport(const ServerOptions& options, TokenSource& token, const Clock& clock,
                     Wait wait)
    : options_(options), token_(token), clock_(clock), wait_(std::move(wait)) {}

Result<Url> Transport::Base() const {
  GF_ASSIGN(Url base, ParseUrl(options_.base_url));
  while (base.target.ends_with('/')) base.target.pop_back();
  return base;
}

Result<Url> Transport::Follow(std::string_view link, bool file) const {
  GF_ASSIGN(const Url base, Base());
  GF_ASSIGN(Url url, Resolve(base, link));
  if (url.origin == base.origin) return url;
  if (file) {
    for (const std::string& allowed : options_.file_origins) {
      const auto origin = ParseUrl(allowed);
      if (origin.ok() && origin->origin == url.origin) return url;
    }
  }
  return Error(StatusCode::kFailedPrecondition, "LINK_FOREIGN",
               "the server links to another origin, which is not followed");
}

milliseconds Transport::RetryAfter(const http::Headers& headers, milliseconds otherwise) const {
  const auto value = headers.Get("Retry-After");
  if (!value) return otherwise;
  milliseconds pause = otherwise;
  if (const auto seconds = ParseInt(*value); seconds.ok()) {
    pause = std::chrono::seconds(
        std::clamp<std::int64_t>(*seconds, 0, options_.limits.max_pause.count()));
  } else if (const auto date = ParseHttpDate(*value)) {
    pause = std::chrono::duration_cast<milliseconds>(*date - clock_.Now());
  }
  return std::clamp<milliseconds>(pause, milliseconds(0), options_.limits.max_pause);
}

Result<http::ClientResponse> Transport::SendOnce(const Context& ctx, const Request& request,
                                                 bool* began) {
  GF_ASSIGN(const Url base, Base());
  auto& client = clients_[request.url.origin];
  if (!client) {
    client = std::make_unique<http::Client>(
        http::ClientOptions{.base_url = request.url.origin,
                            .ca_file = options_.ca_file,
                            .timeout = options_.limits.timeout,
                            .max_response_bytes = options_.limits.max_page_bytes});
  }
  http::ClientRequest sent{
      .method = request.method, .target = request.url.target, .headers = request.headers};
  sent.headers.Set("Accept", request.accept);
  if (request.with_token && request.url.origin == base.origin) {
    GF_ASSIGN(const std::string token, token_.Token(ctx));
    if (!token.empty()) sent.headers.Set("Authorization", "Bearer " + token);
  }
  if (request.sink) {
    sent.sink = [&request, began](const http::ClientResponse& head, std::string_view bytes) {
      *began = true;
      return request.sink(head, bytes);
    };
  }
  return client->Send(ctx, sent);
}

Result<http::ClientResponse> Transport::Send(const Context& ctx, const Request& request) {
  bool renewed = false;
  milliseconds backoff = kFirstPause;
  for (int attempt = 1;; ++attempt) {
    bool began = false;
    auto response = SendOnce(ctx, request, &began);
    const bool last = began || attempt >= options_.limits.max_attempts;
    milliseconds pause = backoff;
    if (!response.ok()) {
      if (last || response.status().code() != StatusCode::kUnavailable) return response.status();
    } else if (response->status == 401 && !renewed) {
      renewed = true;
      token_.Drop();
      continue;
    } else if (response->status / 100 == 2) {
      return response;
    } else if (last || !IsBusy(response->status)) {
      return Refusal(*response);
    } else {
      pause = RetryAfter(response->headers, backoff);
    }
    GF_TRY(wait_(ctx, std::min<milliseconds>(pause, options_.limits.max_pause)));
    backoff *= 2;
  }
}

Result<nlohmann::json> Transport::ReadJson(const Context& ctx, const Url& url,
                                           http::Headers* headers) {
  GF_ASSIGN(const auto response, Send(ctx, {.url = url}));
  const std::string type = MediaType(response.headers);
  if (type != "application/fhir+json" && type != "application/json") {
    return Error(StatusCode::kDataLoss, "FHIR_INVALID", "the server did not answer with JSON");
  }
  auto document = crypto::ParseStrictJson(
      response.body, {.max_bytes = options_.limits.max_page_bytes, .max_depth = kMaxDepth});
  if (!document.ok() || !document->is_object()) {
    return Error(StatusCode::kDataLoss, "FHIR_INVALID",
                 "the server's answer is no JSON object ({})", Reason(document.status()));
  }
  if (headers != nullptr) *headers = response.headers;
  return document;
}

}  // namespace genofed::fhir
