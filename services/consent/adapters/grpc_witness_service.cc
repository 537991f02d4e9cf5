// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_witness_service.h"

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "services/consent/adapters/proto_mapping.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.WitnessService/" #name

class GrpcWitnessService final : public v1::WitnessService::CallbackService {
 public:
  GrpcWitnessService(rpc::Dispatcher& rpc, Witness& witness) : rpc_(rpc), witness_(witness) {}

  grpc::ServerUnaryReactor* AddCheckpoint(grpc::CallbackServerContext* call,
                                          const v1::AddCheckpointRequest* request,
                                          v1::AddCheckpointResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(AddCheckpoint), request, response,
        [this](const Context& ctx,
               const v1::AddCheckpointRequest& r) -> Result<v1::AddCheckpointResponse> {
          GF_ASSIGN(Witness::Answer given, witness_.AddCheckpoint(ctx, r.body()));
          v1::AddCheckpointResponse answer;
          answer.set_http_status(given.status);
          answer.set_content_type(std::move(given.content_type));
          answer.set_body(std::move(given.body));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetWitnessedCheckpoint(
      grpc::CallbackServerContext* call, const v1::GetWitnessedCheckpointRequest* request,
      v1::GetWitnessedCheckpointResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetWitnessedCheckpoint), request, response,
                      [this](const Context& ctx, const v1::GetWitnessedCheckpointRequest& r)
                          -> Result<v1::GetWitnessedCheckpointResponse> {
                        v1::GetWitnessedCheckpointResponse answer;
                        GF_ASSIGN(*answer.mutable_checkpoint(),
                                  witness_.Checkpoint(ctx, r.origin_sha256()));
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ListWitnessed(grpc::CallbackServerContext* call,
                                          const v1::ListWitnessedRequest* request,
                                          v1::ListWitnessedResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListWitnessed), request, response,
                      [this](const Context& ctx,
                             const v1::ListWitnessedRequest&) -> Result<v1::ListWitnessedResponse> {
                        GF_ASSIGN(const auto overview, witness_.List(ctx));
                        return ToProto(overview);
                      });
  }

 private:
  v1::ListWitnessedResponse ToProto(const Witness::Overview& overview) const {
    v1::ListWitnessedResponse answer;
    answer.set_verifier_key(witness_.VerifierKey());
    for (const WitnessedLog& log : overview.logs) {
      v1::WitnessedLog* out = answer.add_logs();
      out->set_origin(log.origin);
      out->set_size(static_cast<std::int64_t>(log.tree.size));
      out->set_root(log.tree.root.Hex());
      out->set_checkpoint(log.checkpoint);
      out->set_at(FormatRfc3339(log.at));
    }
    for (const LedgerAlarm& alarm : overview.alarms) {
      v1::LedgerAlarm* out = answer.add_alarms();
      out->set_origin(alarm.origin);
      out->set_reason(alarm.reason);
      out->set_detail(alarm.detail);
      out->set_known(alarm.known);
      out->set_seen(alarm.seen);
      out->set_at(FormatRfc3339(alarm.at));
    }
    return answer;
  }

  rpc::Dispatcher& rpc_;
  Witness& witness_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcWitnessService(rpc::Dispatcher& rpc, Witness& witness) {
  return std::make_unique<GrpcWitnessService>(rpc, witness);
}

}  // namespace genofed::consent
