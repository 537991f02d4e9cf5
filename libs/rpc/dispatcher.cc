// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/dispatcher.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <exception>
#include <stop_token>

#include "libs/auth/access_token.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "libs/rpc/certificate.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/status_codec.h"
#include "libs/rpc/tls.h"

namespace genofed::rpc {
namespace {

// Tells the handler when its caller has given up.
class CallReactor final : public grpc::ServerUnaryReactor {
 public:
  std::stop_token stop() const { return stop_.get_token(); }
  void OnCancel() override { stop_.request_stop(); }
  void OnDone() override { delete this; }

 private:
  // As gRPC's own default reactor: neither of the two waits for anything, so that no other thread
  // has to be woken for them.
  bool InternalInlineable() override { return true; }

  std::stop_source stop_;
};

std::string_view Metadata(const grpc::CallbackServerContext& call, const char* key) {
  const auto& all = call.client_metadata();
  // A repeated key is refused by looking at none of its values.
  if (all.count(key) != 1) return {};
  auto it = all.find(key);
  return {it->second.data(), it->second.size()};
}

}  // namespace

Dispatcher::Dispatcher(Options options, Policy policy, const auth::AccessTokenVerifier& tokens,
                       obs::Metrics& metrics)
    : options_(std::move(options)),
      gate_(options_.site, {std::move(policy)}, options_.denied),
      tokens_(tokens),
      metrics_(metrics),
      executor_(options_.handler_threads, options_.max_queue) {}

Dispatcher::~Dispatcher() = default;

// Who calls, by the certificate or, within the process, by its secret; nobody if neither is there.
Result<Principal> Dispatcher::WorkloadOf(const grpc::CallbackServerContext& call) const {
  Principal principal;
  const auto peer = call.auth_context();
  if (peer != nullptr && peer->IsPeerAuthenticated()) {
    GF_ASSIGN(principal.workload, PeerIdentity(*peer, options_.domain));
    GF_ASSIGN(principal.certificate_sha256, PeerCertificateSha256(*peer));
  } else if (crypto::ConstantTimeEquals(Metadata(call, kInProcessKey), InProcessSecret())) {
    principal.workload = {options_.site, std::string(Metadata(call, kCallerKey))};
    if (options_.certificate_of)
      principal.certificate_sha256 = options_.certificate_of(principal.workload.service);
  }
  return principal;
}

Result<Context> Dispatcher::Admit(grpc::CallbackServerContext* call,
                                  std::string_view method) const {
  GF_ASSIGN(Principal principal, WorkloadOf(*call));
  // The workload is judged before its token is even parsed.
  GF_ASSIGN(const PolicyRow* row, gate_.Admit(method, principal.workload));
  if (std::string_view header = Metadata(*call, kAuthorizationKey);
      row->ReadsUser() && !header.empty()) {
    constexpr std::string_view kBearer = "Bearer ";
    if (!header.starts_with(kBearer)) {
      return Error(StatusCode::kUnauthenticated, "TOKEN_REFUSED", "the access token was refused");
    }
    GF_ASSIGN(principal.user, tokens_.Verify(header.substr(kBearer.size())));
    // Only the site's own gateway has seen a proof of the key a token is bound to (RFC 9449).
    if (!principal.user->token_key.empty() && principal.workload.site != options_.site) {
      return Error(StatusCode::kUnauthenticated, "TOKEN_REFUSED", "the access token was refused");
    }
  }
  GF_TRY(row->Check(principal, options_.site));

  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      call->deadline() - std::chrono::system_clock::now());
  // A call without a deadline has one in the far future.
  if (left > std::chrono::hours(1)) left = options_.default_timeout;
  return Context::Background()
      .WithTraceparent(Metadata(*call, kTraceparentKey))
      .WithTimeout(left)
      .WithPrincipal(std::move(principal));
}

grpc::ServerUnaryReactor* Dispatcher::Serve(grpc::CallbackServerContext* call,
                                            std::string_view method,
                                            std::function<Status(const Context&)> handler) {
  auto* const reactor = new CallReactor;  // until gRPC says that it is done
  auto finish = [this, reactor, method = std::string(method),
                 start = std::chrono::steady_clock::now()](const Context& ctx,
                                                           const Status& status) {
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    obs::Metrics::Labels labels = {{"service", options_.service}, {"method", method}};
    metrics_.Observe("genofed_rpc_server_seconds", labels, seconds);
    labels["code"] = std::string(CodeName(status.code()));
    metrics_.Add("genofed_rpc_server_total", labels);
    if (!status.ok()) {
      bool ours = status.code() == StatusCode::kInternal || status.code() == StatusCode::kUnknown ||
                  status.code() == StatusCode::kDataLoss;
      obs::Log(
          ctx, ours ? obs::Level::kError : obs::Level::kInfo, "rpc.failed",
          {{"method", method},
           {"code", CodeName(status.code())},
           {"reason", Reason(status)},
           // Messages of other codes may quote the request; only our own failures are logged in
           // full.
           {"message", ours ? Message(status) : ""},
           {"caller", ctx.principal().workload.site + "/" + ctx.principal().workload.service}});
    }
    reactor->Finish(ToGrpc(status));
  };

  bool queued = executor_.Submit(
      [this, call, method = std::string(method), handler = std::move(handler), finish,
       stop = reactor->stop()] {
        Result<Context> admitted = Admit(call, method);
        if (!admitted.ok()) return finish(Context::Background(), admitted.status());
        *admitted = admitted->WithStop(stop);
        Status status = admitted->Alive();  // it may have waited in the queue
        if (!status.ok()) return finish(*admitted, status);
        try {
          status = handler(*admitted);
        } catch (const std::exception& e) {
          // A library exception that no adapter turned into a status: a defect of ours, but not a
          // reason to die.
          status = Error(StatusCode::kInternal, "UNEXPECTED_EXCEPTION", "{}", e.what());
        }
        finish(*admitted, status);
      });
  if (!queued) {
    finish(Context::Background(), Error(StatusCode::kResourceExhausted, "OVERLOADED",
                                        "{} has too many requests waiting", options_.service));
  }
  return reactor;
}

}  // namespace genofed::rpc
