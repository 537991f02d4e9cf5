// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/cohorts.h"

#include <algorithm>

#include "libs/consent/purpose.h"
#include "libs/ledger/entry.h"

namespace genofed::consent {

namespace {

constexpr int kTries = 3;

Status Validate(const Use& use) {
  if (!use.purpose.empty() && !IsPurpose(use.purpose))
    return InvalidField("purpose", "PURPOSE_INVALID", "must be a code such as DUO:0000006");
  if (!AreFew(use.met)) return InvalidField("conditions_met", "CONDITION_INVALID", "are too many");
  for (const std::string& code : use.met) {
    if (!FindCondition(code))
      return InvalidField("conditions_met", "CONDITION_INVALID",
                          "holds a code that no project can be said to meet");
  }
  return absl::OkStatus();
}

std::string Id(const DatasetVersion& dataset, const Use& use, std::int64_t epoch) {
  return SnapshotId(dataset, use.permission, epoch, use.purpose, use.met);
}

std::string Spaced(const std::vector<std::string>& codes) {
  std::string text;
  for (const std::string& code : codes) text += (text.empty() ? "" : " ") + code;
  return text;
}

}  // namespace

ledger::SlotSet PermittedSlots(const std::vector<JudgedPerson>& people) {
  std::vector<bool> marked;
  for (const JudgedPerson& person : people) {
    if (!person.permitted) continue;
    if (person.snapshot_slot >= marked.size()) marked.resize(person.snapshot_slot + std::size_t{1});
    marked[person.snapshot_slot] = true;
  }
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < marked.size(); ++slot) {
    if (marked[slot]) slots.push_back(slot);
  }
  return ledger::SlotSet(slots);
}

Result<EpochState> CurrentEpoch(Transaction& tx, const Rules& rules) {
  const Time now = rules.clock.Now();
  GF_ASSIGN(EpochState epoch, tx.consent().EpochAt(now));
  if (!epoch.over) return epoch;
  GF_TRY(tx.consent().NextEpoch(now));
  return tx.consent().EpochAt(now);
}

Status CheckUnchanged(Transaction& tx, const Rules& rules, const std::string& id,
                      const DatasetVersion& dataset) {
  GF_ASSIGN(auto snapshot, tx.consent().FindSnapshot(id));
  if (!snapshot || snapshot->dataset != dataset)
    return Error(StatusCode::kFailedPrecondition, "SNAPSHOT_UNKNOWN",
                 "the entry names no snapshot of this dataset version");
  // Every change begins another epoch, and so does time when it is noticed.
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules.clock.Now()));
  if (epoch.epoch == snapshot->epoch && !epoch.over) return absl::OkStatus();
  GF_ASSIGN(const auto people,
            tx.consent().Judge(dataset, JudgeOf(rules, Use::Of(*snapshot), epoch)));
  GF_ASSIGN(const auto stored, tx.consent().LoadSnapshot(*snapshot));
  if (stored.permitted() == PermittedSlots(people)) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED",
               "somebody changed their mind since the use was logged: it needs a new snapshot");
}

Result<SnapshotRow> Cohorts::Log(Transaction& tx, const DatasetVersion& dataset, const Use& use,
                                 std::int64_t number, const ledger::Snapshot& snapshot) {
  const int index = rules_.policy.Find(use.permission, use.purpose);
  const Rule rule = index < 0 ? Rule() : rules_.policy.rules[static_cast<std::size_t>(index)];
  SnapshotRow row{snapshot.id(),
                  dataset,
                  use.permission,
                  number,
                  static_cast<std::int32_t>(snapshot.slots()),
                  snapshot.root(),
                  0,
                  use.purpose,
                  std::string(ModelName(rule.model)),
                  rule.legal_basis,
                  use.met};
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kSnapshot;
  entry.time = ledger_.EntryTime();
  entry.fields = {{"dataset", dataset.dataset},
                  {"version", std::to_string(dataset.version)},
                  {"permission", std::string(Name(use.permission))},
                  {"snapshot", row.id},
                  {"snapshot_root", row.root.Hex()},
                  {"purpose", use.purpose},
                  {"conditions", Spaced(use.met)},
                  {"policy_sha256", rules_.policy.sha256}};
  std::erase_if(entry.fields, [](const auto& field) { return field.second.empty(); });
  entry.SetText("rule", fmt::format("{} {} {}", rules_.policy.id, index + 1, row.model));
  entry.SetText("reason", rule.legal_basis);
  entry.numbers = {{"epoch", number}, {"slots", row.slots}};
  GF_ASSIGN(row.ledger_index, ledger_.Add(tx, "consent", "snapshot:" + row.id, entry));
  GF_TRY(tx.consent().AddSnapshot(row, snapshot));
  return row;
}

