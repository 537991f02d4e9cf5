// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/denials.h"

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::consent {

bool Denials::IsNew(std::int64_t hour, const std::string& key) {
  MutexLock lock(mutex_);
  if (hour != hour_) logged_.clear();
  hour_ = hour;
  return logged_.size() < kMaxAnHour && logged_.insert(key).second;
}

void Denials::Log(const Context& ctx, const std::map<std::string, std::string>& fields,
                  const std::string& person) {
  const auto hour = std::chrono::floor<std::chrono::hours>(clock_.Now()).time_since_epoch().count();
  std::string what = std::to_string(hour);
  for (const auto& [name, value] : fields) what += fmt::format("\n{}={}", name, value);
  const std::string key = "denied:" + HexEncode(crypto::Sha256(what));
  if (!IsNew(hour, key)) return;
  const Status appended = Append(ctx, key, fields, person);
  if (appended.ok()) return;
  GF_LOG(ctx, warn, "denied.not_in_ledger", {"reason", Reason(appended)});
  MutexLock lock(mutex_);
  logged_.erase(key);
}

Status Denials::Append(const Context& ctx, const std::string& key,
                       const std::map<std::string, std::string>& fields,
                       const std::string& person) {
  return ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const auto logged, tx.ledger().Find("consent", key));  // before a restart
    if (logged) return absl::OkStatus();
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = ledger_.EntryTime();
    for (const auto& [name, value] : fields) entry.SetText(name, value);
    GF_ASSIGN(const std::int64_t epoch, tx.consent().Epoch());
    entry.numbers = {{"epoch", epoch}};
    if (person.empty()) return ledger_.Add(tx, "consent", key, entry).status();
    const ledger::Commitment researcher = ledger::Commit(person, random_);
    entry.commitments = {{"researcher", researcher.value}};
    GF_ASSIGN(const std::int64_t index, ledger_.Add(tx, "consent", key, entry));
    return tx.ledger().KeepOpening(index, "researcher", researcher.key, person);
  });
}

}  // namespace genofed::consent
