// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_consent_service.h"

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "services/consent/adapters/proto_mapping.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.ConsentService/" #name

bool NeedsPseudonyms(const WorkloadIdentity& caller) {
  return caller.service == "spe" || caller.service == "onboarding";
}

// The policy admits verified citizens only; somebody else has no identifier and is refused by the
// use case.
std::string Person(const Context& ctx) {
  const auto& user = ctx.principal().user;
  return user ? user->person_identifier : "";
}

class GrpcConsentService final : public v1::ConsentService::CallbackService {
 public:
  GrpcConsentService(rpc::Dispatcher& rpc, Registrar& registrar, Cohorts& cohorts, MyConsent& mine,
                     Ledger& ledger)
      : rpc_(rpc), registrar_(registrar), cohorts_(cohorts), mine_(mine), ledger_(ledger) {}

  grpc::ServerUnaryReactor* RegisterSubjects(grpc::CallbackServerContext* call,
                                             const v1::RegisterSubjectsRequest* request,
                                             v1::RegisterSubjectsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(RegisterSubjects), request, response,
        [this](const Context& ctx,
               const v1::RegisterSubjectsRequest& r) -> Result<v1::RegisterSubjectsResponse> {
          GF_ASSIGN(auto subjects, FromProto(r));
          GF_ASSIGN(auto registration,
                    registrar_.Run(ctx, {FromProto(r.dataset()), std::move(subjects),
                                         r.base_version(), r.follow_up()}));
          return ToProto(registration);
        });
  }

  grpc::ServerUnaryReactor* GetCohort(grpc::CallbackServerContext* call,
                                      const v1::GetCohortRequest* request,
                                      v1::GetCohortResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetCohort), request, response,
        [this](const Context& ctx, const v1::GetCohortRequest& r) -> Result<v1::GetCohortResponse> {
          GF_ASSIGN(Permission permission, FromProto(r.permission()));
          GF_ASSIGN(auto cohort,
                    cohorts_.Run(ctx, FromProto(r.dataset()), permission, r.with_snapshot()));
          return ToProto(cohort, NeedsPseudonyms(ctx.principal().workload));
        });
  }

  grpc::ServerUnaryReactor* GetEpoch(grpc::CallbackServerContext* call,
                                     const v1::GetEpochRequest* request,
                                     v1::GetEpochResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetEpoch), request, response,
        [this](const Context& ctx, const v1::GetEpochRequest&) -> Result<v1::GetEpochResponse> {
          v1::GetEpochResponse answer;
          GF_ASSIGN(auto epoch, ledger_.Epoch(ctx));
          answer.set_epoch(epoch);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetMyPermissions(grpc::CallbackServerContext* call,
                                             const v1::GetMyPermissionsRequest* request,
                                             v1::GetMyPermissionsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetMyPermissions), request, response,
        [this](const Context& ctx,
               const v1::GetMyPermissionsRequest&) -> Result<v1::GetMyPermissionsResponse> {
          GF_ASSIGN(auto mine, mine_.Get(ctx, Person(ctx)));
          return ToProto(mine);
        });
  }

  grpc::ServerUnaryReactor* SetMyPermissions(grpc::CallbackServerContext* call,
                                             const v1::SetMyPermissionsRequest* request,
                                             v1::SetMyPermissionsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(SetMyPermissions), request, response,
        [this](const Context& ctx,
               const v1::SetMyPermissionsRequest& r) -> Result<v1::SetMyPermissionsResponse> {
          GF_ASSIGN(PermissionSet permissions, FromProto(r.permissions()));
          GF_ASSIGN(auto changed, mine_.Set(ctx, Person(ctx), permissions));
          v1::SetMyPermissionsResponse answer;
          answer.set_epoch(changed.epoch);
          answer.set_ledger_index(changed.ledger_index);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListMyAccesses(grpc::CallbackServerContext* call,
                                           const v1::ListMyAccessesRequest* request,
                                           v1::ListMyAccessesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListMyAccesses), request, response,
        [this](const Context& ctx,
               const v1::ListMyAccessesRequest& r) -> Result<v1::ListMyAccessesResponse> {
          GF_ASSIGN(auto page, mine_.Accesses(ctx, Person(ctx), r.page_size(), r.page_token()));
          return ToProto(page);
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Registrar& registrar_;
  Cohorts& cohorts_;
  MyConsent& mine_;
  Ledger& ledger_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcConsentService(rpc::Dispatcher& rpc, Registrar& registrar,
                                                      Cohorts& cohorts, MyConsent& mine,
                                                      Ledger& ledger) {
  return std::make_unique<GrpcConsentService>(rpc, registrar, cohorts, mine, ledger);
}

}  // namespace genofed::consent
