// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/sigv4.h"

#include <fmt/format.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/http/uri.h"

namespace genofed::objects {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string Scope(std::string_view date, std::string_view region) {
  return fmt::format("{}/{}/s3/aws4_request", date.substr(0, 8), region);
}

std::string SignedHeaders(const SignedRequest& request) {
  std::string names;
  for (const auto& [name, value] : request.headers) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string Signature(const SignedRequest& request, std::string_view payload,
                      const Credentials& credentials, std::string_view region,
                      std::string_view date) {
  std::string canonical =
      fmt::format("{}\n{}\n{}\n", request.method, request.path, RenderQuery(request.query));
  for (const auto& [name, value] : request.headers) canonical += name + ":" + value + "\n";
  canonical += fmt::format("\n{}\n{}", SignedHeaders(request), payload);
  const std::string to_sign = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, Scope(date, region),
                                          HexEncode(crypto::Sha256(canonical)));
  std::string key = crypto::HmacSha256("AWS4" + credentials.secret_key, date.substr(0, 8));
  for (const std::string_view part :
       {region, std::string_view("s3"), std::string_view("aws4_request")}) {
    key = crypto::HmacSha256(key, part);
  }
  return HexEncode(crypto::HmacSha256(key, to_sign));
}

}  // namespace

std::string RenderQuery(const QueryParameters& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", http::PercentEncode(name),
                        http::PercentEncode(value));
  }
  return text;
}

std::string AmzDate(Time now) {
  std::string text = FormatRfc3339(FromUnixSeconds(UnixSeconds(now)));  // 2013-05-24T00:00:00Z
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string Authorization(const SignedRequest& request, std::string_view payload,
                          const Credentials& credentials, std::string_view region, Time now) {
  const std::string date = AmzDate(now);
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                     credentials.access_key, Scope(date, region), SignedHeaders(request),
                     Signature(request, payload, credentials, region, date));
}

std::string PresignedQuery(SignedRequest request, const Credentials& credentials,
                           std::string_view region, Time now, std::chrono::seconds lifetime) {
  const std::string date = AmzDate(now);
  request.query["X-Amz-Algorithm"] = kAlgorithm;
  request.query["X-Amz-Credential"] = credentials.access_key + "/" + Scope(date, region);
  request.query["X-Amz-Date"] = date;
  request.query["X-Amz-Expires"] = std::to_string(lifetime.count());
  request.query["X-Amz-SignedHeaders"] = SignedHeaders(request);
  const std::string signature = Signature(request, kUnsignedPayload, credentials, region, date);
  return RenderQuery(request.query) + "&X-Amz-Signature=" + signature;
}

}  // namespace genofed::objects
