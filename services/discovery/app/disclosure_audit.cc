// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/disclosure_audit.h"

#include "libs/crypto/hash.h"

namespace genofed::discovery {

std::string HashOf(const std::string& previous, std::int64_t seq, const AuditEntry& entry) {
  std::string text;
  for (const std::string& part :
       {previous, std::to_string(seq), FormatRfc3339(entry.at), entry.account, entry.dataset,
        entry.question, entry.outcome, fmt::format("{:.9e}", entry.nats)}) {
    text += fmt::format("{}:", part.size()) + part;
  }
  return crypto::Sha256(text);
}

std::int64_t FirstBroken(const std::vector<AuditRow>& rows) {
  std::string previous;
  std::int64_t expected = 1;
  for (const AuditRow& row : rows) {
    if (row.seq != expected++ || row.hash != HashOf(previous, row.seq, row.entry)) return row.seq;
    previous = row.hash;
  }
  return 0;
}

void DisclosureAudit::Add(AuditEntry entry) {
  MutexLock lock(mutex_);
  if (waiting_.size() >= kMaxWaiting) {
    const Time at = waiting_.front().at;
    waiting_ = {{at, "", "", "", "lost", 0}};
  }
  waiting_.push_back(std::move(entry));
}

Status DisclosureAudit::Flush(const Context& ctx) {
  MutexLock flush(flushing_);
  std::vector<AuditEntry> entries;
  {
    MutexLock lock(mutex_);
    entries.swap(waiting_);
  }
  if (entries.empty()) return absl::OkStatus();
  Status status = store_.Append(ctx, entries);
  if (status.ok()) return status;
  MutexLock lock(mutex_);
  waiting_.insert(waiting_.begin(), entries.begin(), entries.end());
  return status;
}

}  // namespace genofed::discovery
