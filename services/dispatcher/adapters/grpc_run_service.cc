// SPDX-License-Identifier: Apache-2.0
#include "genofed/dispatcher/v1/dispatcher.grpc.pb.h"
#include "services/dispatcher/adapters/grpc_services.h"
#include "services/dispatcher/adapters/proto_mapping.h"

namespace genofed::dispatcher {
namespace {

#define GF_METHOD(name) "genofed.dispatcher.v1.RunService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

// Outputs are tables: the descriptor allows nothing else.
constexpr char kTsv[] = "text/tab-separated-values";

class GrpcRunService final : public v1::RunService::CallbackService {
 public:
  GrpcRunService(rpc::Dispatcher& rpc, Runs& runs) : rpc_(rpc), runs_(runs) {}

  Reactor* SubmitRun(Call* call, const v1::SubmitRunRequest* request,
                     v1::SubmitRunResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(SubmitRun), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::SubmitRunResponse> {
                        v1::SubmitRunResponse answer;
                        GF_ASSIGN(*answer.mutable_id(),
                                  runs_.Submit(ctx, FromProto(r.run()), r.idempotency_key()));
                        return answer;
                      });
  }
  Reactor* GetRun(Call* call, const v1::GetRunRequest* request,
                  v1::GetRunResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetRun), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::GetRunResponse> {
                        GF_ASSIGN(const Run run, runs_.Get(ctx, r.id()));
                        v1::GetRunResponse answer;
                        *answer.mutable_run() = ToProto(run);
                        return answer;
                      });
  }
  Reactor* ListRuns(Call* call, const v1::ListRunsRequest* request,
                    v1::ListRunsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListRuns), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::ListRunsResponse> {
                        GF_ASSIGN(const auto page, runs_.List(ctx, r.page_size(), r.page_token()));
                        v1::ListRunsResponse answer;
                        for (const Run& run : page.runs) {
                          *answer.add_runs() = ToProto(run);
                          answer.mutable_runs()->rbegin()->mutable_request()->clear_workflow();
                        }
                        answer.set_next_page_token(page.next_page_token);
                        return answer;
                      });
  }
  Reactor* CancelRun(Call* call, const v1::CancelRunRequest* request,
                     v1::CancelRunResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CancelRun), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::CancelRunResponse> {
                        GF_TRY(runs_.Cancel(ctx, r.id()));
                        return v1::CancelRunResponse();
                      });
  }
  Reactor* GetOutput(Call* call, const v1::GetOutputRequest* request,
                     v1::GetOutputResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetOutput), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::GetOutputResponse> {
                        v1::GetOutputResponse answer;
                        GF_ASSIGN(*answer.mutable_content(), runs_.Output(ctx, r.id(), r.name()));
                        answer.set_media_type(kTsv);
                        return answer;
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  Runs& runs_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcRunService(rpc::Dispatcher& rpc, Runs& runs) {
  return std::make_unique<GrpcRunService>(rpc, runs);
}

}  // namespace genofed::dispatcher
