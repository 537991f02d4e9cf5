// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_consent_service.h"

#include <utility>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "services/consent/adapters/consent_export.h"
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
  GrpcConsentService(rpc::Dispatcher& rpc, const ConsentUseCases& with) : rpc_(rpc), with_(with) {}

  grpc::ServerUnaryReactor* RegisterSubjects(grpc::CallbackServerContext* call,
                                             const v1::RegisterSubjectsRequest* request,
                                             v1::RegisterSubjectsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(RegisterSubjects), request, response,
        [this](const Context& ctx,
               const v1::RegisterSubjectsRequest& r) -> Result<v1::RegisterSubjectsResponse> {
          GF_ASSIGN(auto subjects, FromProto(r));
          GF_ASSIGN(auto registration, with_.registrar.Run(ctx, {FromProto(r.dataset()), std::move(subjects),
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
          const bool pseudonyms = NeedsPseudonyms(ctx.principal().workload);
          if (r.has_run_ledger_index()) {
            GF_ASSIGN(const auto of_run,
                      with_.cohorts.OfRun(ctx, FromProto(r.dataset()), r.run_ledger_index(), pseudonyms));
            return ToProto(of_run);
          }
          GF_ASSIGN(Permission permission, FromProto(r.permission()));
          // What a project meets stands in its approval, which the dispatcher verifies.
          if (r.conditions_met_size() > 0 && ctx.principal().workload.service != "dispatcher")
            return Error(StatusCode::kPermissionDenied, "CALLER_WITHOUT_PROJECT",
                         "only the dispatcher has a project");
          const Use use(permission, r.purpose(),
                        {r.conditions_met().begin(), r.conditions_met().end()});
          GF_ASSIGN(auto cohort, with_.cohorts.Run(ctx, FromProto(r.dataset()), use,
                                                   r.with_snapshot(), pseudonyms));
          return ToProto(cohort);
        });
  }

  grpc::ServerUnaryReactor* GetEpoch(grpc::CallbackServerContext* call,
                                     const v1::GetEpochRequest* request,
                                     v1::GetEpochResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetEpoch), request, response,
        [this](const Context& ctx, const v1::GetEpochRequest&) -> Result<v1::GetEpochResponse> {
          v1::GetEpochResponse answer;
          GF_ASSIGN(auto epoch, with_.ledger.Epoch(ctx));
          answer.set_epoch(epoch);
          answer.set_adult_age(with_.adult_age);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetMyPermissions(grpc::CallbackServerContext* call,
                                             const v1::GetMyPermissionsRequest* request,
                                             v1::GetMyPermissionsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetMyPermissions), request, response,
        [this](const Context& ctx, const v1::GetMyPermissionsRequest&) -> Result<v1::GetMyPermissionsResponse> {
          GF_ASSIGN(auto mine, with_.mine.Get(ctx, Person(ctx)));
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
          GF_ASSIGN(auto changed, with_.mine.Set(ctx, Person(ctx), FromProto(permissions, r.terms())));
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
        [this](const Context& ctx, const v1::ListMyAccessesRequest& r) -> Result<v1::ListMyAccessesResponse> {
          GF_ASSIGN(auto page, with_.mine.Accesses(ctx, Person(ctx), r.page_size(), r.page_token()));
          return ToProto(page);
        });
  }

  grpc::ServerUnaryReactor* CheckRun(grpc::CallbackServerContext* call, const v1::CheckRunRequest* request,
                                     v1::CheckRunResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CheckRun), request, response,
                      [this](const Context& ctx, const v1::CheckRunRequest& r) -> Result<v1::CheckRunResponse> {
                        GF_ASSIGN(const RunCheck check, with_.cohorts.CheckRun(ctx, r.run_ledger_index()));
                        v1::CheckRunResponse answer;
                        answer.set_unchanged(check.unchanged);
                        answer.set_cancel(check.cancel);
                        answer.set_epoch(check.epoch);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ExportMyConsents(grpc::CallbackServerContext* call,
                                             const v1::ExportMyConsentsRequest* request,
                                             v1::ExportMyConsentsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ExportMyConsents), request, response,
        [this](const Context& ctx, const v1::ExportMyConsentsRequest& r) -> Result<v1::ExportMyConsentsResponse> {
          GF_ASSIGN(const auto mine, with_.mine.Get(ctx, Person(ctx)));
          GF_ASSIGN(auto exported, ExportConsents(r.format(), mine, Facts(ctx)));
          v1::ExportMyConsentsResponse answer;
          answer.set_media_type(std::move(exported.media_type));
          answer.set_content(std::move(exported.content));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ExportMyData(grpc::CallbackServerContext* call, const v1::ExportMyDataRequest* request,
                                         v1::ExportMyDataResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ExportMyData), request, response,
                      [this](const Context& ctx,
                             const v1::ExportMyDataRequest& r) -> Result<v1::ExportMyDataResponse> {
                        GF_ASSIGN(auto piece,
                                  ExportEverything(ctx, with_.mine, r.page_token(), Facts(ctx)));
                        v1::ExportMyDataResponse answer;
                        answer.set_json(std::move(piece.json));
                        answer.set_next_page_token(std::move(piece.next_page_token));
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* EraseMe(grpc::CallbackServerContext* call, const v1::EraseMeRequest* request,
                                    v1::EraseMeResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(EraseMe), request, response,
                      [this](const Context& ctx, const v1::EraseMeRequest& r) -> Result<v1::EraseMeResponse> {
                        if (r.confirm() != "erase")
                          return InvalidField("confirm", "NOT_CONFIRMED", "must be \"erase\": it cannot be taken back");
                        v1::EraseMeResponse answer;
                        GF_ASSIGN(const auto index, with_.mine.Forget(ctx, Person(ctx)));
                        answer.set_ledger_index(index);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ListForgottenRows(grpc::CallbackServerContext* call,
                                              const v1::ListForgottenRowsRequest* request,
                                              v1::ListForgottenRowsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListForgottenRows), request, response,
        [this](const Context& ctx, const v1::ListForgottenRowsRequest& r) -> Result<v1::ListForgottenRowsResponse> {
          GF_ASSIGN(const ForgottenRows forgotten, with_.mine.Forgotten(ctx, r.after()));
          v1::ListForgottenRowsResponse answer;
          for (const PersonSlot& place : forgotten.rows) {
            auto& row = *answer.add_rows();
            row.mutable_dataset()->set_dataset(place.dataset.dataset);
            row.mutable_dataset()->set_version(place.dataset.version);
            row.set_row(place.slot.included ? place.slot.slot : -1);
          }
          answer.set_next(forgotten.next);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* AskWishes(grpc::CallbackServerContext* call,
                                      const v1::AskWishesRequest* request,
                                      v1::AskWishesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(AskWishes), request, response,
        [this](const Context& ctx, const v1::AskWishesRequest& r) -> Result<v1::AskWishesResponse> {
          GF_ASSIGN(const auto wishes,
                    with_.wishes.Run(ctx, r.dataset(), {r.people().begin(), r.people().end()}));
          v1::AskWishesResponse answer;
          for (const Wishes& one : wishes) {
            auto& of_person = *answer.add_wishes();
            of_person.set_recontact(one.recontact);
            of_person.set_incidental_findings(one.incidental_findings);
          }
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListMyNotices(grpc::CallbackServerContext* call, const v1::ListMyNoticesRequest* request,
                                          v1::ListMyNoticesResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListMyNotices), request, response,
                      [this](const Context& ctx, const v1::ListMyNoticesRequest&) -> Result<v1::ListMyNoticesResponse> {
                        GF_ASSIGN(const auto notices, with_.mine.Notices(ctx, Person(ctx)));
                        v1::ListMyNoticesResponse answer;
                        for (const NoticeRow& notice : notices) *answer.add_notices() = ToProto(notice);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* PublishNotice(grpc::CallbackServerContext* call, const v1::PublishNoticeRequest* request,
                                          v1::PublishNoticeResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(PublishNotice), request, response,
        [this](const Context& ctx, const v1::PublishNoticeRequest& r) -> Result<v1::PublishNoticeResponse> {
          NoticeRow notice = FromProto(r.notice());
          notice.idempotency_key = r.idempotency_key();
          GF_ASSIGN(notice, with_.audit.Publish(ctx, std::move(notice)));
          v1::PublishNoticeResponse answer;
          *answer.mutable_notice() = ToProto(notice);
          answer.set_people(notice.people);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* NotifyRegistry(grpc::CallbackServerContext* call, const v1::NotifyRegistryRequest* request,
                                           v1::NotifyRegistryResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(NotifyRegistry), request, response,
                      [this](const Context&, const v1::NotifyRegistryRequest& r) -> Result<v1::NotifyRegistryResponse> {
                        GF_TRY(with_.registries.Notify(r.registry(), r.token()));
                        return v1::NotifyRegistryResponse();
                      });
  }

  grpc::ServerUnaryReactor* ListRegistries(grpc::CallbackServerContext* call, const v1::ListRegistriesRequest* request,
                                           v1::ListRegistriesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListRegistries), request, response,
        [this](const Context& ctx, const v1::ListRegistriesRequest&) -> Result<v1::ListRegistriesResponse> {
          GF_ASSIGN(const auto rows, with_.registries.List(ctx));
          v1::ListRegistriesResponse answer;
          for (const RegistryRow& row : rows) *answer.add_registries() = ToProto(row);
          return answer;
        });
  }

 private:
  ExportFacts Facts(const Context& ctx) const { return {Person(ctx), with_.site, with_.country, with_.clock.Now()}; }

  rpc::Dispatcher& rpc_;
  const ConsentUseCases with_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcConsentService(rpc::Dispatcher& rpc, const ConsentUseCases& with) {
  return std::make_unique<GrpcConsentService>(rpc, with);
}

}  // namespace genofed::consent
