// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/query_batches.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {
namespace {

constexpr std::chrono::seconds kLookEvery{10};

std::string InSeconds(Time time) {
  return FormatRfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

std::vector<QueryBatchEntry> EntriesOf(const QueryWindow& window, Time now) {
  std::vector<QueryBatchEntry> entries;
  for (const QueryWindow::Dataset& dataset : window.datasets) {
    QueryBatchEntry batch;
    // A chain that was restored from a backup goes on with the same numbers and other links.
    batch.key = "queries:" + HexEncode(crypto::Sha256(window.hash + dataset.id));
    batch.entry.kind = ledger::EntryKind::kQueryBatch;
    batch.entry.time = InSeconds(now);
    batch.entry.fields = {{"since", InSeconds(window.since)},
                          {"audit_sha256", HexEncode(window.hash)}};
    batch.entry.SetText("dataset", dataset.id);
    batch.entry.numbers = {{"answers", dataset.answers},
                           {"refusals", dataset.refusals},
                           {"audit_links", window.links}};
    entries.push_back(std::move(batch));
  }
  return entries;
}

Status QueryBatches::Run(const Context& ctx) {
  const Time now = clock_.Now();
  {
    MutexLock lock(mutex_);
    if (now >= looked_ && now < looked_ + std::min<Duration>(interval_, kLookEvery))
      return absl::OkStatus();
    looked_ = now;
  }
  return store_.CloseWindow(ctx, now - interval_, kMostLinks,
                            [&](const QueryWindow& window) { return EntriesOf(window, now); });
}

}  // namespace genofed::discovery
