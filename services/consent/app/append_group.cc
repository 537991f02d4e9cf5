// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/append_group.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace genofed::consent {
namespace {

// Snapshots that entries of one transaction name.
class NamedSnapshots {
 public:
  explicit NamedSnapshots(Transaction& tx) : tx_(tx) {}

  // An entry names a snapshot that was taken, and takes it for what it is: otherwise no receipt
  // would verify.
  Status Check(const ledger::Entry& entry) {
    if (!entry.fields.contains("snapshot")) return absl::OkStatus();
    GF_ASSIGN(const std::optional<SnapshotRow>* found, Find(entry.Field("snapshot")));
    const std::optional<SnapshotRow>& row = *found;
    if (!row || row->root.Hex() != entry.Field("snapshot_root") ||
        row->slots != entry.numbers.at("slots") || row->dataset.dataset != entry.Field("dataset") ||
        std::to_string(row->dataset.version) != entry.Field("version")) {
      return Error(
          StatusCode::kFailedPrecondition, "SNAPSHOT_UNKNOWN",
          "no snapshot with this identifier, root, slots, dataset and version was taken here");
    }
    if (entry.kind == ledger::EntryKind::kRun && row->permission != Permission::kSecondaryUse) {
      return Error(StatusCode::kFailedPrecondition, "SNAPSHOT_UNFIT",
                   "a run needs a snapshot of the permission SEC");
    }
    return absl::OkStatus();
  }

 private:
  Result<const std::optional<SnapshotRow>*> Find(const std::string& id) {
    if (const auto known = rows_.find(id); known != rows_.end()) return &known->second;
    GF_ASSIGN(auto row, tx_.consent().FindSnapshot(id));
    return &rows_.emplace(id, std::move(row)).first->second;
  }

  Transaction& tx_;
  std::map<std::string, std::optional<SnapshotRow>> rows_;
};

// What will be appended. Until then, an index is the place in `added`, as -1, -2, ...
class Staging {
 public:
  using Known = LedgerRows::Known;
  explicit Staging(Transaction& tx) : snapshots_(tx) {}

  // `known` are entries that are in the ledger already.
  Status Stage(AppendJob& job, const Known& known) {
    const std::size_t before = added.size();
    Status status;
    job.indices.clear();
    for (std::size_t i = 0; i < job.entries.size() && status.ok(); ++i)
      status = StageOne(job.entries[i], job.decoded[i], known, job.indices);
    if (!status.ok()) {
      added.resize(before);
      return status;
    }
    for (std::size_t place = before; place < added.size(); ++place)
      places_[Key(*added[place])] = place;
    return absl::OkStatus();
  }

  std::vector<const NewEntry*> added;

 private:
  static std::pair<std::string_view, std::string_view> Key(const NewEntry& entry) {
    return {entry.caller, entry.idempotency_key};
  }

  Status StageOne(const NewEntry& entry, const ledger::Entry& decoded,
                  const Known& all_known, std::vector<std::int64_t>& indices) {
    const auto found = all_known.empty() ? all_known.end() : all_known.find({entry.caller, entry.idempotency_key});
    const StoredEntry* known = found == all_known.end() ? nullptr : &found->second;
    const auto twin = places_.find(Key(entry));
    if (known == nullptr && twin == places_.end()) {
      GF_TRY(snapshots_.Check(decoded));
      added.push_back(&entry);
      indices.push_back(-static_cast<std::int64_t>(added.size()));
      return absl::OkStatus();
    }
    if (entry.entry != (known != nullptr ? known->entry : added[twin->second]->entry)) {
      return Error(StatusCode::kAlreadyExists, "IDEMPOTENCY_KEY_REUSED",
                   "another entry was appended under this key");
    }
    indices.push_back(known != nullptr ? known->index : -1 - static_cast<std::int64_t>(twin->second));
    return absl::OkStatus();
  }

  NamedSnapshots snapshots_;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places_;
};

}  // namespace

Status AddGroup(Transaction& tx, std::span<AppendJob* const> group, bool look) {
  LedgerRows::Known known;
  if (look) {
    std::vector<const NewEntry*> all;
    for (const AppendJob* job : group) {
      for (const NewEntry& entry : job->entries) all.push_back(&entry);
    }
    GF_ASSIGN(known, tx.ledger().FindAll(all));
  }
  Staging staging(tx);
  for (AppendJob* job : group) job->status = staging.Stage(*job, known);
  if (staging.added.empty()) return absl::OkStatus();
  GF_ASSIGN(const std::int64_t first, tx.ledger().AddAll(staging.added));
  for (AppendJob* job : group) {
    for (std::int64_t& index : job->indices) index = index < 0 ? first - 1 - index : index;
  }
  return absl::OkStatus();
}

}  // namespace genofed::consent
