// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/ledger_outbox.h"

#include "genofed/consent/v1/consent.pb.h"
#include "libs/obs/log.h"
#include "libs/platform/ledger_client.h"

namespace genofed {
namespace {

constexpr char kTopic[] = "ledger";

}  // namespace

Status LedgerOutbox::Put(sql::Tx& tx, std::string_view subject, const std::string& key,
                         const ledger::Entry& entry) const {
  consent::v1::AppendEntryRequest request;
  request.set_idempotency_key(key);
  GF_ASSIGN(*request.mutable_entry(), ledger::EncodeEntry(entry));
  return outbox_.Put(tx, kTopic, subject, request.SerializeAsString());
}

std::unique_ptr<sql::OutboxPump> StartLedgerDelivery(sql::Database& database,
                                                     rpc::ChannelSource consent,
                                                     const std::string& table) {
  sql::OutboxPump::Options options;
  options.poll_interval = std::chrono::milliseconds(500);
  options.max_backoff = std::chrono::seconds(10);
  options.on_error = [](const sql::OutboxMessage* message, const Status& error) {
    GF_LOG(Context::Background(), warn, "ledger.delayed",
           {"subject", message == nullptr ? "" : message->key}, {"reason", Reason(error)});
  };
  auto ledger = std::make_shared<const LedgerClient>(
      std::move(consent), rpc::CallOptions{.timeout = std::chrono::seconds(10)});
  return std::make_unique<sql::OutboxPump>(
      database, sql::Outbox(table), std::move(options),
      [ledger](const Context& ctx, const sql::OutboxMessage& message) -> Status {
        consent::v1::AppendEntryRequest request;
        if (!request.ParseFromString(message.payload)) {
          return Error(StatusCode::kDataLoss, "MESSAGE_UNREADABLE",
                       "an outbox message cannot be read");
        }
        return ledger->AppendBytes(ctx, request.idempotency_key(), request.entry());
      });
}

}  // namespace genofed
