// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/ledger/snapshot.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"

namespace genofed::consent {

struct Cohort {
  std::int64_t epoch = 0;
  std::int32_t rows = 0;
  std::vector<bool> permitted;          // one for each row
  std::vector<std::string> pseudonyms;  // one for each row, if asked for
  std::optional<SnapshotRow> snapshot;
};

struct RunCheck {
  bool unchanged = true;  // nobody in the run's snapshot has withdrawn
  bool cancel = false;    // somebody has, and the country's policy ends the run
  std::int64_t epoch = 0;
};

// Who of a dataset version may be used now, by the country's policy. Errors: DATASET_INVALID,
// PURPOSE_INVALID, CONDITION_INVALID, NotFound DATASET_UNKNOWN; Unavailable LEDGER_FROZEN, since
// withdrawals may be missing; LEDGER_DAMAGED.
class Cohorts {
 public:
  Cohorts(Store& store, Ledger& ledger, Rules rules)
      : store_(store), ledger_(ledger), rules_(rules) {}
  // With a snapshot: also logs the state of the cohort, once for each epoch in which it is asked
  // for.
  Result<Cohort> Run(const Context& ctx, const DatasetVersion& dataset, const Use& use, bool with_snapshot,
                     bool with_pseudonyms = false);
  // For the purpose and by the conditions that the run logged at this index was given.
  // FailedPrecondition RUN_ENTRY_UNKNOWN.
  Result<Cohort> OfRun(const Context& ctx, const DatasetVersion& dataset, std::int64_t ledger_index,
                       bool with_pseudonyms = false);
  // Whether a run may go on with the people it has; that it may not is logged, once.
  // FailedPrecondition RUN_ENTRY_UNKNOWN.
  Result<RunCheck> CheckRun(const Context& ctx, std::int64_t ledger_index);
  // Begins another epoch when consents began or ended by themselves. Called every second, so that
  // whoever keeps an epoch's answers learns of it.
  Status KeepTime(const Context& ctx);

 private:
  Status Read(Transaction& tx, const DatasetVersion& dataset, const Use& use, bool with_pseudonyms, Cohort& cohort,
              ledger::SlotSet& permitted) const;
  Result<Cohort> WithSnapshot(const Context& ctx, const DatasetVersion& dataset, const Use& use,
                              bool with_pseudonyms);
  Result<SnapshotRow> Log(Transaction& tx, const DatasetVersion& dataset, const Use& use,
                          std::int64_t epoch, const ledger::Snapshot& snapshot);
  // What was found out in this epoch; dispatchers ask every second.
  std::optional<RunCheck> KnownCheck(std::int64_t ledger_index, std::int64_t epoch) const;
  void Remember(std::int64_t ledger_index, const RunCheck& check);

  static constexpr std::size_t kKnownChecks = 1000;
  Store& store_;
  Ledger& ledger_;
  const Rules rules_;
  mutable Mutex mutex_;
  std::map<std::int64_t, RunCheck> checks_ ABSL_GUARDED_BY(mutex_);
};

// Slots, in snapshots, of those who are permitted; nobody who was left out is.
ledger::SlotSet PermittedSlots(const std::vector<JudgedPerson>& people);

// Within a writing transaction: the epoch as it is now, a new one if it was over.
Result<EpochState> CurrentEpoch(Transaction& tx, const Rules& rules);

// Whether everybody in the snapshot is still permitted, and nobody else. FailedPrecondition
// SNAPSHOT_UNKNOWN, COHORT_CHANGED.
Status CheckUnchanged(Transaction& tx, const Rules& rules, const std::string& snapshot,
                      const DatasetVersion& dataset);

// Snapshots as they are stored, of which the last used are kept in memory. Thread-safe.
class SnapshotShelf {
 public:
  // Errors: DataLoss SNAPSHOT_BROKEN when the stored data do not give the logged root.
  Result<std::shared_ptr<const ledger::Snapshot>> Get(Transaction& tx, const SnapshotRow& row);

 private:
  struct Kept {
    std::shared_ptr<const ledger::Snapshot> snapshot;  // shared: one in use may be dropped here
    std::uint64_t used = 0;
  };
  static constexpr std::size_t kKept = 256;  // 200 kB each for a million slots
  Mutex mutex_;
  std::map<std::string, Kept> snapshots_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Proofs of one slot, from the secrets of its block, which are read once. Within one transaction.
class SlotProver {
 public:
  SlotProver(Transaction& tx, SnapshotShelf& shelf, std::int32_t slot)
      : tx_(tx), shelf_(shelf), slot_(slot) {}
  // For snapshots among these.
  Status Begin(const std::vector<std::string>& snapshots);
  // None if the snapshot has no such slot: it is older than the block.
  Result<std::optional<ledger::SnapshotProof>> Prove(const SnapshotRow& row);

 private:
  Transaction& tx_;
  SnapshotShelf& shelf_;
  const std::int32_t slot_;
  std::string secrets_;
  std::map<std::string, ledger::Snapshot::KeptLeaves> kept_;
  std::map<std::string, ledger::SnapshotProof> proofs_;
};

}  // namespace genofed::consent
