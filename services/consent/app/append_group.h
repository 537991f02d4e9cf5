// SPDX-License-Identifier: Apache-2.0
//
// Requests to append to the ledger that share one transaction.
#pragma once

#include <cstdint>
#include <span>
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

// Appends what is not there yet, and sets indices and status of each job: one that may not be taken
// fails alone (SNAPSHOT_UNKNOWN, SNAPSHOT_UNFIT, IDEMPOTENCY_KEY_REUSED). May run again with the
// transaction. Errors: those of the store, which concern all jobs; KEY_KNOWN, unless `look` for
// known keys comes first.
Status AddGroup(Transaction& tx, std::span<AppendJob* const> group, bool look);

}  // namespace genofed::consent
