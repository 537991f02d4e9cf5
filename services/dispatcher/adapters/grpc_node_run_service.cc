// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "genofed/dispatcher/v1/dispatcher.grpc.pb.h"
#include "services/dispatcher/adapters/grpc_services.h"
#include "services/dispatcher/adapters/proto_mapping.h"

namespace genofed::dispatcher {
namespace {

#define GF_METHOD(name) "genofed.dispatcher.v1.RunService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 200;

// The policy admits any user, because at the hub owners see their runs; who may look at a node is
// said here.
Status MaySee(const Context& ctx) {
  const auto& user = ctx.principal().user;
  if (user && (user->HasRole("holder") || user->HasRole("operator"))) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "ROLE_MISSING",
               "the parts at a node need the role holder or operator");
}

Status NotHere() {
  return Error(StatusCode::kUnimplemented, "NOT_AT_A_NODE",
               "runs are submitted and owned at the hub");
}

class GrpcNodeRunService final : public v1::RunService::CallbackService {
 public:
  GrpcNodeRunService(rpc::Dispatcher& rpc, PartStore& store, std::string site)
      : rpc_(rpc), store_(store), site_(std::move(site)) {}

  Reactor* SubmitRun(Call* call, const v1::SubmitRunRequest* request,
                     v1::SubmitRunResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(SubmitRun), request, response,
        [](const Context&, const auto&) -> Result<v1::SubmitRunResponse> { return NotHere(); });
  }
  Reactor* CancelRun(Call* call, const v1::CancelRunRequest* request,
                     v1::CancelRunResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CancelRun), request, response,
        [](const Context&, const auto&) -> Result<v1::CancelRunResponse> { return NotHere(); });
  }
  Reactor* GetOutput(Call* call, const v1::GetOutputRequest* request,
                     v1::GetOutputResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetOutput), request, response,
        [](const Context&, const auto&) -> Result<v1::GetOutputResponse> { return NotHere(); });
  }
  Reactor* GetRun(Call* call, const v1::GetRunRequest* request,
                  v1::GetRunResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetRun), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::GetRunResponse> {
                        GF_TRY(MaySee(ctx));
                        GF_ASSIGN(const auto parts, store_.OfRun(ctx, r.id()));
                        if (parts.empty())
                          return Error(StatusCode::kNotFound, "RUN_UNKNOWN",
                                       "there is no run {} here", r.id());
                        v1::GetRunResponse answer;
                        *answer.mutable_run() = ToProto(NodeView(parts, site_));
                        return answer;
                      });
  }
  Reactor* ListRuns(Call* call, const v1::ListRunsRequest* request,
                    v1::ListRunsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListRuns), request, response,
                      [this](const Context& ctx, const auto& r) { return List(ctx, r); });
  }

 private:
  Result<v1::ListRunsResponse> List(const Context& ctx, const v1::ListRunsRequest& request) {
    GF_TRY(MaySee(ctx));
    const int size =
        request.page_size() <= 0 ? kDefaultPage : std::min(request.page_size(), kMaxPage);
    GF_ASSIGN(auto ids, store_.ListRuns(ctx, request.page_token(), size + 1));
    v1::ListRunsResponse answer;
    if (ids.size() > static_cast<std::size_t>(size)) {
      ids.resize(static_cast<std::size_t>(size));
      answer.set_next_page_token(ids.back());
    }
    for (const std::string& id : ids) {
      GF_ASSIGN(const auto parts, store_.OfRun(ctx, id));
      if (parts.empty()) continue;
      *answer.add_runs() = ToProto(NodeView(parts, site_));
      answer.mutable_runs()->rbegin()->mutable_request()->clear_workflow();
    }
    return answer;
  }

  rpc::Dispatcher& rpc_;
  PartStore& store_;
  const std::string site_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcNodeRunService(rpc::Dispatcher& rpc, PartStore& store,
                                                      std::string site) {
  return std::make_unique<GrpcNodeRunService>(rpc, store, std::move(site));
}

}  // namespace genofed::dispatcher
