// SPDX-License-Identifier: Apache-2.0
#include "genofed/access/v1/access.grpc.pb.h"
#include "services/access/adapters/grpc_services.h"
#include "services/access/adapters/proto_mapping.h"

namespace genofed::access {
namespace {

#define GF_METHOD(name) "genofed.access.v1.ApplicationService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

template <typename Response>
Result<Response> WithApplication(Result<Application> application) {
  if (!application.ok()) return application.status();
  Response response;
  *response.mutable_application() = ToProto(*application);
  return response;
}

class GrpcApplicationService final : public v1::ApplicationService::CallbackService {
 public:
  GrpcApplicationService(rpc::Dispatcher& rpc, Applications& applications)
      : rpc_(rpc), applications_(applications) {}

  Reactor* CreateApplication(Call* call, const v1::CreateApplicationRequest* request,
                             v1::CreateApplicationResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CreateApplication), request, response,
                      [this](const Context& ctx, const auto& r) {
                        return WithApplication<v1::CreateApplicationResponse>(
                            applications_.Create(ctx, FromProto(r.content()), r.idempotency_key()));
                      });
  }
  Reactor* SubmitApplication(Call* call, const v1::SubmitApplicationRequest* request,
                             v1::SubmitApplicationResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(SubmitApplication), request, response,
        [this](const Context& ctx, const auto& r) {
          return WithApplication<v1::SubmitApplicationResponse>(applications_.Submit(ctx, r.id()));
        });
  }
  Reactor* ConfirmApplication(Call* call, const v1::ConfirmApplicationRequest* request,
                              v1::ConfirmApplicationResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ConfirmApplication), request, response,
        [this](const Context& ctx, const auto& r) {
          return WithApplication<v1::ConfirmApplicationResponse>(applications_.Confirm(
              ctx, r.id(), r.confirm(),
              {r.attested_conditions().begin(), r.attested_conditions().end()}, r.note()));
        });
  }
  Reactor* RecommendApplication(Call* call, const v1::RecommendApplicationRequest* request,
                                v1::RecommendApplicationResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(RecommendApplication), request, response,
                      [this](const Context& ctx, const auto& r) {
                        return WithApplication<v1::RecommendApplicationResponse>(
                            applications_.Recommend(ctx, r.id(), r.positive(), r.note()));
                      });
  }
  Reactor* SignAgreement(Call* call, const v1::SignAgreementRequest* request,
                         v1::SignAgreementResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(SignAgreement), request, response,
                      [this](const Context& ctx, const auto& r) {
                        return WithApplication<v1::SignAgreementResponse>(
                            applications_.SignAgreement(ctx, r.id(), r.digest()));
                      });
  }
  Reactor* GetApplication(Call* call, const v1::GetApplicationRequest* request,
                          v1::GetApplicationResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetApplication), request, response,
        [this](const Context& ctx, const auto& r) {
          return WithApplication<v1::GetApplicationResponse>(applications_.Get(ctx, r.id()));
        });
  }
  Reactor* ListApplications(Call* call, const v1::ListApplicationsRequest* request,
                            v1::ListApplicationsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListApplications), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::ListApplicationsResponse> {
          GF_ASSIGN(const Page page, Page::Of(r.page_size(), r.page_token()));
          GF_ASSIGN(auto applications, applications_.List(ctx, page));
          v1::ListApplicationsResponse answer;
          for (const auto& application : applications.items)
            *answer.add_applications() = ToProto(application);
          answer.set_next_page_token(applications.next);
          return answer;
        });
  }
  Reactor* FetchApplications(Call* call, const v1::FetchApplicationsRequest* request,
                             v1::FetchApplicationsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(FetchApplications), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::FetchApplicationsResponse> {
          GF_ASSIGN(auto applications,
                    applications_.ChangedSince(ctx, CallingCountry(ctx), r.after(), r.limit()));
          v1::FetchApplicationsResponse answer;
          for (const auto& application : applications)
            *answer.add_applications() = ToProto(application);
          return answer;
        });
  }
  Reactor* DeliverDecision(Call* call, const v1::DeliverDecisionRequest* request,
                           v1::DeliverDecisionResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(DeliverDecision), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::DeliverDecisionResponse> {
          GF_TRY(applications_.TakeDecision(ctx, CallingCountry(ctx), r.application(),
                                            r.signed_decision()));
          return v1::DeliverDecisionResponse();
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Applications& applications_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcApplicationService(rpc::Dispatcher& rpc,
                                                          Applications& applications) {
  return std::make_unique<GrpcApplicationService>(rpc, applications);
}

}  // namespace genofed::access
