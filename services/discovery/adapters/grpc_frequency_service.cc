// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/grpc_frequency_service.h"

#include "genofed/discovery/v1/frequency.grpc.pb.h"

namespace genofed::discovery {
namespace {

#define GF_METHOD(name) "genofed.discovery.v1.FrequencyService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

constexpr std::size_t kMaxPiece = 4U << 20;

// The certificate says which node speaks.
const std::string& SiteOf(const Context& ctx) { return ctx.principal().workload.site; }

void ToProto(const TableName& name, v1::TableName* out) {
  out->set_assembly(name.assembly);
  out->set_number(name.number);
  out->set_digest(name.digest);
}

class GrpcFrequencyService final : public v1::FrequencyService::CallbackService {
 public:
  GrpcFrequencyService(rpc::Dispatcher& rpc, FrequencyDesk& desk) : rpc_(rpc), desk_(desk) {}

  Reactor* ListTables(Call* call, const v1::ListTablesRequest* request,
                      v1::ListTablesResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListTables), request, response,
                      [this](const Context& ctx, const auto&) -> Result<v1::ListTablesResponse> {
                        v1::ListTablesResponse answer;
                        for (const auto& [assembly, name] : desk_.Current())
                          ToProto(name, answer.add_network());
                        GF_ASSIGN(const auto own, desk_.Of(SiteOf(ctx)));
                        for (const TableName& name : own) ToProto(name, answer.add_own());
                        return answer;
                      });
  }
  Reactor* FetchTable(Call* call, const v1::FetchTableRequest* request,
                      v1::FetchTableResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(FetchTable), request, response,
        [this](const Context&, const auto& r) -> Result<v1::FetchTableResponse> {
          GF_ASSIGN(const std::string text, desk_.Text(r.digest()));
          const auto size = static_cast<std::int64_t>(text.size());
          if (r.offset() < 0 || r.offset() > size)
            return InvalidField("offset", "FIELD_INVALID",
                                "must be from 0 to the size of the text");
          v1::FetchTableResponse answer;
          answer.set_size(size);
          answer.set_content(text.substr(static_cast<std::size_t>(r.offset()), kMaxPiece));
          return answer;
        });
  }
  Reactor* FetchPage(Call* call, const v1::FetchPageRequest* request,
                     v1::FetchPageResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(FetchPage), request, response,
                      [this](const Context&, const auto& r) -> Result<v1::FetchPageResponse> {
                        v1::FetchPageResponse answer;
                        GF_ASSIGN(*answer.mutable_content(),
                                  desk_.Page(r.table_digest(), r.page_sha256()));
                        return answer;
                      });
  }
  Reactor* DeliverTable(Call* call, const v1::DeliverTableRequest* request,
                        v1::DeliverTableResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(DeliverTable), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::DeliverTableResponse> {
          GF_ASSIGN(const auto delivered, desk_.Deliver(SiteOf(ctx), r.content()));
          v1::DeliverTableResponse answer;
          answer.mutable_missing_pages()->Add(delivered.missing.begin(), delivered.missing.end());
          return answer;
        });
  }
  Reactor* DeliverPage(Call* call, const v1::DeliverPageRequest* request,
                       v1::DeliverPageResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(DeliverPage), request, response,
                      [this](const Context& ctx, const auto& r) -> Result<v1::DeliverPageResponse> {
                        GF_TRY(desk_.DeliverPage(SiteOf(ctx), r.content()));
                        return v1::DeliverPageResponse();
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  FrequencyDesk& desk_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeFrequencyService(rpc::Dispatcher& rpc, FrequencyDesk& desk) {
  return std::make_unique<GrpcFrequencyService>(rpc, desk);
}

}  // namespace genofed::discovery
