// SPDX-License-Identifier: Apache-2.0
#include "libs/http/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace genofed::http {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, int>, 9> kReasonStatus = {{{kMethodNotAllowed, 405},
                                                                             {kNotAcceptable, 406},
                                                                             {kPreconditionFailed, 412},
                                                                             {kBodyTooLarge, 413},
                                                                             {kUnsupportedMediaType, 415},
                                                                             {kRangeNotSatisfiable, 416},
                                                                             {kExpectationFailed, 417},
                                                                             {kPreconditionRequired, 428},
                                                                             {kHeaderTooLarge, 431}}};

int StatusOfCode(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return 200;
    case StatusCode::kInvalidArgument:
    case StatusCode::kOutOfRange: return 400;
    case StatusCode::kUnauthenticated: return 401;
    case StatusCode::kPermissionDenied: return 403;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kAlreadyExists:
    case StatusCode::kAborted:
    case StatusCode::kFailedPrecondition: return 409;
    case StatusCode::kResourceExhausted: return 429;
    case StatusCode::kCancelled: return 499;
    case StatusCode::kUnimplemented: return 501;
    case StatusCode::kUnavailable: return 503;
    case StatusCode::kDeadlineExceeded: return 504;
    default: return 500;
  }
}

// Codes whose messages may tell an attacker about the inside.
bool IsInternal(StatusCode code) {
  return code == StatusCode::kInternal || code == StatusCode::kUnknown || code == StatusCode::kDataLoss;
}

std::string TypeOf(std::string_view reason) {
  std::string kebab;
  for (const char c : reason) {
    if (c == '_') {
      kebab.push_back('-');
    } else {
      kebab.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
  }
  return "https://genofed.example/problems/" + kebab;
}

}  // namespace

int HttpStatusOf(const Status& status) {
  if (!status.ok() && !IsInternal(status.code())) {
    const std::string reason = Reason(status);
    const auto found = std::find_if(kReasonStatus.begin(), kReasonStatus.end(),
                                    [&](const auto& row) { return row.first == reason; });
    if (found != kReasonStatus.end()) return found->second;
  }
  return StatusOfCode(status.code());
}

std::string_view StatusPhrase(int http_status) {
  switch (http_status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return http_status < 400 ? "Success" : "Error";
  }
}

std::string PublicMessage(const Status& status, std::string_view trace_id) {
  if (!IsInternal(status.code())) return Message(status);
  return fmt::format("An internal error occurred. Quote trace {} when you report it.", trace_id);
}

std::string RenderProblem(const Status& status, int http_status, std::string_view instance, std::string_view trace_id) {
  const std::string reason = IsInternal(status.code()) ? "INTERNAL" : Reason(status);
  const bool typed = !reason.empty() && reason != "UNSPECIFIED" && reason != "INTERNAL";
  json problem = {
      {"type", typed ? TypeOf(reason) : "about:blank"},
      {"title", StatusPhrase(http_status)},
      {"status", http_status},
      {"detail", PublicMessage(status, trace_id)},
      {"reason", reason},
      {"trace_id", trace_id},
  };
  if (!instance.empty()) problem["instance"] = instance;
  if (!IsInternal(status.code())) {
    for (const FieldViolation& violation : Fields(status)) {
      problem["errors"].push_back({{"field", violation.field}, {"detail", violation.description}});
    }
  }
  return problem.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace genofed::http
