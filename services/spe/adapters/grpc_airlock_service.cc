// SPDX-License-Identifier: Apache-2.0
#include "genofed/spe/v1/spe.grpc.pb.h"
#include "services/spe/adapters/grpc_services.h"
#include "services/spe/adapters/proto_mapping.h"

namespace genofed::spe {
namespace {

#define GF_METHOD(name) "genofed.spe.v1.AirlockService/" #name

class GrpcAirlockService final : public v1::AirlockService::CallbackService {
 public:
  GrpcAirlockService(rpc::Dispatcher& rpc, Tasks& tasks) : rpc_(rpc), tasks_(tasks) {}

  grpc::ServerUnaryReactor* ListReviews(grpc::CallbackServerContext* call,
                                        const v1::ListReviewsRequest* request,
                                        v1::ListReviewsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListReviews), request, response,
                      [this](const Context& ctx,
                             const v1::ListReviewsRequest&) -> Result<v1::ListReviewsResponse> {
                        GF_ASSIGN(const std::vector<Review> reviews, tasks_.ListReviews(ctx));
                        v1::ListReviewsResponse answer;
                        for (const Review& review : reviews)
                          *answer.add_reviews() = ReviewToProto(review);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetReviewFile(grpc::CallbackServerContext* call,
                                          const v1::GetReviewFileRequest* request,
                                          v1::GetReviewFileResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetReviewFile), request, response,
        [this](const Context& ctx,
               const v1::GetReviewFileRequest& r) -> Result<v1::GetReviewFileResponse> {
          v1::GetReviewFileResponse answer;
          GF_ASSIGN(*answer.mutable_content(), tasks_.ReviewFile(ctx, r.task(), r.name()));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* Decide(grpc::CallbackServerContext* call,
                                   const v1::DecideRequest* request,
                                   v1::DecideResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(Decide), request, response,
        [this](const Context& ctx, const v1::DecideRequest& r) -> Result<v1::DecideResponse> {
          GF_TRY(tasks_.Decide(ctx, r.task(), r.digest(), r.release(), r.reason(),
                               ctx.principal().user->subject));
          return v1::DecideResponse();
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Tasks& tasks_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcAirlockService(rpc::Dispatcher& rpc, Tasks& tasks) {
  return std::make_unique<GrpcAirlockService>(rpc, tasks);
}

}  // namespace genofed::spe
