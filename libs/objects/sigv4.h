// SPDX-License-Identifier: Apache-2.0
//
// AWS Signature Version 4 for S3 (Amazon S3 API Reference, "Authenticating Requests: Using the
// Authorization Header" and "Using Query Parameters"). Pure functions; internal to the library.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "libs/core/clock.h"

namespace genofed::objects {

struct Credentials {
  std::string access_key;
  std::string secret_key;  // never leaves this process
};

// Decoded names to decoded values; each name once. The order of the map is the one that signatures
// need, because the names S3 uses are plain ASCII.
using QueryParameters = std::map<std::string, std::string>;

struct SignedRequest {
  std::string_view method;
  std::string_view path;  // percent-encoded, as sent
  QueryParameters query = {};
  std::map<std::string, std::string> headers =
      {};  // every header to sign: lower-case name, trimmed value; has "host"
};

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

// "name=value&..." with everything encoded: what goes behind the '?'.
std::string RenderQuery(const QueryParameters& query);

// "20130524T000000Z".
std::string AmzDate(Time now);

// Value of Authorization. `headers` must have x-amz-date (= AmzDate(now)) and x-amz-content-sha256
// (= `payload`, the digest of the body in hex).
std::string Authorization(const SignedRequest& request, std::string_view payload,
                          const Credentials& credentials, std::string_view region, Time now);

// The query of a URL that does `request` for `lifetime`; nothing but headers named there are
// signed.
std::string PresignedQuery(SignedRequest request, const Credentials& credentials,
                           std::string_view region, Time now, std::chrono::seconds lifetime);

}  // namespace genofed::objects
