// SPDX-License-Identifier: Apache-2.0
//
// The gateway's routes: each is guarded (who calls, which headers every answer carries) and
// remembered for the listings at /openapi.json and /docs.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/http/router.h"

namespace google::protobuf {
class Descriptor;
}

namespace genofed::gateway {

class SessionCookies;

enum class Access {
  kPublic,  // a token may come along; if it does, it must be good
  kUser,    // 401 without a good token. Roles are judged by the service that is called.
};

// One route of the API. `handler` sees a request whose context names the verified user, if there is
// one.
struct Endpoint {
  http::Method method = http::Method::kGet;
  std::string pattern = {};
  http::ApiFamily family = http::ApiFamily::kNative;
  Access access = Access::kPublic;
  std::string who = "anyone";  // for people: "holder", "any user"
  std::string summary = {};
  http::Handler handler = {};
  std::size_t max_body_bytes = std::size_t{1} << 20;
  // For the OpenAPI document, where the bodies are protobuf JSON; null otherwise.
  const google::protobuf::Descriptor* request = nullptr;
  const google::protobuf::Descriptor* response = nullptr;
  bool json_body = false;  // the body is `request` as JSON
};

// Verifies an access token; auth::AccessTokenVerifier::Verify in production.
using TokenCheck = std::function<Result<User>(const Context& ctx, std::string_view token)>;
// Verifies that the request carries a proof (RFC 9449) by the key that the user's token names.
using ProofCheck = std::function<Status(const http::Request& request, const User& user)>;

// What may stand beside a bearer token.
struct OtherCredentials {
  ProofCheck check_proof = {};              // empty: tokens that are bound to a key are refused
  const SessionCookies* sessions = nullptr;  // null: none. Must outlive the Api.
};

class Api {
 public:
  // Borrows the router, which must outlive this object and its handlers.
  Api(http::Router& router, TokenCheck check_token, OtherCredentials others = {})
      : router_(router), check_token_(std::move(check_token)), others_(std::move(others)) {}

  void Add(Endpoint endpoint);
  // Answers 404 in the family's shape for every path that has no route, so that these answers are
  // guarded too. `hint` ends the message.
  void AddNotFound(std::string_view hint = {});
  const std::vector<Endpoint>& endpoints() const { return endpoints_; }
  // For handlers that add something to the answer of an error.
  http::Response RenderError(http::ApiFamily family, const Status& status, const http::Request& request) const {
    return router_.RenderError(family, status, request);
  }

 private:
  http::Handler Guarded(http::Handler handler, http::ApiFamily family, Access access);
  // Who sent the request: nobody, or the user of exactly one of a bearer token, a token with a proof, and a session
  // cookie. A cookie that is no session (any more) counts as none, and sets `stale_cookie`.
  Result<std::optional<User>> Identify(const http::Request& request, bool& stale_cookie) const;
  Result<User> UserOfHeader(const http::Request& request) const;
  Result<std::optional<User>> UserOfCookie(const http::Request& request, bool& stale_cookie) const;

  http::Router& router_;
  const TokenCheck check_token_;
  const OtherCredentials others_;
  std::vector<Endpoint> endpoints_;
};

}  // namespace genofed::gateway
