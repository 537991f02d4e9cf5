// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/adapters/grpc_catalogue_service.h"

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "libs/core/strings.h"
#include "services/catalogue/adapters/proto_mapping.h"

namespace genofed::catalogue {
namespace {

#define GF_METHOD(name) "genofed.catalogue.v1.CatalogueService/" #name

bool SeesAll(const Context& ctx) {
  const auto& user = ctx.principal().user;
  return user && (user->HasRole("ncp") || user->HasRole("holder") || user->HasRole("operator"));
}

class GrpcCatalogueService final : public v1::CatalogueService::CallbackService {
 public:
  GrpcCatalogueService(rpc::Dispatcher& rpc, Catalogue& catalogue)
      : rpc_(rpc), catalogue_(catalogue) {}

  grpc::ServerUnaryReactor* SubmitRecord(grpc::CallbackServerContext* call,
                                         const v1::SubmitRecordRequest* request,
                                         v1::SubmitRecordResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(SubmitRecord), request, response,
                      [this](const Context& ctx,
                             const v1::SubmitRecordRequest& r) -> Result<v1::SubmitRecordResponse> {
                        GF_TRY(catalogue_.Submit(ctx, FromProto(r.record())));
                        return v1::SubmitRecordResponse();
                      });
  }

  grpc::ServerUnaryReactor* ReviewRecord(grpc::CallbackServerContext* call,
                                         const v1::ReviewRecordRequest* request,
                                         v1::ReviewRecordResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReviewRecord), request, response,
        [this](const Context& ctx,
               const v1::ReviewRecordRequest& r) -> Result<v1::ReviewRecordResponse> {
          GF_ASSIGN(auto record,
                    catalogue_.Review(
                        ctx, r.id(), r.version(),
                        {r.approve(), r.comment(), {r.evidence().begin(), r.evidence().end()}}));
          v1::ReviewRecordResponse answer;
          *answer.mutable_record() = ToProto(record);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ActivateRecord(grpc::CallbackServerContext* call,
                                           const v1::ActivateRecordRequest* request,
                                           v1::ActivateRecordResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ActivateRecord), request, response,
        [this](const Context& ctx,
               const v1::ActivateRecordRequest& r) -> Result<v1::ActivateRecordResponse> {
          GF_TRY(catalogue_.Activate(ctx, r.id(), r.version(), r.reason()));
          return v1::ActivateRecordResponse();
        });
  }

  grpc::ServerUnaryReactor* WithdrawRecord(grpc::CallbackServerContext* call,
                                           const v1::WithdrawRecordRequest* request,
                                           v1::WithdrawRecordResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(WithdrawRecord), request, response,
        [this](const Context& ctx,
               const v1::WithdrawRecordRequest& r) -> Result<v1::WithdrawRecordResponse> {
          GF_TRY(catalogue_.Withdraw(ctx, r.id(), r.reason()));
          return v1::WithdrawRecordResponse();
        });
  }

  grpc::ServerUnaryReactor* ListRecords(grpc::CallbackServerContext* call,
                                        const v1::ListRecordsRequest* request,
                                        v1::ListRecordsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListRecords), request, response,
                      [this](const Context& ctx,
                             const v1::ListRecordsRequest& r) -> Result<v1::ListRecordsResponse> {
                        if (r.all() && !SeesAll(ctx)) {
                          return Error(StatusCode::kPermissionDenied, "ROLE_MISSING",
                                       "unlisted records need the role ncp, holder or operator");
                        }
                        GF_ASSIGN(auto page,
                                  catalogue_.List(ctx, r.text(), ToUpper(r.country()), r.all(),
                                                  r.page_size(), r.page_token()));
                        v1::ListRecordsResponse answer;
                        for (DatasetRecord& record : page.records) {
                          if (!r.all()) record.inclusion.clear();
                          *answer.add_records() = ToProto(record);
                        }
                        answer.set_next_page_token(page.next_page_token);
                        answer.set_total(page.total);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetRecord(grpc::CallbackServerContext* call,
                                      const v1::GetRecordRequest* request,
                                      v1::GetRecordResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetRecord), request, response,
        [this](const Context& ctx, const v1::GetRecordRequest& r) -> Result<v1::GetRecordResponse> {
          GF_ASSIGN(auto record, catalogue_.Get(ctx, r.id(), SeesAll(ctx)));
          v1::GetRecordResponse answer;
          if (!SeesAll(ctx)) record.inclusion.clear();
          *answer.mutable_record() = ToProto(record);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* AnnounceRecord(grpc::CallbackServerContext* call,
                                           const v1::AnnounceRecordRequest* request,
                                           v1::AnnounceRecordResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(AnnounceRecord), request, response,
        [this](const Context& ctx,
               const v1::AnnounceRecordRequest& r) -> Result<v1::AnnounceRecordResponse> {
          // The certificate says which country speaks.
          GF_TRY(catalogue_.TakeAnnouncement(ctx, ToUpper(ctx.principal().workload.site),
                                             FromProto(r.record())));
          return v1::AnnounceRecordResponse();
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Catalogue& catalogue_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcCatalogueService(rpc::Dispatcher& rpc,
                                                        Catalogue& catalogue) {
  return std::make_unique<GrpcCatalogueService>(rpc, catalogue);
}

}  // namespace genofed::catalogue
