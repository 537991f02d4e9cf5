// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/apply_policy.h"

namespace genofed::consent {

Status ApplyPolicy(const Context& ctx, Ledger& ledger, const Rules& rules) {
  return ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const std::string before, tx.consent().PolicyDigest());
    if (before == rules.policy.sha256) return absl::OkStatus();
    GF_ASSIGN(const std::int64_t epoch, tx.consent().NextEpoch(rules.clock.Now()));
    GF_TRY(tx.consent().SetPolicyDigest(rules.policy.sha256));
    GF_TRY(tx.consent().SetAdultAge(rules.policy.adult_age));
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kPolicy;
    entry.time = ledger.EntryTime();
    entry.fields = {{"reason", "consent policy of the country"},
                    {"policy_sha256", rules.policy.sha256}};
    entry.SetText("rule", rules.policy.id);
    if (rules.policy.sha256.empty()) entry.fields.erase("policy_sha256");
    entry.numbers = {{"epoch", epoch}};
    return ledger.Add(tx, "consent", fmt::format("consent-policy:{}", epoch), entry).status();
  });
}

}  // namespace genofed::consent
