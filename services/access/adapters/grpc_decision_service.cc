// SPDX-License-Identifier: Apache-2.0
#include "genofed/access/v1/access.grpc.pb.h"
#include "services/access/adapters/grpc_services.h"
#include "services/access/adapters/proto_mapping.h"

namespace genofed::access {
namespace {

#define GF_METHOD(name) "genofed.access.v1.DecisionService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

template <typename Response>
Result<Response> WithReview(Result<Grant> grant) {
  if (!grant.ok()) return grant.status();
  Response response;
  *response.mutable_review() = ToProto(*grant);
  return response;
}

class GrpcDecisionService final : public v1::DecisionService::CallbackService {
 public:
  GrpcDecisionService(rpc::Dispatcher& rpc, Decisions& decisions)
      : rpc_(rpc), decisions_(decisions) {}

  Reactor* ListReviews(Call* call, const v1::ListReviewsRequest* request,
                       v1::ListReviewsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListReviews), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::ListReviewsResponse> {
                        GF_ASSIGN(const Page page, Page::Of(r.page_size(), r.page_token()));
                        GF_ASSIGN(auto grants, decisions_.List(ctx, page));
                        v1::ListReviewsResponse answer;
                        for (const Grant& grant : grants.items)
                          *answer.add_reviews() = ToProto(grant);
                        answer.set_next_page_token(grants.next);
                        return answer;
                      });
  }
  Reactor* GetReview(Call* call, const v1::GetReviewRequest* request,
                     v1::GetReviewResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetReview), request, response, [this](const Context& ctx, const auto& r) {
          return WithReview<v1::GetReviewResponse>(decisions_.Get(ctx, r.application()));
        });
  }
  Reactor* Decide(Call* call, const v1::DecideRequest* request,
                  v1::DecideResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(Decide), request, response,
                      [this](const Context& ctx, const auto& r) {
                        return WithReview<v1::DecideResponse>(decisions_.Decide(
                            ctx, r.application(),
                            {r.approve(),
                             r.reason(),
                             {r.datasets().begin(), r.datasets().end()},
                             r.digest(),
                             r.permit_days(),
                             r.replace_proposal(),
                             {r.accepted_conditions().begin(), r.accepted_conditions().end()}}));
                      });
  }
  Reactor* Revoke(Call* call, const v1::RevokeRequest* request,
                  v1::RevokeResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(Revoke), request, response,
                      [this](const Context& ctx, const auto& r) {
                        return WithReview<v1::RevokeResponse>(
                            decisions_.Revoke(ctx, r.application(), r.reason()));
                      });
  }
  Reactor* GetApproval(Call* call, const v1::GetApprovalRequest* request,
                       v1::GetApprovalResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetApproval), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::GetApprovalResponse> {
                        GF_ASSIGN(auto approval, decisions_.Approve(ctx, r.application()));
                        v1::GetApprovalResponse answer;
                        answer.set_token(approval.token);
                        answer.set_certificate_sha256(approval.certificate_sha256);
                        answer.mutable_datasets()->Add(approval.grant.decision.datasets.begin(),
                                                       approval.grant.decision.datasets.end());
                        answer.set_decision_sha256(approval.grant.decision_sha256);
                        *answer.mutable_application() = ToProto(approval.grant.application);
                        return answer;
                      });
  }
  Reactor* CheckApproval(Call* call, const v1::CheckApprovalRequest* request,
                         v1::CheckApprovalResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CheckApproval), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::CheckApprovalResponse> {
          Status live = decisions_.Check(ctx, r.application());
          if (!live.ok() && live.code() != StatusCode::kPermissionDenied &&
              live.code() != StatusCode::kNotFound)
            return live;
          v1::CheckApprovalResponse answer;
          answer.set_live(live.ok());
          answer.set_reason(Reason(live));
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Decisions& decisions_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcDecisionService(rpc::Dispatcher& rpc, Decisions& decisions) {
  return std::make_unique<GrpcDecisionService>(rpc, decisions);
}

}  // namespace genofed::access