Status Cohorts::Read(Transaction& tx, const DatasetVersion& dataset, const Use& use,
                     bool with_pseudonyms, Cohort& cohort, ledger::SlotSet& permitted) const {
  cohort = {};
  GF_ASSIGN(auto version, tx.consent().FindVersion(dataset));
  if (!version) {
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version {} of {}", dataset.version,
                 dataset.dataset);
  }
  cohort.rows = version->rows;
  GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
  if (epoch.over)
    return Error(StatusCode::kAborted, "EPOCH_OVER", "consents began or ended by themselves");
  cohort.epoch = epoch.epoch;
  GF_ASSIGN(auto people, tx.consent().Judge(dataset, JudgeOf(rules_, use, epoch)));
  permitted = PermittedSlots(people);
  people.resize(static_cast<std::size_t>(version->rows));
  for (const JudgedPerson& person : people) cohort.permitted.push_back(person.permitted);
  if (with_pseudonyms) {
    GF_ASSIGN(auto slots, tx.consent().Slots(dataset));
    slots.resize(people.size());
    for (SlotRow& slot : slots) cohort.pseudonyms.push_back(std::move(slot.pseudonym));
  }
  GF_ASSIGN(cohort.snapshot, tx.consent().FindSnapshot(Id(dataset, use, cohort.epoch)));
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
  return ledger_.Write(
      ctx, [&](Transaction& tx) -> Status { return CurrentEpoch(tx, rules_).status(); });
}

Result<Cohort> Cohorts::Run(const Context& ctx, const DatasetVersion& dataset, const Use& use,
                            bool with_snapshot, bool with_pseudonyms) {
  GF_TRY(Validate(dataset));
  GF_TRY(Validate(use));
  GF_TRY(ledger_.CheckNotFrozen());
  if (with_snapshot) return WithSnapshot(ctx, dataset, use, with_pseudonyms);
  Cohort cohort;
  ledger::SlotSet permitted;
  const auto read = [&](Transaction& tx) { return Read(tx, dataset, use, with_pseudonyms, cohort, permitted);
  };
  const Status status = store_.Read(ctx, read);
  if (Reason(status) == "EPOCH_OVER") {
    GF_TRY(KeepTime(ctx));
    GF_TRY(store_.Read(ctx, read));
  } else {
    GF_TRY(status);
  }
  cohort.snapshot.reset();
  return cohort;
}

// The tree is made while others write, and logged if its epoch still holds: a million people take a
// second.
Result<Cohort> Cohorts::WithSnapshot(const Context& ctx, const DatasetVersion& dataset,
                                     const Use& use, bool with_pseudonyms) {
  for (int attempt = 1;; ++attempt) {
    Cohort cohort;
    std::optional<ledger::Snapshot> made;
    const auto make = [&](Transaction& tx) -> Status {
      ledger::SlotSet permitted;
      made.reset();
      GF_TRY(Read(tx, dataset, use, with_pseudonyms, cohort, permitted));
      if (cohort.snapshot) return absl::OkStatus();
      GF_ASSIGN(const std::int32_t blocks, tx.consent().CountSlotBlocks());
      GF_ASSIGN(const auto secrets, tx.consent().SlotSecrets(0, blocks));
      GF_ASSIGN(made, ledger::Snapshot::Build(Id(dataset, use, cohort.epoch), std::move(permitted),
                                              secrets));
      return absl::OkStatus();
    };
    const Status read = store_.Read(ctx, make);
    if (Reason(read) != "EPOCH_OVER") GF_TRY(read);
    if (cohort.snapshot) return cohort;
    bool logged = false;
    const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(const EpochState now, CurrentEpoch(tx, rules_));
      cohort.snapshot.reset();
      logged = made && cohort.epoch == now.epoch;
      if (!logged && attempt < kTries) return absl::OkStatus();
      if (!logged) GF_TRY(make(tx));  // changes come faster than snapshots are made: now they wait
      logged = true;
      if (cohort.snapshot) return absl::OkStatus();
      GF_ASSIGN(cohort.snapshot, tx.consent().FindSnapshot(made->id()));
      if (cohort.snapshot) return absl::OkStatus();
      GF_ASSIGN(cohort.snapshot, Log(tx, dataset, use, cohort.epoch, *made));
      return absl::OkStatus();
    });
    GF_TRY(written);
    if (logged) return cohort;
  }
}

