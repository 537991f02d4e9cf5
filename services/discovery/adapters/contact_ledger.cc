// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/contact_ledger.h"

#include "libs/platform/ledger_client.h"

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
    entry.fields = {{"dataset", contact.dataset},
                    {"organisation", ledger::LedgerText(contact.organisation)},
                    {"outcome", outcome}};
    return ledger_.Append(ctx, "contact/" + contact.id + "/" + outcome, entry);
  }

 private:
  const LedgerClient ledger_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<ContactLedger> MakeContactLedger(rpc::ChannelSource consent, const Clock& clock,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcContactLedger>(std::move(consent), clock, timeout);
}

}  // namespace genofed::discovery
