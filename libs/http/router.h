// SPDX-License-Identifier: Apache-2.0
//
// Which handler answers which request, and in which shape errors leave. Works without a network: tests and other
// transports call Handle() directly.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::http {

// The API a route belongs to decides the body of its errors; handlers only return a Status.
enum class ApiFamily {
  kNative,  // application/problem+json
  kWes,     // {"msg", "status_code"}
  kTes,     // {"msg", "status_code"}
  kDrs,     // {"msg", "status_code"}
  kHtsget,  // {"htsget": {"error", "message"}}
  kBeacon,  // beaconErrorResponse
  kHtml,    // a small page
};
std::string_view FamilyName(ApiFamily family);  // "native", "ga4gh-wes", ...

using Handler = std::function<Result<Response>(const Request&)>;

struct Route {
  Method method = Method::kGet;
  // "/ga4gh/wes/v1/runs/{run_id}". A placeholder fills a segment, may have a literal suffix ("{id}:cancel"), and as
  // "{rest...}" in last place takes all remaining segments (none included), joined by '/'.
  std::string pattern = {};
  ApiFamily family = ApiFamily::kNative;
  Handler handler = {};
  // For the OpenAPI listing. `auth` says who may call: "none", "bearer token", "bearer token, role dac".
  std::string summary = {};
  std::string description = {};
  std::string auth = "none";
  std::size_t max_body_bytes = std::size_t{1} << 20;
  bool spool_body = false;  // large uploads: the body arrives as Request::body_file instead of in memory
};

struct RouterOptions {
  std::string beacon_id = "org.example.beacon";  // goes into Beacon error envelopes
  std::string beacon_api_version = "v2.0.0";
};

// Add every route first; afterwards the router is immutable and may be used from any number of threads.
class Router {
 public:
  explicit Router(RouterOptions options = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // A malformed pattern or the same method and pattern twice is a programming error and aborts.
  void Add(Route route);
  // The family of errors below `prefix` ("/api") where no route says otherwise. "/" is native unless set.
  void SetFamily(std::string prefix, ApiFamily family);

  struct Match {
    const Route* route = nullptr;  // null: not found, method not allowed, or an OPTIONS request
    std::map<std::string, std::string, std::less<>> params;
    ApiFamily family = ApiFamily::kNative;  // also of the error when there is no route
    std::string allow;                      // value of Allow; empty if no route has this path
  };
  // The most specific route wins: literal before suffixed placeholder before placeholder before rest, segment by
  // segment. HEAD is answered by the GET route unless it has its own.
  Match Find(Method method, const std::vector<std::string>& segments) const;

  // Answers: the handler's response, or an error in the family's shape. Never throws; a handler's exception is a 500.
  // Sets `route` and `params` of the request.
  Response Handle(Request& request) const;
  Response Handle(const Match& match, Request& request) const;

  // The error as this family writes it, with Retry-After on 429 and 503 and WWW-Authenticate on 401.
  Response RenderError(ApiFamily family, const Status& status, const Request& request) const;

  std::vector<const Route*> routes() const;  // in the order added; valid as long as the router

 private:
  struct Entry;
  ApiFamily FamilyOf(const std::vector<std::string>& segments) const;

  RouterOptions options_;
  std::vector<std::unique_ptr<Entry>> entries_;  // pointers stay valid: Match refers to them
  std::vector<std::pair<std::vector<std::string>, ApiFamily>> prefixes_;           // of the routes
  std::vector<std::pair<std::vector<std::string>, ApiFamily>> explicit_prefixes_;  // of SetFamily
};

}  // namespace genofed::http
