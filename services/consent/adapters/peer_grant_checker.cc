// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/peer_grant_checker.h"

#include "genofed/access/v1/access.grpc.pb.h"
#include "libs/rpc/channel.h"

namespace genofed::consent {
namespace {

class PeerGrantChecker final : public GrantChecker {
 public:
  explicit PeerGrantChecker(rpc::ChannelSource access)
      : peer_(std::move(access), {.timeout = std::chrono::seconds(5)}) {}

  Status CheckLive(const Context& ctx, const std::string& token_id,
                   const std::string& application) override {
    access::v1::CheckApprovalRequest request;
    request.set_token_id(token_id);
    request.set_application(application);
    GF_ASSIGN(auto answer,
              peer_.Call(ctx, &access::v1::DecisionService::Stub::CheckApproval, request));
    if (answer.live()) return absl::OkStatus();
    return Error(StatusCode::kPermissionDenied, "APPROVAL_ENDED",
                 "the approval no longer lives: {}", answer.reason());
  }

 private:
  rpc::Peer<access::v1::DecisionService> peer_;
};

}  // namespace

std::unique_ptr<GrantChecker> MakePeerGrantChecker(rpc::ChannelSource access) {
  return std::make_unique<PeerGrantChecker>(std::move(access));
}

}  // namespace genofed::consent
