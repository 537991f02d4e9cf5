// SPDX-License-Identifier: Apache-2.0
#include "libs/ga4gh/errors.h"

#include <nlohmann/json.hpp>

namespace genofed::ga4gh {
namespace {

using nlohmann::json;

// A message may quote bytes of the request: invalid UTF-8 is replaced, never thrown about.
std::string Dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string_view HtsgetErrorType(int http_status, std::string_view reason) {
  switch (http_status) {
    case 400:
      if (reason == "UNSUPPORTED_FORMAT") return "UnsupportedFormat";
      return reason == "INVALID_RANGE" ? "InvalidRange" : "InvalidInput";
    case 401: return "InvalidAuthentication";
    case 403: return "PermissionDenied";
    case 404: return "NotFound";
    case 413: return "PayloadTooLarge";
    case 405: return "MethodNotAllowed";
    case 416: return "InvalidRange";
    case 429: return "TooManyRequests";
    case 503: return "Unavailable";
    default: return http_status < 500 ? "InvalidInput" : "InternalServerError";
  }
}

}  // namespace

std::string RenderError(int http_status, std::string_view message) {
  return Dump({{"msg", message}, {"status_code", http_status}});
}

std::string RenderBeaconError(int http_status, std::string_view message, std::string_view beacon_id,
                              std::string_view api_version) {
  const json summary = {{"apiVersion", api_version},
                        {"requestedSchemas", json::array()},
                        {"pagination", json::object()},
                        {"requestedGranularity", "boolean"}};
  return Dump({{"meta",
                {{"beaconId", beacon_id},
                 {"apiVersion", api_version},
                 {"returnedSchemas", json::array()},
                 {"returnedGranularity", "boolean"},
                 {"receivedRequestSummary", summary}}},
               {"error", {{"errorCode", http_status}, {"errorMessage", message}}}});
}

std::string RenderHtsgetError(int http_status, std::string_view reason, std::string_view message) {
  return Dump({{"htsget", {{"error", HtsgetErrorType(http_status, reason)}, {"message", message}}}});
}

}  // namespace genofed::ga4gh
