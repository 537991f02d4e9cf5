// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/http_key_fetcher.h"

#include "libs/core/strings.h"
#include "libs/http/client.h"

namespace genofed {

Result<auth::KeyDocument> HttpKeyFetcher::Fetch(const std::string& url) {
  const auto scheme = url.find("://");
  const auto path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  http::ClientOptions options;
  options.base_url = url.substr(0, path);
  options.ca_file = ca_file_;
  options.timeout = std::chrono::seconds(5);
  options.max_response_bytes = auth::KeyRefresher::kMaxBytes;
  http::Client client(options);
  http::ClientRequest request;
  request.target = path == std::string::npos ? "/" : url.substr(path);
  request.headers = {{"Accept", "application/jwk-set+json, application/json"}};
  GF_ASSIGN(http::ClientResponse response, client.Send(request));
  if (response.status != 200) {
    return Error(StatusCode::kUnavailable, "JWKS_UNAVAILABLE", "{} answers {}", url,
                 response.status);
  }
  auth::KeyDocument document;
  const std::string_view type = response.headers.Get("Content-Type").value_or("");
  document.content_type = ToLower(Trim(type.substr(0, type.find(';'))));
  document.body = std::move(response.body);
  return document;
}

}  // namespace genofed
