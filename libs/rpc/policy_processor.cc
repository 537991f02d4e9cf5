// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/policy_processor.h"

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/auth_metadata_processor.h>

#include "libs/obs/log.h"
#include "libs/rpc/status_codec.h"
#include "libs/rpc/tls.h"

namespace genofed::rpc {
namespace {

constexpr char kPath[] = ":path";

class PolicyProcessor final : public grpc::AuthMetadataProcessor {
 public:
  PolicyProcessor(WorkloadGate gate, std::string domain, obs::Metrics* metrics)
      : gate_(std::move(gate)), domain_(std::move(domain)), metrics_(metrics) {}

  // Nothing here waits, so gRPC need not take a thread of its pool for it.
  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    const std::string_view method = MethodOf(metadata);
    WorkloadIdentity caller;
    const Status judged = Judge(method, *context, caller);
    if (judged.ok()) return grpc::Status::OK;
    if (metrics_ != nullptr)
      metrics_->Add("genofed_rpc_refused_total", {{"reason", Reason(judged)}});
    GF_LOG(Context::Background(), info, "rpc.refused",
           // A method that nobody serves is a stranger's text.
           {"method", gate_.Knows(method) ? method : std::string_view("unknown")},
           {"reason", Reason(judged)}, {"caller", caller.site + "/" + caller.service});
    return ToGrpcWithoutDetails(judged);
  }

 private:
  // "genofed.consent.v1.ConsentService/GetEpoch"; empty when there is no one path.
  static std::string_view MethodOf(const InputMetadata& metadata) {
    if (metadata.count(kPath) != 1) return {};
    const grpc::string_ref path = metadata.find(kPath)->second;
    if (path.empty() || *path.begin() != '/') return {};
    return {path.data() + 1, path.size() - 1};
  }

  Status Judge(std::string_view method, const grpc::AuthContext& context,
               WorkloadIdentity& caller) const {
    GF_ASSIGN(caller, PeerIdentity(context, domain_));
    return gate_.Admit(method, caller).status();
  }

  const WorkloadGate gate_;
  const std::string domain_;
  obs::Metrics* const metrics_;
};

}  // namespace

std::shared_ptr<grpc::AuthMetadataProcessor> MakePolicyProcessor(WorkloadGate gate,
                                                                 std::string domain,
                                                                 obs::Metrics* metrics) {
  return std::make_shared<PolicyProcessor>(std::move(gate), std::move(domain), metrics);
}

}  // namespace genofed::rpc