Result<Cohort> Cohorts::OfRun(const Context& ctx, const DatasetVersion& dataset,
                              std::int64_t ledger_index, bool with_pseudonyms) {
  std::optional<SnapshotRow> snapshot;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.ledger().List(ledger_index, 1));
    if (rows.empty() || rows[0].index != ledger_index) return absl::OkStatus();
    GF_TRY(ledger_.CheckRows(ctx, rows));
    GF_ASSIGN(const ledger::Entry entry, ledger::DecodeEntry(rows[0].entry));
    if (entry.kind != ledger::EntryKind::kRun) return absl::OkStatus();
    GF_ASSIGN(snapshot, tx.consent().FindSnapshot(entry.Field("snapshot")));
    return absl::OkStatus();
  });
  GF_TRY(read);
  if (!snapshot || snapshot->dataset != dataset) {
    return Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_UNKNOWN",
                 "no run of this dataset version is logged at index {}", ledger_index);
  }
  return Run(ctx, dataset, Use::Of(*snapshot), false, with_pseudonyms);
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
  GF_TRY(ledger_.CheckNotFrozen());
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const EpochState epoch, tx.consent().EpochAt(rules_.clock.Now()));
    const auto before_now = epoch.over ? std::nullopt : KnownCheck(ledger_index, epoch.epoch);
    known = before_now.has_value();
    if (known) {
      check = *before_now;
      return absl::OkStatus();
    }
    GF_ASSIGN(auto rows, tx.ledger().List(ledger_index, 1));
    if (!rows.empty() && rows[0].index == ledger_index) {
      GF_TRY(ledger_.CheckRows(ctx, rows));
      GF_ASSIGN(run, ledger::DecodeEntry(rows[0].entry));
    }
    GF_ASSIGN(auto snapshot, tx.consent().FindSnapshot(run.Field("snapshot")));
    if (run.kind != ledger::EntryKind::kRun || !snapshot) {
      return Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_UNKNOWN",
                   "no run is logged at index {}", ledger_index);
    }
    check = {true, false, epoch.epoch};
    if (epoch.epoch == snapshot->epoch && !epoch.over) return absl::OkStatus();
    GF_ASSIGN(const auto people,
              tx.consent().Judge(snapshot->dataset, JudgeOf(rules_, Use::Of(*snapshot), epoch)));
    GF_ASSIGN(const auto stored, tx.consent().LoadSnapshot(*snapshot));
    // Who came since then is no reason to begin again.
    check.unchanged = PermittedSlots(people).ContainsAll(stored.permitted());
    return absl::OkStatus();
  });
  GF_TRY(read);
  if (check.unchanged && !known) Remember(ledger_index, check);
  if (check.unchanged || known) return check;
  check.cancel = rules_.policy.running_tasks == Policy::RunningTasks::kCancel;
  GF_TRY(ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = ledger_.EntryTime();
    for (const char* field :
         {"application", "application_sha256", "project", "run", "dataset", "version"}) {
      if (run.fields.contains(field)) entry.fields[field] = run.Field(field);
    }
    entry.fields["reason"] = "somebody in the cohort is not permitted any more";
    entry.fields["outcome"] =
        check.cancel ? "ended, to begin again without them" : "will be finished";
    entry.SetText("rule", rules_.policy.id);
    entry.numbers = {{"epoch", check.epoch}};
    return ledger_.Add(tx, "consent", fmt::format("run-changed:{}", ledger_index), entry).status();
  }));
  Remember(ledger_index, check);
  return check;
}

Result<std::shared_ptr<const ledger::Snapshot>> SnapshotShelf::Get(Transaction& tx,
                                                                   const SnapshotRow& row) {
  {
    MutexLock lock(mutex_);
    const auto found = snapshots_.find(row.id);
    if (found != snapshots_.end()) {
      found->second.used = ++uses_;
      return found->second.snapshot;
    }
  }
  GF_ASSIGN(auto loaded, tx.consent().LoadSnapshot(row));
  auto snapshot = std::make_shared<const ledger::Snapshot>(std::move(loaded));
  MutexLock lock(mutex_);
  if (snapshots_.size() >= kKept) {
    snapshots_.erase(std::ranges::min_element(snapshots_, {},
                                              [](const auto& kept) { return kept.second.used; }));
  }
  snapshots_[row.id] = {snapshot, ++uses_};
  return snapshot;
}

Status SlotProver::Begin(const std::vector<std::string>& snapshots) {
  const std::int32_t block = slot_ / static_cast<std::int32_t>(ledger::kSnapshotBlock);
  GF_ASSIGN(auto secrets, tx_.consent().SlotSecrets(block, 1));
  secrets_ = std::move(secrets[0]);
  GF_ASSIGN(kept_, tx_.consent().KeptLeaves(snapshots, block));
  return absl::OkStatus();
}

Result<std::optional<ledger::SnapshotProof>> SlotProver::Prove(const SnapshotRow& row) {
  if (slot_ >= row.slots) return std::optional<ledger::SnapshotProof>();
  auto proof = proofs_.find(row.id);
  if (proof == proofs_.end()) {
    GF_ASSIGN(const auto snapshot, shelf_.Get(tx_, row));
    GF_ASSIGN(auto made,
              snapshot->Prove(static_cast<std::uint32_t>(slot_), secrets_, kept_[row.id]));
    proof = proofs_.emplace(row.id, std::move(made)).first;
  }
  return std::optional(proof->second);
}

}  // namespace genofed::consent
