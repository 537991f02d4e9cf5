// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/cohorts.h"

#include "libs/consent/purpose.h"
#include "libs/ledger/entry.h"

namespace genofed::consent {

std::vector<bool> PermittedSlots(const std::vector<SlotRow>& slots) {
  std::vector<bool> bits;
  bits.reserve(slots.size());
  for (const SlotRow& slot : slots) bits.push_back(!slot.pseudonym.empty() && slot.permitted);
  return bits;
}

Result<EpochState> CurrentEpoch(Transaction& tx, const Rules& rules) {
  const Time now = rules.clock.Now();
  GF_ASSIGN(EpochState epoch, tx.consent().EpochAt(now));
  if (!epoch.over) return epoch;
  GF_TRY(tx.consent().NextEpoch(now));
  return tx.consent().EpochAt(now);
}

Status CheckUnchanged(Transaction& tx, const Rules& rules, const std::string& id, const DatasetVersion& dataset) {
  GF_ASSIGN(auto snapshot, tx.consent().FindSnapshot(id));
  if (!snapshot || snapshot->dataset != dataset)
    return Error(StatusCode::kFailedPrecondition, "SNAPSHOT_UNKNOWN",
                 "the entry names no snapshot of this dataset version");
  // Every change begins another epoch, and so does time when it is noticed.
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules.clock.Now()));
  if (epoch.epoch == snapshot->epoch && !epoch.over) return absl::OkStatus();
  const Use use(snapshot->permission, snapshot->purpose);
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset, JudgeOf(rules, use, epoch)));
  const std::vector<bool> now = PermittedSlots(slots);
  if (UnpackBits(snapshot->bits, now.size()) == now) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED",
               "somebody changed their mind since the use was logged: it needs a new snapshot");
}

Result<SnapshotRow> Cohorts::TakeSnapshot(Transaction& tx, const DatasetVersion& dataset, const Use& use,
                                          std::int64_t number) {
  const std::string id = SnapshotId(dataset, use.permission, number, use.purpose);
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset, JudgeOf(rules_, use, epoch)));
  GF_ASSIGN(auto secrets, tx.consent().Secrets(dataset));
  const std::vector<bool> bits = PermittedSlots(slots);
  GF_ASSIGN(auto tree, ledger::Snapshot::Build(id, bits, secrets));
  const int index = rules_.policy.Find(use.permission, use.purpose);
  const Rule rule = index < 0 ? Rule() : rules_.policy.rules[static_cast<std::size_t>(index)];
  SnapshotRow row{id,
                  dataset,
                  use.permission,
                  number,
                  static_cast<std::int32_t>(bits.size()),
                  PackBits(bits),
                  tree.root(),
                  0,
                  use.purpose,
                  std::string(ModelName(rule.model)),
                  rule.legal_basis};
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kSnapshot;
  entry.time = ledger_.EntryTime();
  entry.fields = {{"dataset", dataset.dataset},
                  {"version", std::to_string(dataset.version)},
                  {"permission", std::string(Name(use.permission))},
                  {"snapshot", id},
                  {"snapshot_root", row.root.Hex()},
                  {"rule", fmt::format("{} {} {}", rules_.policy.id, index + 1, row.model)},
                  {"purpose", use.purpose},
                  {"reason", rule.legal_basis},
                  {"policy_sha256", rules_.policy.sha256}};
  std::erase_if(entry.fields, [](const auto& field) { return field.second.empty(); });
  entry.numbers = {{"epoch", number}, {"slots", row.slots}};
  GF_ASSIGN(row.ledger_index, ledger_.Add(tx, "consent", "snapshot:" + id, entry));
  GF_TRY(tx.consent().AddSnapshot(row));
  return row;
}

Status Cohorts::Read(Transaction& tx, const DatasetVersion& dataset, const Use& use, Cohort& cohort) const {
  cohort = {};
  GF_ASSIGN(auto version, tx.consent().FindVersion(dataset));
  if (!version) {
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version {} of {}", dataset.version,
                 dataset.dataset);
  }
  cohort.rows = version->rows;
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
  if (epoch.over) return Error(StatusCode::kAborted, "EPOCH_OVER", "consents began or ended by themselves");
  cohort.epoch = epoch.epoch;
  GF_ASSIGN(auto slots, tx.consent().Slots(dataset, JudgeOf(rules_, use, epoch)));
  slots.resize(static_cast<std::size_t>(version->rows));
  cohort.permitted = PermittedSlots(slots);
  for (SlotRow& slot : slots) cohort.pseudonyms.push_back(std::move(slot.pseudonym));
  GF_ASSIGN(cohort.snapshot, tx.consent().FindSnapshot(SnapshotId(dataset, use.permission, cohort.epoch, use.purpose)));
  return absl::OkStatus();
}

Status Cohorts::KeepTime(const Context& ctx) {
  bool over = false;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
    over = epoch.over;
    return absl::OkStatus();
  }));
  if (!over) return absl::OkStatus();
  return ledger_.Write(ctx, [&](Transaction& tx) -> Status { return CurrentEpoch(tx, rules_).status(); });
}

Result<Cohort> Cohorts::Run(const Context& ctx, const DatasetVersion& dataset, const Use& use, bool with_snapshot) {
  GF_TRY(Validate(dataset));
  if (!use.purpose.empty() && !IsPurpose(use.purpose))
    return InvalidField("purpose", "PURPOSE_INVALID", "must be a code such as DUO:0000006");
  Cohort cohort;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status { return Read(tx, dataset, use, cohort); });
  const bool over = Reason(read) == "EPOCH_OVER";
  if (!over) GF_TRY(read);
  if (!over && (!with_snapshot || cohort.snapshot)) {
    if (!with_snapshot) cohort.snapshot.reset();
    return cohort;
  }
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(CurrentEpoch(tx, rules_));
    GF_TRY(Read(tx, dataset, use, cohort));
    if (cohort.snapshot || !with_snapshot) return absl::OkStatus();
    GF_ASSIGN(cohort.snapshot, TakeSnapshot(tx, dataset, use, cohort.epoch));
    return absl::OkStatus();
  });
  GF_TRY(written);
  if (!with_snapshot) cohort.snapshot.reset();
  return cohort;
}

