// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/api.h"

namespace genofed::gateway {
namespace {

using http::ApiFamily;

constexpr char kNoContent[] =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

void SetUnlessPresent(http::Headers& headers, const char* name, const char* value) {
  if (!headers.Has(name)) headers.Set(name, value);
}

// OWASP REST security cheat sheet, "Security headers". An answer may depend on who asks, so none is
// stored unless its handler says otherwise.
void Protect(http::Response& response) {
  response.headers.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains");
  response.headers.Set("X-Content-Type-Options", "nosniff");
  response.headers.Set("Referrer-Policy", "no-referrer");
  response.headers.Set("Cross-Origin-Resource-Policy", "same-origin");
  SetUnlessPresent(response.headers, "Content-Security-Policy", kNoContent);
  SetUnlessPresent(response.headers, "Cache-Control", "no-store");
}

ApiFamily FamilyOfPath(std::string_view path) {
  if (path.starts_with("/beacon/")) return ApiFamily::kBeacon;
  if (path.starts_with("/ga4gh/wes/")) return ApiFamily::kWes;
  if (path.starts_with("/ga4gh/tes/")) return ApiFamily::kTes;
  if (path.starts_with("/ga4gh/drs/")) return ApiFamily::kDrs;
  return ApiFamily::kNative;
}

}  // namespace

void Api::Add(Endpoint endpoint) {
  http::Route route;
  route.method = endpoint.method;
  route.pattern = endpoint.pattern;
  route.family = endpoint.family;
  route.summary = endpoint.summary;
  route.auth = endpoint.access == Access::kPublic ? "none" : "bearer token, " + endpoint.who;
  route.max_body_bytes = endpoint.max_body_bytes;
  route.handler = Guarded(endpoint.handler, endpoint.family, endpoint.access);
  router_.Add(std::move(route));
  endpoints_.push_back(std::move(endpoint));
}

void Api::AddNotFound() {
  using http::Method;
  for (Method method :
       {Method::kGet, Method::kPost, Method::kPut, Method::kPatch, Method::kDelete}) {
    http::Route route;
    route.method = method;
    route.pattern = "/{rest...}";
    route.handler = [this](const http::Request& request) -> Result<http::Response> {
      http::Response response = router_.RenderError(
          FamilyOfPath(request.path),
          Error(StatusCode::kNotFound, "NO_SUCH_ROUTE", "there is nothing at this path"), request);
      Protect(response);
      return response;
    };
    router_.Add(std::move(route));
  }
}

http::Handler Api::Guarded(http::Handler handler, ApiFamily family, Access access) {
  return [this, handler = std::move(handler), family,
          access](const http::Request& request) -> Result<http::Response> {
    const auto answer = [&]() -> Result<http::Response> {
      GF_ASSIGN(Context ctx, Identify(request, access));
      http::Request identified = request;
      identified.ctx = ctx;
      return handler(identified);
    };
    Result<http::Response> response = answer();
    http::Response out = response.ok() ? *std::move(response)
                                       : router_.RenderError(family, response.status(), request);
    Protect(out);
    return out;
  };
}

Result<Context> Api::Identify(const http::Request& request, Access access) const {
  if (!request.headers.Has("Authorization")) {
    if (access == Access::kPublic) return request.ctx;
    return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING",
                 "this needs an access token for this site");
  }
  GF_ASSIGN(User user, check_token_(request.ctx, request.BearerToken()));
  return request.ctx.WithPrincipal({{}, std::move(user)});
}

}  // namespace genofed::gateway
