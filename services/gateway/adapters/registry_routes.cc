// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/registry_routes.h"

#include "genofed/consent/v1/consent.pb.h"

namespace genofed::gateway {
namespace {

constexpr char kNotify[] = "genofed.consent.v1.ConsentService/NotifyRegistry";
constexpr std::size_t kMaxToken = 1024;

Result<http::Response> Notify(const UnaryCaller& caller, const http::Request& request) {
  consent::v1::NotifyRegistryRequest call;
  call.set_registry(std::string(request.Param("registry")));
  const auto token = request.headers.Get("X-Registry-Token");
  if (!token || token->empty() || token->size() > kMaxToken)
    return Error(StatusCode::kUnauthenticated, "REGISTRY_TOKEN_MISSING", "send the header X-Registry-Token");
  call.set_token(std::string(*token));
  GF_TRY(Call<consent::v1::NotifyRegistryResponse>(caller, request.ctx, "consent", kNotify, call));
  http::Response accepted;
  accepted.status = 202;
  return accepted;
}

}  // namespace

void AddRegistryRoutes(Api& api, const UnaryCaller& caller) {
  // Subscriptions with a payload send the resource by PUT below the endpoint, others an empty POST.
  for (const auto& [method, pattern] :
       {std::pair(http::Method::kPost, "/api/v1/registries/{registry}/notify"),
        std::pair(http::Method::kPut, "/api/v1/registries/{registry}/notify/Consent/{id}")}) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = pattern;
    endpoint.who = "the registry, with its token";
    endpoint.summary = "A national registry of consents has news";
    endpoint.handler = [caller](const http::Request& request) { return Notify(caller, request); };
    api.Add(std::move(endpoint));
  }
}

}  // namespace genofed::gateway