Result<Cohort> Cohorts::OfRun(const Context& ctx, const DatasetVersion& dataset, std::int64_t ledger_index) {
  std::optional<SnapshotRow> snapshot;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.ledger().List(ledger_index, 1));
    if (rows.empty() || rows[0].index != ledger_index) return absl::OkStatus();
    GF_ASSIGN(const ledger::Entry entry, ledger::DecodeEntry(rows[0].entry));
    if (entry.kind != ledger::EntryKind::kRun) return absl::OkStatus();
    GF_ASSIGN(snapshot, tx.consent().FindSnapshot(entry.Field("snapshot")));
    return absl::OkStatus();
  }));
  if (!snapshot || snapshot->dataset != dataset) {
    return Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_UNKNOWN",
                 "no run of this dataset version is logged at index {}", ledger_index);
  }
  return Run(ctx, dataset, {snapshot->permission, snapshot->purpose}, false);
}

std::optional<RunCheck> Cohorts::KnownCheck(std::int64_t ledger_index, std::int64_t epoch) const {
  MutexLock lock(mutex_);
  const auto known = checks_.find(ledger_index);
  if (known == checks_.end() || known->second.epoch != epoch) return std::nullopt;
  return known->second;
}

void Cohorts::Remember(std::int64_t ledger_index, const RunCheck& check) {
  MutexLock lock(mutex_);
  if (checks_.size() >= kKnownChecks) checks_.clear();
  checks_[ledger_index] = check;
}

Result<RunCheck> Cohorts::CheckRun(const Context& ctx, std::int64_t ledger_index) {
  RunCheck check;
  bool known = false;
  ledger::Entry run;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
    const auto before_now = epoch.over ? std::nullopt : KnownCheck(ledger_index, epoch.epoch);
    known = before_now.has_value();
    if (known) {
      check = *before_now;
      return absl::OkStatus();
    }
    GF_ASSIGN(auto rows, tx.ledger().List(ledger_index, 1));
    if (!rows.empty() && rows[0].index == ledger_index) {
      GF_ASSIGN(run, ledger::DecodeEntry(rows[0].entry));
    }
    GF_ASSIGN(auto snapshot, tx.consent().FindSnapshot(run.Field("snapshot")));
    if (run.kind != ledger::EntryKind::kRun || !snapshot) {
      return Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_UNKNOWN", "no run is logged at index {}", ledger_index);
    }
    check = {true, false, epoch.epoch};
    if (epoch.epoch == snapshot->epoch && !epoch.over) return absl::OkStatus();
    GF_ASSIGN(auto slots,
              tx.consent().Slots(snapshot->dataset, JudgeOf(rules_, {snapshot->permission, snapshot->purpose}, epoch)));
    const auto before = UnpackBits(snapshot->bits, slots.size());
    const auto now = PermittedSlots(slots);
    // Who came since then is no reason to begin again.
    for (std::size_t i = 0; i < now.size(); ++i) check.unchanged = check.unchanged && (now[i] || !before[i]);
    return absl::OkStatus();
  }));
  if (check.unchanged && !known) Remember(ledger_index, check);
  if (check.unchanged || known) return check;
  check.cancel = rules_.policy.running_tasks == Policy::RunningTasks::kCancel;
  GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = ledger_.EntryTime();
    for (const char* field : {"application", "application_sha256", "project", "run", "dataset", "version"}) {
      if (run.fields.contains(field)) entry.fields[field] = run.Field(field);
    }
    entry.fields["reason"] = "somebody in the cohort is not permitted any more";
    entry.fields["outcome"] = check.cancel ? "ended, to begin again without them" : "will be finished";
    entry.fields["rule"] = rules_.policy.id;
    entry.numbers = {{"epoch", check.epoch}};
    return ledger_.Add(tx, "consent", fmt::format("run-changed:{}", ledger_index), entry).status();
  }));
  Remember(ledger_index, check);
  return check;
}

Result<std::shared_ptr<const ledger::Snapshot>> SnapshotTrees::Get(Transaction& tx,
                                                                   const SnapshotRow& row) {
  {
    MutexLock lock(mutex_);
    auto found = trees_.find(row.id);
    if (found != trees_.end()) return found->second;
  }
  GF_ASSIGN(auto secrets, tx.consent().Secrets(row.dataset));
  GF_ASSIGN(const auto kept, tx.consent().KeptLeaves(row.id));
  const auto bits = UnpackBits(row.bits, static_cast<std::size_t>(row.slots));
  if (secrets.size() != bits.size())
    return Error(StatusCode::kDataLoss, "SNAPSHOT_BROKEN", "a snapshot has other slots than its dataset version");
  std::vector<ledger::Hash> leaves;
  leaves.reserve(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) {
    // Of somebody who was forgotten: what there is of them.
    if (const auto leaf = kept.find(static_cast<std::int32_t>(i)); leaf != kept.end()) {
      leaves.push_back(leaf->second);
      continue;
    }
    leaves.push_back(
        ledger::SnapshotLeaf(row.id, static_cast<std::uint32_t>(i), bits[i], ledger::SnapshotSalt(secrets[i], row.id)));
  }
  GF_ASSIGN(auto tree, ledger::Snapshot::FromLeaves(row.id, leaves));
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
