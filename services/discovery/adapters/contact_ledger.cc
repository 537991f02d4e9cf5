// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/contact_ledger.h"

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/ledger/entry.h"

namespace genofed::discovery {
namespace {

class GrpcContactLedger final : public ContactLedger {
 public:
  GrpcContactLedger(rpc::ChannelSource consent, const Clock& clock,
                    std::chrono::milliseconds timeout)
      : ledger_(std::move(consent), {timeout, 1, false}), clock_(clock) {}

  Status Log(const Context& ctx, const ContactRequest& contact,
             const std::string& outcome) override {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kContact;
    entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
    entry.fields = {
        {"dataset", contact.dataset}, {"organisation", contact.organisation}, {"outcome", outcome}};
    consent::v1::AppendEntryRequest request;
    request.set_idempotency_key("contact/" + contact.id + "/" + outcome);
    GF_ASSIGN(*request.mutable_entry(), ledger::EncodeEntry(entry));
    return ledger_.Call(ctx, &consent::v1::LedgerService::Stub::AppendEntry, request).status();
  }

 private:
  rpc::Peer<consent::v1::LedgerService> ledger_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<ContactLedger> MakeContactLedger(rpc::ChannelSource consent, const Clock& clock,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcContactLedger>(std::move(consent), clock, timeout);
}

}  // namespace genofed::discovery
