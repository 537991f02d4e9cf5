// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/frequency_hub.h"

#include "genofed/discovery/v1/frequency.grpc.pb.h"

namespace genofed::discovery {
namespace {

using Service = v1::FrequencyService;

constexpr int kMaxTables = 10;
constexpr std::size_t kMaxMissing = 10'000;

Status Implausible(std::string_view what) {
  return Error(StatusCode::kDataLoss, "TABLE_REFUSED", "the hub sends {}", what);
}

std::vector<TableName> FromProto(const google::protobuf::RepeatedPtrField<v1::TableName>& names) {
  std::vector<TableName> out;
  for (const auto& name : names) out.push_back({name.assembly(), name.number(), name.digest(), 0});
  return out;
}

class GrpcFrequencyHub final : public FrequencyHub {
 public:
  explicit GrpcFrequencyHub(rpc::ChannelSource source)
      : peer_(std::move(source),
              {.timeout = std::chrono::seconds(60), .attempts = 1, .forward_user = false}) {}

  Result<Tables> List(const Context& ctx) override {
    GF_ASSIGN(const auto answer, peer_.Call(ctx, &Service::Stub::ListTables, {}));
    if (answer.network_size() > kMaxTables || answer.own_size() > kMaxTables)
      return Implausible("more tables than there are assemblies");
    return Tables{FromProto(answer.network()), FromProto(answer.own())};
  }

  Result<std::string> FetchTable(const Context& ctx, const std::string& digest) override {
    std::string text;
    v1::FetchTableRequest request;
    request.set_digest(digest);
    for (;;) {
      request.set_offset(static_cast<std::int64_t>(text.size()));
      GF_ASSIGN(const auto answer, peer_.Call(ctx, &Service::Stub::FetchTable, request));
      if (text.size() + answer.content().size() > kMaxTableText)
        return Implausible("a table that is too long");
      text += answer.content();
      if (answer.content().empty() || static_cast<std::int64_t>(text.size()) >= answer.size())
        return text;
    }
  }

  Result<std::string> FetchPage(const Context& ctx, const std::string& table,
                                const std::string& sha256) override {
    v1::FetchPageRequest request;
    request.set_table_digest(table);
    request.set_page_sha256(sha256);
    GF_ASSIGN(const auto answer, peer_.Call(ctx, &Service::Stub::FetchPage, request));
    if (answer.content().size() > kMaxPageBytes) return Implausible("a page that is too long");
    return answer.content();
  }

  Result<std::vector<std::string>> DeliverTable(const Context& ctx,
                                                const std::string& content) override {
    v1::DeliverTableRequest request;
    request.set_content(content);
    GF_ASSIGN(const auto answer, peer_.Call(ctx, &Service::Stub::DeliverTable, request));
    if (static_cast<std::size_t>(answer.missing_pages_size()) > kMaxMissing)
      return Implausible("too many digests");
    return std::vector<std::string>(answer.missing_pages().begin(), answer.missing_pages().end());
  }

  Status DeliverPage(const Context& ctx, const std::string& content) override {
    v1::DeliverPageRequest request;
    request.set_content(content);
    return peer_.Call(ctx, &Service::Stub::DeliverPage, request).status();
  }

 private:
  rpc::Peer<Service> peer_;
};

}  // namespace

std::unique_ptr<FrequencyHub> MakeFrequencyHub(rpc::ChannelSource hub_discovery) {
  return std::make_unique<GrpcFrequencyHub>(std::move(hub_discovery));
}

}  // namespace genofed::discovery
