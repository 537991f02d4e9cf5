// SPDX-License-Identifier: Apache-2.0
//
// What happens to every call before and after its handler, in one place and in this order: trace,
// deadline, identity, policy, executor, handler, status, log and metrics.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/context.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/executor.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/workload_gate.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace genofed::auth {
class AccessTokenVerifier;
}

namespace genofed::rpc {

class Dispatcher {
 public:
  struct Options {
    std::string site;     // own site: "fi"
    std::string domain;   // of the federation
    std::string service;  // own service, for logs and metrics
    int handler_threads = 8;
    std::size_t max_queue = 256;
    // Deadline of calls that come without one.
    std::chrono::milliseconds default_timeout{30'000};
    DenyList denied = {};  // asked at every call; empty: nobody is denied
    // Thumbprint of the certificate that a service of this very process has now, for calls that
    // come in-process and bring none. Empty: unknown.
    std::function<std::string(std::string_view service)> certificate_of = {};
  };

  // Borrows verifier and metrics. The policy is the service's own.
  Dispatcher(Options options, Policy policy, const auth::AccessTokenVerifier& tokens,
             obs::Metrics& metrics);
  ~Dispatcher();

  // Serves one unary call. `method` is "genofed.consent.v1.ConsentService/GetEpoch" and must have a
  // row in the policy; `handler` is called as handler(const Context&, const Request&) and returns
  // Result<Response>.
  template <typename Request, typename Response, typename Handler>
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* call, std::string_view method,
                                  const Request* request, Response* response, Handler handler) {
    return Serve(call, method,
                 [request, response, handler = std::move(handler)](const Context& ctx) -> Status {
                   Result<Response> result = handler(ctx, *request);
                   if (!result.ok()) return result.status();
                   *response = std::move(result).value();
                   return absl::OkStatus();
                 });
  }

 private:
  grpc::ServerUnaryReactor* Serve(grpc::CallbackServerContext* call, std::string_view method,
                                  std::function<Status(const Context&)> handler);
  Result<Context> Admit(grpc::CallbackServerContext* call, std::string_view method) const;

  Result<Principal> WorkloadOf(const grpc::CallbackServerContext& call) const;

  const Options options_;
  const WorkloadGate gate_;
  const auth::AccessTokenVerifier& tokens_;
  obs::Metrics& metrics_;
  Executor executor_;
};

}  // namespace genofed::rpc
