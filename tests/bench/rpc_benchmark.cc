// SPDX-License-Identifier: Apache-2.0
//
// What trust between services costs a call: an empty unary call on loopback in plaintext without any policy, and the
// same with mutual TLS 1.3, the check before the handler and the dispatcher with its own. Both in one run, so that the
// difference can be read off; connections are made before the clock starts.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/auth/access_token.h"
#include "libs/core/file.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/server.h"
#include "libs/testing/temporary_directory.h"
#include "services/cli/federation/pki.h"

// After the headers that know these names only.
#include <grpcpp/grpcpp.h>

namespace genofed {
namespace {

namespace pb = consent::v1;

constexpr char kDomain[] = "1mg.example";
constexpr char kMethod[] = "genofed.consent.v1.ConsentService/GetEpoch";
constexpr char kPolicy[] =
    R"({"methods":{"genofed.consent.v1.ConsentService/GetEpoch":{"callers":["site:discovery"],"token":"none"}}})";

// Answers at once, on gRPC's own thread.
class BareService final : public pb::ConsentService::CallbackService {
  grpc::ServerUnaryReactor* GetEpoch(grpc::CallbackServerContext* call, const pb::GetEpochRequest*,
                                     pb::GetEpochResponse*) override {
    grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// As every service does it: identity, policy, executor, context, metrics.
class GuardedService final : public pb::ConsentService::CallbackService {
 public:
  explicit GuardedService(rpc::Dispatcher& dispatcher) : dispatcher_(dispatcher) {}
  grpc::ServerUnaryReactor* GetEpoch(grpc::CallbackServerContext* call, const pb::GetEpochRequest* request,
                                     pb::GetEpochResponse* response) override {
    return dispatcher_.Unary(call, kMethod, request, response,
                             [](const Context&, const pb::GetEpochRequest&) -> Result<pb::GetEpochResponse> {
                               return pb::GetEpochResponse();
                             });
  }

 private:
  rpc::Dispatcher& dispatcher_;
};

void CallAgainAndAgain(benchmark::State& state, const std::shared_ptr<grpc::ChannelInterface>& channel) {
  const rpc::Peer<pb::ConsentService> peer({[channel] { return channel; }, "fi/consent", "", nullptr});
  const auto call = [&peer] {
    return peer.Call(Context::Background(), &pb::ConsentService::Stub::GetEpoch, pb::GetEpochRequest());
  };
  if (auto first = call(); !first.ok()) return state.SkipWithError(Describe(first.status()).c_str());
  for (auto _ : state) {
    if (auto answer = call(); !answer.ok()) return state.SkipWithError(Describe(answer.status()).c_str());
  }
}

void BM_PlaintextWithoutPolicy(benchmark::State& state) {
  BareService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  CallAgainAndAgain(state, grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
  server->Shutdown();
}

void BM_MutualTlsWithPolicy(benchmark::State& state) {
  rpc::RequireTls13();
  const testing::TemporaryDirectory directory;
  const SystemClock clock;
  const std::string bundle = directory / "ca.pem";
  auto authority = federation::SiteAuthority::Open("fi", kDomain, bundle, directory / "ca.key", clock);
  GF_CHECK(authority.ok());
  auto files = [&](const std::string& service) {
    GF_CHECK(authority->Issue(service, directory / (service + ".pem"), directory / (service + ".key")).ok());
    return rpc::TlsFiles{directory / (service + ".pem"), directory / (service + ".key"), bundle};
  };
  obs::Metrics metrics;
  const auth::FixedTrust trust{auth::TrustStore()};
  const auth::AccessTokenVerifier tokens(trust, clock, "", {});
  const auto nobody_denied = [](const WorkloadIdentity&) -> Status { return absl::OkStatus(); };
  rpc::Dispatcher dispatcher({.site = "fi", .domain = kDomain, .service = "consent", .denied = nobody_denied},
                             *rpc::Policy::Parse(kPolicy), tokens, metrics);
  GuardedService service(dispatcher);
  auto server = rpc::Server::Start({.listeners = {{"127.0.0.1:0", files("consent")}},
                                    .site = "fi",
                                    .domain = kDomain,
                                    .policies = {*rpc::Policy::Parse(kPolicy)},
                                    .denied = nobody_denied,
                                    .metrics = &metrics},
                                   {&service});
  GF_CHECK(server.ok());
  CallAgainAndAgain(state, rpc::ConnectTls("127.0.0.1:" + std::to_string((*server)->ports()[0]), files("discovery"),
                                           {"fi", "consent"}, kDomain));
  (*server)->Stop();
}

BENCHMARK(BM_PlaintextWithoutPolicy)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(BM_MutualTlsWithPolicy)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace genofed
