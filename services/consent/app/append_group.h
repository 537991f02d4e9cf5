// SPDX-License-Identifier: Apache-2.0
//
// Requests to append to the ledger that share one transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/ledger/entry.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// Entries of one request: all of them are appended, or none.
struct AppendJob {
  std::vector<NewEntry> entries;        // keys differ
  std::vector<ledger::Entry> decoded;   // the same ones
  std::vector<std::int64_t> indices{};  // the answer
  Status status{};
  bool done = false;
};

// A cohort snapshot that was taken, by identifier; none: unknown.
using FindSnapshot = std::function<Result<std::optional<SnapshotRow>>(const std::string& id)>;

// Appends what is not there yet, and sets indices and status of each job: one that may not be taken
// fails alone (SNAPSHOT_UNKNOWN, SNAPSHOT_UNFIT, IDEMPOTENCY_KEY_REUSED, what `find` says). May run
// again. Errors: those of the entries, which concern all jobs.
Status AddGroup(EntryRows& rows, const FindSnapshot& find, std::span<AppendJob* const> group);

}  // namespace genofed::consent
