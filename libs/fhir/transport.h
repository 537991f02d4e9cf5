// SPDX-License-Identifier: Apache-2.0
//
// Requests to a FHIR server: token, retries, and errors in words. Internal to the library.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libs/fhir/client.h"
#include "libs/fhir/url.h"
#include "libs/http/client.h"

namespace genofed::fhir {

class Transport {
 public:
  Transport(const ServerOptions& options, TokenSource& token, const Clock& clock, Wait wait);

  // Of the server; the target ends without '/'. InvalidArgument BAD_URL.
  Result<Url> Base() const;
  // What a link of the server means: FailedPrecondition LINK_FOREIGN unless it leads to the server
  // itself or, with `file`, to where its files may lie.
  Result<Url> Follow(std::string_view link, bool file = false) const;

  struct Request {
    http::Method method = http::Method::kGet;
    Url url;
    std::string accept = "application/fhir+json";
    http::Headers headers = {};
    bool with_token = true;    // if it is for the server itself: others never get one
    http::BodySink sink = {};  // then nothing is sent again once bytes have come
  };
  // A 2xx answer. Errors: those of Client::Read but FHIR_INVALID.
  Result<http::ClientResponse> Send(const Context& ctx, const Request& request);

  // As Send, and a body of JSON whose content type says so.
  Result<nlohmann::json> ReadJson(const Context& ctx, const Url& url,
                                  http::Headers* headers = nullptr);

  Status Pause(const Context& ctx, std::chrono::milliseconds pause) const {
    return wait_(ctx, pause);
  }
  // Of the header Retry-After: seconds or a date (RFC 9110 section 10.2.3), at most
  // Limits::max_pause; `otherwise` without.
  std::chrono::milliseconds RetryAfter(const http::Headers& headers,
                                       std::chrono::milliseconds otherwise) const;

 private:
  Result<http::ClientResponse> SendOnce(const Context& ctx, const Request& request, bool* began);

  const ServerOptions& options_;
  TokenSource& token_;
  const Clock& clock_;
  const Wait wait_;
  std::map<std::string, std::unique_ptr<http::Client>> clients_;  // by origin
};

// A time of HTTP, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7; the obsolete forms are
// not taken).
std::optional<Time> ParseHttpDate(std::string_view text);
// "error/processing, warning/informational" of an OperationOutcome; empty if `body` is none.
std::string OutcomeCodes(std::string_view body);
// The media type of an answer in lower case, without parameters.
std::string MediaType(const http::Headers& headers);

}  // namespace genofed::fhir
