// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/ledger/snapshot.h"
#include "services/consent/app/ledger.h"

namespace genofed::consent {

struct Cohort {
  std::int64_t epoch = 0;
  std::int32_t rows = 0;
  std::vector<bool> permitted;          // one for each row
  std::vector<std::string> pseudonyms;  // one for each row
  std::optional<SnapshotRow> snapshot;
};

// Who of a dataset version permits a use now. Errors: DATASET_INVALID, NotFound DATASET_UNKNOWN.
class Cohorts {
 public:
  Cohorts(Store& store, Ledger& ledger) : store_(store), ledger_(ledger) {}
  // With a snapshot: also logs the state of the cohort, once for each epoch in which it is asked
  // for.
  Result<Cohort> Run(const Context& ctx, const DatasetVersion& dataset, Permission permission,
                     bool with_snapshot);

 private:
  Status Read(Transaction& tx, const DatasetVersion& dataset, Permission permission,
              Cohort& cohort) const;
  Result<SnapshotRow> TakeSnapshot(Transaction& tx, const DatasetVersion& dataset,
                                   Permission permission, std::int64_t epoch);
  Store& store_;
  Ledger& ledger_;
};

// Bits of all slots for a permission: 0 for those who were left out.
std::vector<bool> PermittedSlots(const std::vector<SlotRow>& slots, Permission permission);

// Whether everybody still permits what they did in the snapshot. FailedPrecondition SNAPSHOT_UNKNOWN, COHORT_CHANGED.
Status CheckUnchanged(Transaction& tx, const std::string& snapshot, const DatasetVersion& dataset);

// The trees of snapshots, rebuilt from bits and secrets when a proof is needed; some are kept.
// Thread-safe.
class SnapshotTrees {
 public:
  // The tree of `row`. Errors: DataLoss SNAPSHOT_BROKEN when the stored data do not give the logged
  // root.
  Result<std::shared_ptr<const ledger::Snapshot>> Get(Transaction& tx, const SnapshotRow& row);

 private:
  static constexpr std::size_t kKept = 64;
  Mutex mutex_;
  // Shared: a tree in use may be dropped here.
  std::map<std::string, std::shared_ptr<const ledger::Snapshot>> trees_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::consent
