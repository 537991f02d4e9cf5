// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/grpc_object_service.h"

#include "genofed/onboarding/v1/onboarding.grpc.pb.h"
#include "libs/rpc/time_codec.h"
#include "services/onboarding/adapters/proto_mapping.h"

namespace genofed::onboarding {
namespace {

#define GF_METHOD(name) "genofed.onboarding.v1.ObjectService/" #name

class GrpcObjectService final : public v1::ObjectService::CallbackService {
 public:
  GrpcObjectService(rpc::Dispatcher& rpc, Objects& objects, Integrity& integrity, obs::Metrics& metrics)
      : rpc_(rpc), objects_(objects), integrity_(integrity), metrics_(metrics) {}

  grpc::ServerUnaryReactor* GetObject(grpc::CallbackServerContext* call,
                                      const v1::GetObjectRequest* request,
                                      v1::GetObjectResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetObject), request, response,
        [this](const Context& ctx, const v1::GetObjectRequest& r) -> Result<v1::GetObjectResponse> {
          GF_ASSIGN(const auto view, objects_.Get(ctx, {r.object(), r.peer()}, r.passport()));
          v1::GetObjectResponse answer;
          const PublishedObject& first = view.objects.front();
          answer.mutable_dataset()->set_dataset(first.dataset);
          answer.mutable_dataset()->set_version(first.version);
          answer.set_readable(view.readable);
          if (first.record.id == r.object()) {
            *answer.mutable_object() = ToProto(first.record);
          } else {
            for (const auto& object : view.objects) *answer.add_contents() = ToProto(object.record);
          }
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ReadObject(grpc::CallbackServerContext* call,
                                       const v1::ReadObjectRequest* request,
                                       v1::ReadObjectResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ReadObject), request, response,
                      [this](const Context& ctx,
                             const v1::ReadObjectRequest& r) -> Result<v1::ReadObjectResponse> {
                        GF_ASSIGN(auto piece, objects_.Read(ctx, {r.object(), r.peer()}, r.access(),
                                                            r.offset(), r.size()));
                        v1::ReadObjectResponse answer;
                        answer.set_data(std::move(piece.bytes));
                        answer.set_body_size(piece.object.body_size);
                        answer.set_plain_size(piece.object.plain_size);
                        answer.set_role(piece.object.role);
                        metrics_.Add("genofed_onboarding_object_bytes_total", {},
                                     static_cast<double>(answer.data().size()));
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* PlanRegions(grpc::CallbackServerContext* call,
                                        const v1::PlanRegionsRequest* request,
                                        v1::PlanRegionsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(PlanRegions), request, response,
                      [this](const Context& ctx,
                             const v1::PlanRegionsRequest& r) -> Result<v1::PlanRegionsResponse> {
                        std::vector<genomics::IndexRegion> regions;
                        for (const v1::Region& region : r.regions()) {
                          regions.push_back({region.reference(), region.start(), {}});
                          if (region.has_end()) regions.back().end = region.end();
                        }
                        GF_ASSIGN(const auto ranges,
                                  objects_.Plan(ctx, {r.object(), r.peer()}, r.access(), regions));
                        v1::PlanRegionsResponse answer;
                        for (const genomics::FileRange& range : ranges) {
                          v1::ByteRange* out = answer.add_ranges();
                          out->set_begin(static_cast<std::int64_t>(range.begin));
                          out->set_end(static_cast<std::int64_t>(range.end));
                        }
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetIntegrity(grpc::CallbackServerContext* call,
                                         const v1::GetIntegrityRequest* request,
                                         v1::GetIntegrityResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetIntegrity), request, response,
        [this](const Context& ctx, const v1::GetIntegrityRequest&) -> Result<v1::GetIntegrityResponse> {
          GF_ASSIGN(const IntegritySummary summary, integrity_.Report(ctx));
          v1::GetIntegrityResponse answer;
          answer.set_objects(summary.objects);
          answer.set_never_checked(summary.never_checked);
          if (summary.oldest_check) rpc::SetTime(answer.mutable_oldest_check(), *summary.oldest_check);
          for (const CheckedObject& checked : summary.damaged) {
            v1::DamagedObject* damaged = answer.add_damaged();
            damaged->set_object(checked.object.record.id);
            damaged->set_role(checked.object.record.role);
            damaged->mutable_dataset()->set_dataset(checked.object.dataset);
            damaged->mutable_dataset()->set_version(checked.object.version);
            damaged->set_reason(checked.damage);
            if (checked.checked) rpc::SetTime(damaged->mutable_checked(), *checked.checked);
          }
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Objects& objects_;
  Integrity& integrity_;
  obs::Metrics& metrics_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcObjectService(rpc::Dispatcher& rpc, Objects& objects,
                                                     Integrity& integrity, obs::Metrics& metrics) {
  return std::make_unique<GrpcObjectService>(rpc, objects, integrity, metrics);
}

}  // namespace genofed::onboarding
