// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/channel.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <thread>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/status_codec.h"

namespace genofed::rpc {

const std::string& InProcessSecret() {
  static const std::string secret = [] {
    SystemRandom random;
    return HexEncode(random.Bytes(32));
  }();
  return secret;
}

namespace {

// Waits before another attempt unless the deadline or a cancellation comes first.
bool Pause(const Context& ctx, int attempt) {
  auto pause = std::chrono::milliseconds(50 << attempt);
  auto until = std::chrono::steady_clock::now() + pause;
  if (ctx.has_deadline() && ctx.deadline() <= until) return false;
  while (std::chrono::steady_clock::now() < until) {
    if (ctx.stop().stop_requested()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace

void Prepare(const ChannelSource& source, const Context& limited, const CallOptions& options,
             grpc::ClientContext& client) {
  client.set_deadline(std::chrono::system_clock::now() + limited.Remaining(options.timeout));
  client.AddMetadata(kTraceparentKey, limited.traceparent());
  if (!source.caller.empty()) {
    client.AddMetadata(kCallerKey, source.caller);
    client.AddMetadata(kInProcessKey, InProcessSecret());
  }
  if (options.forward_user && limited.principal().user) {
    client.AddMetadata(kAuthorizationKey, "Bearer " + limited.principal().user->access_token);
  }
}

Status Conclude(const ChannelSource& source, std::chrono::steady_clock::time_point start,
                const grpc::Status& returned) {
  Status status = FromGrpc(returned);
  if (source.metrics != nullptr) {
    obs::Metrics::Labels labels = {{"peer", source.peer}};
    source.metrics->Observe(
        "genofed_rpc_client_seconds", labels,
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    labels["code"] = std::string(CodeName(status.code()));
    source.metrics->Add("genofed_rpc_client_total", labels);
  }
  if (status.code() == StatusCode::kUnavailable && Reason(status) == "PEER_UNAVAILABLE") {
    // gRPC's own text quotes addresses and system errors; people need to know who did not answer.
    return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "{} does not answer", source.peer);
  }
  return status;
}

Status Invoke(const ChannelSource& source, const Context& ctx, const CallOptions& options,
              const std::function<grpc::Status(grpc::ClientContext&)>& call) {
  Context limited = ctx.WithTimeout(options.timeout);
  auto start = std::chrono::steady_clock::now();
  grpc::Status returned;
  for (int attempt = 0;; ++attempt) {
    GF_TRY(limited.Alive());
    grpc::ClientContext client;
    Prepare(source, limited, options, client);
    std::stop_callback cancel(ctx.stop(), [&client] { client.TryCancel(); });
    returned = call(client);
    if (returned.error_code() != grpc::StatusCode::UNAVAILABLE || attempt + 1 >= options.attempts ||
        !Pause(limited, attempt))
      break;
  }
  return Conclude(source, start, returned);
}

std::shared_ptr<void> CallbackThreads() {
  // A server of nothing, without a port, uses them as long as it is there.
  struct Server {
    grpc::CallbackGenericService nothing;
    std::unique_ptr<grpc::Server> server;
  };
  static std::mutex mutex;
  static std::weak_ptr<Server> shared;
  std::lock_guard lock(mutex);
  auto kept = shared.lock();
  if (kept == nullptr) {
    kept = std::make_shared<Server>();
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&kept->nothing);
    kept->server = builder.BuildAndStart();
    GF_CHECK(kept->server != nullptr);
    shared = kept;
  }
  return kept;
}

}  // namespace genofed::rpc
