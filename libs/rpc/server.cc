// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <mutex>

#include "libs/rpc/policy_processor.h"

namespace genofed::rpc {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Options& options,
                                              const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  if (options.reflection) {
    static std::once_flag once;
    std::call_once(once, [] { grpc::reflection::InitProtoReflectionServerBuilderPlugin(); });
  }
  std::unique_ptr<Server> server(new Server());
  server->ports_.resize(options.listeners.size(), 0);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  // Two processes must never share an address: the second would silently take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(options.max_connection_age.count()));
  const auto processor =
      MakePolicyProcessor(WorkloadGate(options.site, options.policies, options.denied),
                          options.domain, options.metrics);
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    auto credentials = ServerTls(options.listeners[i].tls);
    credentials->SetAuthMetadataProcessor(processor);
    builder.AddListeningPort(options.listeners[i].address, std::move(credentials),
                             &server->ports_[i]);
  }
  for (grpc::Service* service : services) builder.RegisterService(service);
  server->server_ = builder.BuildAndStart();
  for (std::size_t i = 0; i < options.listeners.size(); ++i) {
    if (server->server_ == nullptr || server->ports_[i] == 0) {
      return Error(StatusCode::kUnavailable, "LISTEN_FAILED", "cannot listen on {}",
                   options.listeners[i].address);
    }
  }
  if (server->server_ == nullptr)
    return Error(StatusCode::kInternal, "SERVER_FAILED", "the gRPC server did not start");
  return server;
}

Server::~Server() { Stop(); }

std::shared_ptr<grpc::ChannelInterface> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  return server_->InProcessChannel(arguments);
}

void Server::Stop(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
  server_ = nullptr;
}

}  // namespace genofed::rpc
