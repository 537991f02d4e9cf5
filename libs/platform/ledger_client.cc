// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/ledger_client.h"

#include "genofed/consent/v1/consent.grpc.pb.h"

namespace genofed {

struct LedgerClient::Impl {
  rpc::Peer<consent::v1::LedgerService> peer;
};

LedgerClient::LedgerClient(rpc::ChannelSource consent, rpc::CallOptions options)
    : impl_(new Impl{rpc::Peer<consent::v1::LedgerService>(std::move(consent), options)}) {}
LedgerClient::~LedgerClient() = default;
LedgerClient::LedgerClient(LedgerClient&&) noexcept = default;

Status LedgerClient::Append(const Context& ctx, const std::string& key,
                            const ledger::Entry& entry) const {
  GF_ASSIGN(const std::string bytes, ledger::EncodeEntry(entry));
  return AppendBytes(ctx, key, bytes);
}

Status LedgerClient::AppendBytes(const Context& ctx, const std::string& key,
                                 const std::string& bytes) const {
  consent::v1::AppendEntryRequest request;
  request.set_idempotency_key(key);
  request.set_entry(bytes);
  Status appended =
      impl_->peer.Call(ctx, &consent::v1::LedgerService::Stub::AppendEntry, request).status();
  if (Reason(appended) == "IDEMPOTENCY_KEY_REUSED") return absl::OkStatus();
  return appended;
}

}  // namespace genofed
