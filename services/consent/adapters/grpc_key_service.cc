// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_key_service.h"

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "services/consent/adapters/proto_mapping.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.KeyService/" #name

class GrpcKeyService final : public v1::KeyService::CallbackService {
 public:
  GrpcKeyService(rpc::Dispatcher& rpc, DatasetKeys& keys, obs::Metrics& metrics)
      : rpc_(rpc), keys_(keys), metrics_(metrics) {}

  grpc::ServerUnaryReactor* GetEncryptionKey(grpc::CallbackServerContext* call,
                                             const v1::GetEncryptionKeyRequest* request,
                                             v1::GetEncryptionKeyResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetEncryptionKey), request, response,
        [this](const Context&,
               const v1::GetEncryptionKeyRequest&) -> Result<v1::GetEncryptionKeyResponse> {
          v1::GetEncryptionKeyResponse answer;
          answer.set_public_key(keys_.public_key());
          return answer;
        });
  }

  grpc::ServerUnaryReactor* StoreHeader(grpc::CallbackServerContext* call,
                                        const v1::StoreHeaderRequest* request,
                                        v1::StoreHeaderResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(StoreHeader), request, response,
        [this](const Context& ctx,
               const v1::StoreHeaderRequest& r) -> Result<v1::StoreHeaderResponse> {
          GF_TRY(keys_.StoreHeader(ctx, {r.object(), FromProto(r.dataset()), r.header(), r.role()}));
          return v1::StoreHeaderResponse();
        });
  }

  grpc::ServerUnaryReactor* ReleaseHeaders(grpc::CallbackServerContext* call,
                                           const v1::ReleaseHeadersRequest* request,
                                           v1::ReleaseHeadersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReleaseHeaders), request, response,
        [this](const Context& ctx,
               const v1::ReleaseHeadersRequest& r) -> Result<v1::ReleaseHeadersResponse> {
          GF_ASSIGN(auto released, keys_.Release(ctx, {r.ledger_index(),
                                                       r.recipient(),
                                                       {r.objects().begin(), r.objects().end()},
                                                       r.approval(),
                                                       r.application(),
                                                       r.researcher_subject()}));
          metrics_.Add("genofed_consent_released_headers_total", {},
                       static_cast<double>(released.headers.size()));
          v1::ReleaseHeadersResponse answer;
          for (std::string& header : released.headers) answer.add_headers(std::move(header));
          answer.set_epoch(released.epoch);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ReleaseForErasure(grpc::CallbackServerContext* call,
                                              const v1::ReleaseForErasureRequest* request,
                                              v1::ReleaseForErasureResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReleaseForErasure), request, response,
        [this](const Context& ctx,
               const v1::ReleaseForErasureRequest& r) -> Result<v1::ReleaseForErasureResponse> {
          v1::ReleaseForErasureResponse answer;
          GF_ASSIGN(*answer.mutable_header(), keys_.ReleaseForErasure(ctx, r.object(), r.recipient()));
          metrics_.Add("genofed_consent_released_headers_total", {});
          return answer;
        });
  }

  grpc::ServerUnaryReactor* DestroyHeaders(grpc::CallbackServerContext* call,
                                           const v1::DestroyHeadersRequest* request,
                                           v1::DestroyHeadersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(DestroyHeaders), request, response,
        [this](const Context& ctx,
               const v1::DestroyHeadersRequest& r) -> Result<v1::DestroyHeadersResponse> {
          v1::DestroyHeadersResponse answer;
          GF_ASSIGN(auto destroyed, keys_.Destroy(ctx, r.dataset(), {r.objects().begin(), r.objects().end()}));
          answer.set_destroyed(destroyed);
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  DatasetKeys& keys_;
  obs::Metrics& metrics_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcKeyService(rpc::Dispatcher& rpc, DatasetKeys& keys,
                                                  obs::Metrics& metrics) {
  return std::make_unique<GrpcKeyService>(rpc, keys, metrics);
}

}  // namespace genofed::consent
