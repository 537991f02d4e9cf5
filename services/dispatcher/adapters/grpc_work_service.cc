// SPDX-License-Identifier: Apache-2.0
#include "genofed/dispatcher/v1/dispatcher.grpc.pb.h"
#include "services/dispatcher/adapters/grpc_services.h"
#include "services/dispatcher/adapters/proto_mapping.h"

namespace genofed::dispatcher {
namespace {

#define GF_METHOD(name) "genofed.dispatcher.v1.WorkService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

// The certificate says which node speaks.
const std::string& SiteOf(const Context& ctx) { return ctx.principal().workload.site; }

v1::PartWork ToProto(const OpenPart& open) {
  v1::PartWork out;
  out.set_part(open.part.id);
  out.set_run(open.run);
  out.set_cancel(open.cancel);
  if (!open.request) return out;
  *out.mutable_request() = ToProto(*open.request);
  out.add_datasets(open.part.dataset);
  out.set_researcher_issuer(open.researcher.issuer);
  out.set_researcher_subject(open.researcher.subject);
  return out;
}

class GrpcWorkService final : public v1::WorkService::CallbackService {
 public:
  GrpcWorkService(rpc::Dispatcher& rpc, PartDesk& desk) : rpc_(rpc), desk_(desk) {}

  Reactor* FetchParts(Call* call, const v1::FetchPartsRequest* request,
                      v1::FetchPartsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(FetchParts), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::FetchPartsResponse> {
                        GF_ASSIGN(
                            const auto parts,
                            desk_.Fetch(ctx, SiteOf(ctx), {r.known().begin(), r.known().end()}));
                        v1::FetchPartsResponse answer;
                        for (const OpenPart& part : parts) *answer.add_parts() = ToProto(part);
                        return answer;
                      });
  }
  Reactor* ReportPart(Call* call, const v1::ReportPartRequest* request,
                      v1::ReportPartResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ReportPart), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::ReportPartResponse> {
                        const v1::Part& part = r.part();
                        GF_ASSIGN(const State state, FromProto(part.state()));
                        GF_TRY(desk_.Report(ctx, SiteOf(ctx),
                                            {part.id(), state, part.reason(), part.message(),
                                             part.ledger_index(), part.individuals()}));
                        return v1::ReportPartResponse();
                      });
  }
  Reactor* DeliverOutputs(Call* call, const v1::DeliverOutputsRequest* request,
                          v1::DeliverOutputsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(DeliverOutputs), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::DeliverOutputsResponse> {
          std::vector<DeliveredFile> files;
          for (const auto& output : r.outputs()) {
            files.push_back({{output.name(), output.content()}, output.sha256()});
          }
          GF_TRY(desk_.Deliver(ctx, SiteOf(ctx), r.part(), files, r.individuals(), r.more()));
          return v1::DeliverOutputsResponse();
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  PartDesk& desk_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcWorkService(rpc::Dispatcher& rpc, PartDesk& desk) {
  return std::make_unique<GrpcWorkService>(rpc, desk);
}

}  // namespace genofed::dispatcher
