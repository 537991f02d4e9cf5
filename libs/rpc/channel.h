// SPDX-License-Identifier: Apache-2.0
//
// Calling other services. A Peer is a typed client of one gRPC service; what is behind it — TLS to
// another process or the same process — is decided where the process is put together.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
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

// What Invoke and Peer::Start do alike: before a call and after it.
void Prepare(const ChannelSource& source, const Context& limited, const CallOptions& options,
             grpc::ClientContext& client);
Status Conclude(const ChannelSource& source, std::chrono::steady_clock::time_point start,
                const grpc::Status& status);

// Keeps the threads on which gRPC calls back. It ends them with the last channel that uses them,
// and waits for them there: an answer on whose arrival that channel ends would wait for itself.
std::shared_ptr<void> CallbackThreads();

template <typename Service>
class Peer {
 public:
  using Stub = typename Service::Stub;
  using Async = typename Service::StubInterface::async_interface;
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

  // Starts a call and returns:
  //   peer.Start(ctx, &ConsentService::StubInterface::async_interface::GetEpoch, request, done)
  // `done` is called once, on a thread of gRPC's, which it must not keep, or on this one if `ctx`
  // is no longer alive. One attempt, whatever the options say. Cancelled with `ctx`. The peer must
  // live until `done` is called.
  template <typename Request, typename Response>
  void Start(const Context& ctx,
             void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>),
             std::type_identity_t<Request> request,
             std::type_identity_t<std::function<void(Result<Response>)>> done) const {
    const Context limited = ctx.WithTimeout(defaults_.timeout);
    if (Status alive = limited.Alive(); !alive.ok()) return done(std::move(alive));
    auto* const call = new Started<Request, Response>{CurrentStub(true),
                                                      std::move(request),
                                                      {},
                                                      std::move(done),
                                                      std::chrono::steady_clock::now()};
    Prepare(source_, limited, defaults_, call->client);
    call->cancel.emplace(ctx.stop(), Cancel{&call->client});
    (call->stub->async()->*method)(
        &call->client, &call->request, &call->response, [this, call](const grpc::Status& returned) {
          std::unique_ptr<Started<Request, Response>> ended(call);
          Status status = Conclude(source_, ended->start, returned);
          auto result = status.ok() ? Result<Response>(std::move(ended->response))
                                    : Result<Response>(std::move(status));
          const auto tell = std::move(ended->done);
          ended.reset();  // whoever is told may end this peer
          tell(std::move(result));
        });
  }

  const std::string& name() const { return source_.peer; }

 private:
  struct Cancel {
    grpc::ClientContext* client;
    void operator()() const { client->TryCancel(); }
  };
  // A call that was started. What it is made of must not move, and the channel ends last.
  template <typename Request, typename Response>
  struct Started {
    std::shared_ptr<Stub> stub;
    Request request;
    Response response;
    std::function<void(Result<Response>)> done;
    std::chrono::steady_clock::time_point start;
    grpc::ClientContext client = {};
    std::optional<std::stop_callback<Cancel>> cancel = {};
  };
  struct Current {
    std::mutex mutex;
    std::shared_ptr<void> threads;  // once calls are started
    std::shared_ptr<grpc::ChannelInterface> channel;
    std::shared_ptr<Stub> stub;  // shared with running calls: the last one ends a channel given up
  };

  std::shared_ptr<Stub> CurrentStub(bool calls_back = false) const {
    // Both die after the lock, for the end of a channel given up may wait for gRPC.
    std::shared_ptr<grpc::ChannelInterface> channel = source_.channel();
    std::shared_ptr<Stub> given_up;
    std::lock_guard lock(current_->mutex);
    if (current_->channel != channel) {
      given_up = std::exchange(current_->stub, std::make_shared<Stub>(channel));
      current_->channel.swap(channel);
    }
    if (calls_back && current_->threads == nullptr) current_->threads = CallbackThreads();
    return current_->stub;
  }

  ChannelSource source_;
  CallOptions defaults_;
  std::shared_ptr<Current> current_ = std::make_shared<Current>();  // copies of a peer use one stub
};

}  // namespace genofed::rpc
