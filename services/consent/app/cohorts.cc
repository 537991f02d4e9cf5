// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/cohorts.h"

namespace genofed::consent {

std::vector<bool> PermittedSlots(const std::vector<SlotRow>& slots, Permission permission) {
  std::vector<bool> bits;
  bits.reserve(slots.size());
  for (const SlotRow& slot : slots)
    bits.push_back(!slot.pseudonym.empty() && slot.effective.Has(permission));
  return bits;
}

Status CheckUnchanged(Transaction& tx, const std::string& id, const DatasetVersion& dataset) {
  GF_ASSIGN(auto snapshot, tx.consent().FindSnapshot(id));
  if (!snapshot || snapshot->dataset != dataset)
    return Error(StatusCode::kFailedPrecondition, "SNAPSHOT_UNKNOWN",
                 "the entry names no snapshot of this dataset version");
  // Every change of a permission begins another epoch.
  GF_ASSIGN(const std::int64_t epoch, tx.consent().Epoch());
  if (epoch == snapshot->epoch) return absl::OkStatus();
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset));
  const std::vector<bool> now = PermittedSlots(slots, snapshot->permission);
  if (UnpackBits(snapshot->bits, now.size()) == now) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED",
               "somebody changed their mind since the use was logged: it needs a new snapshot");
}

Result<SnapshotRow> Cohorts::TakeSnapshot(Transaction& tx, const DatasetVersion& dataset,
                                          Permission permission, std::int64_t epoch) {
  const std::string id = SnapshotId(dataset, permission, epoch);
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset));
  GF_ASSIGN(auto secrets, tx.consent().Secrets(dataset));
  const std::vector<bool> bits = PermittedSlots(slots, permission);
  GF_ASSIGN(auto tree, ledger::Snapshot::Build(id, bits, secrets));
  SnapshotRow row{id,
                  dataset,
                  permission,
                  epoch,
                  static_cast<std::int32_t>(bits.size()),
                  PackBits(bits),
                  tree.root(),
                  0};
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kSnapshot;
  entry.time = ledger_.EntryTime();
  entry.fields = {{"dataset", dataset.dataset},
                  {"version", std::to_string(dataset.version)},
                  {"permission", std::string(Name(permission))},
                  {"snapshot", id},
                  {"snapshot_root", row.root.Hex()}};
  entry.numbers = {{"epoch", epoch}, {"slots", row.slots}};
  GF_ASSIGN(row.ledger_index, ledger_.Add(tx, "consent", "snapshot:" + id, entry));
  GF_TRY(tx.consent().AddSnapshot(row));
  return row;
}

Status Cohorts::Read(Transaction& tx, const DatasetVersion& dataset, Permission permission,
                     Cohort& cohort) const {
  cohort = {};
  GF_ASSIGN(auto version, tx.consent().FindVersion(dataset));
  if (!version) {
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version {} of {}", dataset.version,
                 dataset.dataset);
  }
  cohort.rows = version->rows;
  GF_ASSIGN(cohort.epoch, tx.consent().Epoch());
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset));
  slots.resize(static_cast<std::size_t>(version->rows));
  cohort.permitted = PermittedSlots(slots, permission);
  for (SlotRow& slot : slots) cohort.pseudonyms.push_back(std::move(slot.pseudonym));
  GF_ASSIGN(cohort.snapshot,
            tx.consent().FindSnapshot(SnapshotId(dataset, permission, cohort.epoch)));
  return absl::OkStatus();
}

Result<Cohort> Cohorts::Run(const Context& ctx, const DatasetVersion& dataset,
                            Permission permission, bool with_snapshot) {
  GF_TRY(Validate(dataset));
  Cohort cohort;
  const Status read = store_.Read(
      ctx, [&](Transaction& tx) -> Status { return Read(tx, dataset, permission, cohort); });
  GF_TRY(read);
  if (!with_snapshot) cohort.snapshot.reset();
  if (!with_snapshot || cohort.snapshot) return cohort;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(Read(tx, dataset, permission, cohort));
    if (cohort.snapshot) return absl::OkStatus();
    GF_ASSIGN(cohort.snapshot, TakeSnapshot(tx, dataset, permission, cohort.epoch));
    return absl::OkStatus();
  });
  GF_TRY(written);
  return cohort;
}

Result<std::shared_ptr<const ledger::Snapshot>> SnapshotTrees::Get(Transaction& tx,
                                                                   const SnapshotRow& row) {
  {
    MutexLock lock(mutex_);
    auto found = trees_.find(row.id);
    if (found != trees_.end()) return found->second;
  }
  GF_ASSIGN(auto secrets, tx.consent().Secrets(row.dataset));
  GF_ASSIGN(auto tree,
            ledger::Snapshot::Build(
                row.id, UnpackBits(row.bits, static_cast<std::size_t>(row.slots)), secrets));
  if (tree.root() != row.root) {
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN",
                 "a snapshot does not give the root that was logged");
  }
  auto shared = std::make_shared<const ledger::Snapshot>(std::move(tree));
  MutexLock lock(mutex_);
  if (trees_.size() >= kKept) trees_.erase(trees_.begin());
  trees_[row.id] = shared;
  return shared;
}

}  // namespace genofed::consent
