// SPDX-License-Identifier: Apache-2.0
//
// The record of what was told: for each answer whose account, which dataset, a digest of the
// question, what it cost and whether something was held back. No genotype, no coordinate, no term,
// no person.
#pragma once

#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// SHA-256 over the hash before and the entry, each part with its length in front.
std::string HashOf(const std::string& previous, std::int64_t seq, const AuditEntry& entry);

// The first entry whose hash does not follow from the one before, or 0. The first row follows from
// an empty hash.
std::int64_t FirstBroken(const std::vector<AuditRow>& rows);

// Entries are gathered and written in batches, so that no answer waits for them. Thread-safe.
class DisclosureAudit {
 public:
  explicit DisclosureAudit(AuditStore& store) : store_(store) {}

  void Add(AuditEntry entry);
  // Writes what was gathered; keeps it when the store is away. Beyond kMaxWaiting the oldest are
  // counted as lost in one entry with the outcome "lost".
  Status Flush(const Context& ctx);

 private:
  static constexpr std::size_t kMaxWaiting = 100'000;

  AuditStore& store_;
  Mutex flushing_;
  Mutex mutex_;
  std::vector<AuditEntry> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
