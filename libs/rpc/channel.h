// SPDX-License-Identifier: Apache-2.0
//
// Calling other services. A Peer is a typed client of one gRPC service; what is behind it — TLS to
// another process or the same process — is decided where the process is put together.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>

#include "libs/core/context.h"
#include "libs/obs/metrics.h"

namespace grpc {
class ChannelInterface;
}

namespace genofed::rpc {

// Where a channel comes from. Asked at every attempt: in-process channels exist only once the
// server runs, and a caller whose certificate was renewed gets another channel. Thread-safe and
// cheap.
struct ChannelSource {
  std::function<std::shared_ptr<grpc::ChannelInterface>()> channel;
  std::string peer;    // "fi/consent", for errors and metrics
  std::string caller;  // own service, sent in metadata on in-process channels only
  obs::Metrics* metrics = nullptr;
};

struct CallOptions {
  // For contexts without a deadline, and an upper bound for the others.
  std::chrono::milliseconds timeout{30'000};
  // Attempts after UNAVAILABLE, within the deadline. Every RPC of genofed may be repeated.
  int attempts = 3;
  // Send the user's access token along.
  bool forward_user = true;
};

// Runs one call with deadline, trace and identity set; retries, counts and translates the status.
Status Invoke(const ChannelSource& source, const Context& ctx, const CallOptions& options,
              const std::function<grpc::Status(grpc::ClientContext&)>& call);

template <typename Service>
class Peer {
 public:
  using Stub = typename Service::Stub;
  explicit Peer(ChannelSource source, CallOptions defaults = {})
      : source_(std::move(source)), defaults_(defaults) {}

  // peer.Call(ctx, &ConsentService::Stub::GetEpoch, request)
  template <typename Request, typename Response>
  Result<Response> Call(const Context& ctx,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const std::type_identity_t<Request>& request) const {
    return Call(ctx, method, request, defaults_);
  }
  template <typename Request, typename Response>
  Result<Response> Call(const Context& ctx,
                        grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                     Response*),
                        const std::type_identity_t<Request>& request,
                        const CallOptions& options) const {
    Response response;
    Status status = Invoke(source_, ctx, options, [&](grpc::ClientContext& client) {
      const std::shared_ptr<Stub> stub = CurrentStub();
      return (stub.get()->*method)(&client, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

  const std::string& name() const { return source_.peer; }

 private:
  struct Current {
    std::mutex mutex;
    std::shared_ptr<grpc::ChannelInterface> channel;
    std::shared_ptr<Stub> stub;  // shared with running calls: the last one ends a channel given up
  };

  std::shared_ptr<Stub> CurrentStub() const {
    // Both die after the lock, for the end of a channel given up may wait for gRPC.
    std::shared_ptr<grpc::ChannelInterface> channel = source_.channel();
    std::shared_ptr<Stub> given_up;
    std::lock_guard lock(current_->mutex);
    if (current_->channel != channel) {
      given_up = std::exchange(current_->stub, std::make_shared<Stub>(channel));
      current_->channel.swap(channel);
    }
    return current_->stub;
  }

  ChannelSource source_;
  CallOptions defaults_;
  std::shared_ptr<Current> current_ = std::make_shared<Current>();  // copies of a peer use one stub
};

}  // namespace genofed::rpc
