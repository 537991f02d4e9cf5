// SPDX-License-Identifier: Apache-2.0
#include "genofed/access/v1/revocation.grpc.pb.h"
#include "libs/rpc/time_codec.h"
#include "services/access/adapters/grpc_services.h"

namespace genofed::access {
namespace {

#define GF_METHOD(name) "genofed.access.v1.RevocationService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

v1::Revocation ToProto(const RevocationRecord& record) {
  v1::Revocation out;
  out.set_id(record.id);
  out.set_kind(std::string(auth::KindName(record.what.kind)));
  out.set_value(record.what.value);
  out.set_issuer(record.what.issuer);
  out.set_reason(record.reason);
  out.set_by(record.by);
  rpc::SetTime(out.mutable_at(), record.at);
  if (record.reinstated_at) {
    rpc::SetTime(out.mutable_reinstated_at(), *record.reinstated_at);
    out.set_reinstated_by(record.reinstated_by);
    out.set_reinstate_reason(record.reinstate_reason);
  }
  return out;
}

class GrpcRevocationService final : public v1::RevocationService::CallbackService {
 public:
  GrpcRevocationService(rpc::Dispatcher& rpc, Revocations& revocations)
      : rpc_(rpc), revocations_(revocations) {}

  Reactor* Revoke(Call* call, const v1::RevocationServiceRevokeRequest* request,
                  v1::RevocationServiceRevokeResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(Revoke), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::RevocationServiceRevokeResponse> {
          GF_ASSIGN(const auto kind, auth::ParseKind(r.kind()));
          GF_ASSIGN(const auto record,
                    revocations_.Revoke(ctx, {kind, r.value(), r.issuer()}, r.reason()));
          v1::RevocationServiceRevokeResponse answer;
          *answer.mutable_revocation() = ToProto(record);
          return answer;
        });
  }
  Reactor* RevokeOwnToken(Call* call, const v1::RevokeOwnTokenRequest* request,
                          v1::RevokeOwnTokenResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(RevokeOwnToken), request, response,
        [this](const Context& ctx, const auto&) -> Result<v1::RevokeOwnTokenResponse> {
          GF_TRY(revocations_.RevokeOwnToken(ctx));
          return v1::RevokeOwnTokenResponse();
        });
  }
  Reactor* Reinstate(Call* call, const v1::ReinstateRequest* request,
                     v1::ReinstateResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(Reinstate), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::ReinstateResponse> {
                        GF_ASSIGN(const auto record,
                                  revocations_.Reinstate(ctx, r.id(), r.reason()));
                        v1::ReinstateResponse answer;
                        *answer.mutable_revocation() = ToProto(record);
                        return answer;
                      });
  }
  Reactor* ListRevocations(Call* call, const v1::ListRevocationsRequest* request,
                           v1::ListRevocationsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListRevocations), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::ListRevocationsResponse> {
          GF_ASSIGN(const auto records, revocations_.List(ctx, r.all()));
          v1::ListRevocationsResponse answer;
          for (const auto& record : records) *answer.add_revocations() = ToProto(record);
          return answer;
        });
  }
  Reactor* FetchRevocations(Call* call, const v1::FetchRevocationsRequest* request,
                            v1::FetchRevocationsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(FetchRevocations), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::FetchRevocationsResponse> {
          GF_ASSIGN(const auto list, revocations_.Fetch(ctx, r.known_sequence()));
          v1::FetchRevocationsResponse answer;
          answer.set_sequence(list.sequence);
          answer.set_unchanged(list.unchanged);
          for (const auto& entry : list.entries) {
            auto* thing = answer.add_entries();
            thing->set_kind(std::string(auth::KindName(entry.kind)));
            thing->set_value(entry.value);
            thing->set_issuer(entry.issuer);
          }
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Revocations& revocations_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcRevocationService(rpc::Dispatcher& rpc,
                                                         Revocations& revocations) {
  return std::make_unique<GrpcRevocationService>(rpc, revocations);
}

}  // namespace genofed::access
