// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/append_group.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace genofed::consent {
namespace {

// An entry names a snapshot that was taken, and takes it for what it is: otherwise no receipt would
// verify.
Status CheckSnapshot(const FindSnapshot& find, const ledger::Entry& entry) {
  if (!entry.fields.contains("snapshot")) return absl::OkStatus();
  GF_ASSIGN(const std::optional<SnapshotRow> row, find(entry.Field("snapshot")));
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

// What will be appended. Until then, an index is the place in `added`, as -1, -2, ...
class Staging {
 public:
  using Known = EntryRows::Known;
  explicit Staging(const FindSnapshot& find) : find_(find) {}

  // `known` are entries that are in the ledger already.
  Status Stage(AppendJob& job, const Known& known) {
    const std::size_t before = added.size();
    Status status;
    job.indices.clear();
    for (std::size_t i = 0; i < job.entries.size() && status.ok(); ++i)
      status = StageOne(job.entries[i], job.decoded[i], known, job.indices);
    if (!status.ok()) {
      added.resize(before);
      job.indices.clear();
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
      GF_TRY(CheckSnapshot(find_, decoded));
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

  const FindSnapshot& find_;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places_;
};

}  // namespace

Status AddGroup(EntryRows& rows, const FindSnapshot& find, std::span<AppendJob* const> group) {
  std::vector<const NewEntry*> all;
  for (const AppendJob* job : group) {
    for (const NewEntry& entry : job->entries) all.push_back(&entry);
  }
  GF_ASSIGN(const EntryRows::Known known, rows.FindAll(all));
  Staging staging(find);
  for (AppendJob* job : group) job->status = staging.Stage(*job, known);
  if (staging.added.empty()) return absl::OkStatus();
  GF_ASSIGN(const std::int64_t first, rows.AddAll(staging.added));
  for (AppendJob* job : group) {
    for (std::int64_t& index : job->indices) index = index < 0 ? first - 1 - index : index;
  }
  return absl::OkStatus();
}

}  // namespace genofed::consent
