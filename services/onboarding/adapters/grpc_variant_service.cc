// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/grpc_variant_service.h"

#include "genofed/onboarding/v1/variants.grpc.pb.h"

namespace genofed::onboarding {
namespace {

#define GF_METHOD(name) "genofed.onboarding.v1.VariantService/" #name

class GrpcVariantService final : public v1::VariantService::CallbackService {
 public:
  GrpcVariantService(rpc::Dispatcher& rpc, VariantFiles& files) : rpc_(rpc), files_(files) {}

  grpc::ServerUnaryReactor* PutVariantFile(grpc::CallbackServerContext* call,
                                           const v1::PutVariantFileRequest* request,
                                           v1::PutVariantFileResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(PutVariantFile), request, response,
                      [this](const Context& ctx, const v1::PutVariantFileRequest& r)
                          -> Result<v1::PutVariantFileResponse> {
                        GF_ASSIGN(auto written,
                                  files_.Write(ctx, r.file(), r.offset(), r.data()));
                        v1::PutVariantFileResponse answer;
                        answer.set_file(std::move(written.file));
                        answer.set_size(written.size);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* DescribeVariantFile(
      grpc::CallbackServerContext* call, const v1::DescribeVariantFileRequest* request,
      v1::DescribeVariantFileResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(DescribeVariantFile), request, response,
                      [this](const Context& ctx, const v1::DescribeVariantFileRequest& r)
                          -> Result<v1::DescribeVariantFileResponse> {
                        GF_ASSIGN(const auto progress,
                                  files_.Describe(ctx, r.file(), r.name(), r.assembly()));
                        v1::DescribeVariantFileResponse answer;
                        answer.set_done(progress.done);
                        answer.set_records(progress.records);
                        answer.set_variants(progress.variants);
                        answer.set_list_size(progress.list_size);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ReadVariantList(grpc::CallbackServerContext* call,
                                            const v1::ReadVariantListRequest* request,
                                            v1::ReadVariantListResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ReadVariantList), request, response,
                      [this](const Context& ctx, const v1::ReadVariantListRequest& r)
                          -> Result<v1::ReadVariantListResponse> {
                        GF_ASSIGN(auto piece, files_.Read(ctx, r.file(), r.offset(), r.size()));
                        v1::ReadVariantListResponse answer;
                        answer.set_data(std::move(piece.bytes));
                        answer.set_list_size(piece.list_size);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* DiscardVariantFile(grpc::CallbackServerContext* call,
                                               const v1::DiscardVariantFileRequest* request,
                                               v1::DiscardVariantFileResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(DiscardVariantFile), request, response,
                      [this](const Context& ctx, const v1::DiscardVariantFileRequest& r)
                          -> Result<v1::DiscardVariantFileResponse> {
                        files_.Discard(ctx, r.file());
                        return v1::DiscardVariantFileResponse();
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  VariantFiles& files_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcVariantService(rpc::Dispatcher& rpc, VariantFiles& files) {
  return std::make_unique<GrpcVariantService>(rpc, files);
}

}  // namespace genofed::onboarding
