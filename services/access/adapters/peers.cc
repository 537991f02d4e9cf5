// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/peers.h"

#include "genofed/access/v1/access.grpc.pb.h"
#include "genofed/access/v1/passport.grpc.pb.h"
#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "libs/obs/log.h"
#include "libs/rpc/time_codec.h"
#include "services/access/adapters/proto_mapping.h"
#include "services/access/adapters/sql_grant_store.h"

namespace genofed::access {
namespace {

class CatalogueDirectory final : public DatasetDirectory {
 public:
  explicit CatalogueDirectory(rpc::ChannelSource source) : peer_(std::move(source)) {}
  Status Listed(const Context& ctx, const std::string& dataset) override {
    catalogue::v1::GetRecordRequest request;
    request.set_id(dataset);
    // Asked without the user: what is listed is the same for everybody.
    return peer_
        .Call(ctx, &catalogue::v1::CatalogueService::Stub::GetRecord, request,
              {.forward_user = false})
        .status();
  }

 private:
  rpc::Peer<catalogue::v1::CatalogueService> peer_;
};

class GrpcHubApplications final : public HubApplications {
 public:
  explicit GrpcHubApplications(rpc::ChannelSource source)
      : peer_(std::move(source), {.timeout = std::chrono::seconds(10), .attempts = 1}) {}
  Result<std::vector<Application>> ChangedSince(const Context& ctx, std::int64_t after,
                                                int limit) override {
    v1::FetchApplicationsRequest request;
    request.set_after(after);
    request.set_limit(limit);
    GF_ASSIGN(auto response,
              peer_.Call(ctx, &v1::ApplicationService::Stub::FetchApplications, request));
    std::vector<Application> applications;
    for (const auto& application : response.applications())
      applications.push_back(FromProto(application));
    return applications;
  }

 private:
  rpc::Peer<v1::ApplicationService> peer_;
};

class GrpcHubVisas final : public HubVisas {
 public:
  explicit GrpcHubVisas(rpc::ChannelSource source)
      : peer_(std::move(source), {.timeout = std::chrono::seconds(10), .attempts = 1}) {}
  Status Deliver(const Context& ctx, const MintedVisa& visa) override {
    v1::DeliverVisasRequest request;
    auto* one = request.add_visas();
    one->set_application(visa.application);
    one->set_dataset(visa.dataset);
    one->set_value(visa.value);
    one->set_visa(visa.token);
    one->set_id(visa.id);
    rpc::SetTime(one->mutable_expires(), visa.expires);
    return peer_.Call(ctx, &v1::PassportService::Stub::DeliverVisas, request).status();
  }

 private:
  rpc::Peer<v1::PassportService> peer_;
};

}  // namespace

std::unique_ptr<HubVisas> MakeHubVisas(rpc::ChannelSource hub_access) {
  return std::make_unique<GrpcHubVisas>(std::move(hub_access));
}

std::unique_ptr<DatasetDirectory> MakeCatalogueDirectory(rpc::ChannelSource catalogue) {
  return std::make_unique<CatalogueDirectory>(std::move(catalogue));
}

std::unique_ptr<HubApplications> MakeHubApplications(rpc::ChannelSource hub_access) {
  return std::make_unique<GrpcHubApplications>(std::move(hub_access));
}

std::unique_ptr<sql::OutboxPump> StartDecisionDelivery(sql::Database& database,
                                                       rpc::ChannelSource hub_access) {
  rpc::Peer<v1::ApplicationService> peer(std::move(hub_access),
                                         {.timeout = std::chrono::seconds(10)});
  sql::OutboxPump::Options options;
  options.poll_interval = std::chrono::milliseconds(500);
  options.max_backoff = std::chrono::seconds(10);
  options.on_error = [](const sql::OutboxMessage* message, const Status& error) {
    GF_LOG(Context::Background(), warn, "decision.delayed",
           {"application", message == nullptr ? "" : message->key}, {"reason", Reason(error)});
  };
  return std::make_unique<sql::OutboxPump>(
      database, sql::Outbox(), std::move(options),
      [peer](const Context& ctx, const sql::OutboxMessage& message) -> Status {
        v1::DeliverDecisionRequest request;
        if (!request.ParseFromString(message.payload)) {
          return Error(StatusCode::kDataLoss, "MESSAGE_UNREADABLE",
                       "an outbox message cannot be read");
        }
        return peer.Call(ctx, &v1::ApplicationService::Stub::DeliverDecision, request).status();
      });
}

}  // namespace genofed::access
