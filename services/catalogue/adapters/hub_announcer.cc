// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/adapters/hub_announcer.h"

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "libs/obs/log.h"
#include "services/catalogue/adapters/sql_record_store.h"

namespace genofed::catalogue {

std::unique_ptr<sql::OutboxPump> StartHubAnnouncer(sql::Database& database, rpc::ChannelSource hub,
                                                   std::chrono::milliseconds interval) {
  rpc::Peer<v1::CatalogueService> peer(std::move(hub), {.timeout = std::chrono::seconds(10)});
  sql::OutboxPump::Options options;
  options.poll_interval = interval;
  options.max_backoff = std::chrono::seconds(10);
  options.on_error = [](const sql::OutboxMessage* message, const Status& error) {
    GF_LOG(Context::Background(), warn, "announcement.delayed",
           {"record", message == nullptr ? "" : message->key}, {"reason", Reason(error)});
  };
  return std::make_unique<sql::OutboxPump>(
      database, sql::Outbox(), std::move(options),
      [peer](const Context& ctx, const sql::OutboxMessage& message) -> Status {
        v1::AnnounceRecordRequest request;
        if (message.topic != kAnnounceTopic ||
            !request.mutable_record()->ParseFromString(message.payload)) {
          return Error(StatusCode::kDataLoss, "MESSAGE_UNREADABLE",
                       "an outbox message cannot be read");
        }
        return peer.Call(ctx, &v1::CatalogueService::Stub::AnnounceRecord, request).status();
      });
}

}  // namespace genofed::catalogue
