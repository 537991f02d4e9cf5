// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_reader_service.h"

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/rpc/time_codec.h"
#include "services/consent/adapters/proto_mapping.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.ReaderService/" #name

void SetDataset(common::v1::DatasetVersion* out, const DatasetVersion& dataset) {
  out->set_dataset(dataset.dataset);
  out->set_version(dataset.version);
}

class GrpcReaderService final : public v1::ReaderService::CallbackService {
 public:
  GrpcReaderService(rpc::Dispatcher& rpc, ReaderAccess& readers, obs::Metrics& metrics)
      : rpc_(rpc), readers_(readers), metrics_(metrics) {}

  grpc::ServerUnaryReactor* JudgeReader(grpc::CallbackServerContext* call,
                                        const v1::JudgeReaderRequest* request,
                                        v1::JudgeReaderResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(JudgeReader), request, response,
                      [this](const Context& ctx,
                             const v1::JudgeReaderRequest& r) -> Result<v1::JudgeReaderResponse> {
                        GF_ASSIGN(const auto permitted,
                                  readers_.Judge(ctx, {r.object(), r.peer()}, r.passport()));
                        v1::JudgeReaderResponse answer;
                        SetDataset(answer.mutable_dataset(), permitted.dataset);
                        rpc::SetTime(answer.mutable_until(), permitted.until);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* OpenAccess(grpc::CallbackServerContext* call,
                                       const v1::OpenAccessRequest* request,
                                       v1::OpenAccessResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(OpenAccess), request, response,
                      [this](const Context& ctx,
                             const v1::OpenAccessRequest& r) -> Result<v1::OpenAccessResponse> {
                        GF_ASSIGN(const auto opened, readers_.Open(ctx, {r.object(), r.peer()},
                                                                   r.passport(), r.recipient()));
                        metrics_.Add("genofed_consent_accesses_opened_total", {});
                        v1::OpenAccessResponse answer;
                        answer.set_access(opened.access);
                        rpc::SetTime(answer.mutable_expires(), opened.expires);
                        answer.set_ledger_index(opened.ledger_index);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* CheckAccess(grpc::CallbackServerContext* call,
                                        const v1::CheckAccessRequest* request,
                                        v1::CheckAccessResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CheckAccess), request, response,
        [this](const Context& ctx,
               const v1::CheckAccessRequest& r) -> Result<v1::CheckAccessResponse> {
          GF_ASSIGN(const auto permitted, readers_.Check(ctx, {r.object(), r.peer()}, r.access()));
          v1::CheckAccessResponse answer;
          SetDataset(answer.mutable_dataset(), permitted.dataset);
          rpc::SetTime(answer.mutable_expires(), permitted.until);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ReleaseToReader(grpc::CallbackServerContext* call,
                                            const v1::ReleaseToReaderRequest* request,
                                            v1::ReleaseToReaderResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReleaseToReader), request, response,
        [this](const Context& ctx,
               const v1::ReleaseToReaderRequest& r) -> Result<v1::ReleaseToReaderResponse> {
          v1::ReleaseToReaderResponse answer;
          GF_ASSIGN(*answer.mutable_header(),
                    readers_.Release(ctx, {r.object(), r.peer()}, r.access(),
                                     {r.edit_list().begin(), r.edit_list().end()}));
          metrics_.Add("genofed_consent_released_headers_total", {});
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ReleaseIndex(grpc::CallbackServerContext* call,
                                         const v1::ReleaseIndexRequest* request,
                                         v1::ReleaseIndexResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReleaseIndex), request, response,
        [this](const Context& ctx,
               const v1::ReleaseIndexRequest& r) -> Result<v1::ReleaseIndexResponse> {
          v1::ReleaseIndexResponse answer;
          GF_ASSIGN(*answer.mutable_header(),
                    readers_.ReleaseIndex(ctx, {r.object(), r.peer()}, r.access(), r.recipient()));
          metrics_.Add("genofed_consent_released_headers_total", {});
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  ReaderAccess& readers_;
  obs::Metrics& metrics_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcReaderService(rpc::Dispatcher& rpc, ReaderAccess& readers,
                                                     obs::Metrics& metrics) {
  return std::make_unique<GrpcReaderService>(rpc, readers, metrics);
}

}  // namespace genofed::consent
