// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/consent/app/ports.h"

namespace genofed::consent {

// For tests: a store in memory. Keeps the contract of ports.h. A failed body leaves no trace.
class MemoryStore final : public Store {
 public:
  struct State {
    std::vector<std::pair<StoredEntry, NewEntry>> ledger;
    std::map<std::pair<std::int64_t, std::string>, std::string> openings;
    std::int64_t epoch = 0;
    std::int64_t releases = 0;
    std::map<std::string, Subject> subjects;
    std::vector<Change> changes;
    std::map<std::pair<std::string, std::int64_t>, std::pair<std::int32_t, PermissionSet>> holder;
    std::map<DatasetVersion, std::pair<VersionRow, std::vector<SlotRow>>> versions;
    std::map<std::string, SnapshotRow> snapshots;
    std::map<std::string, HeaderRow> headers;
  };

  Status Read(const Context&, const Body& body) override {
    State copy = state;
    Tx tx(copy);
    return body(tx);
  }
  Status Write(const Context&, const Body& body) override {
    State copy = state;
    Tx tx(copy);
    GF_TRY(body(tx));
    const Status lost = Error(StatusCode::kUnavailable, "SQL_COMMIT_UNKNOWN", "connection lost");
    if (std::exchange(lose_before_commit, false)) return lost;
    state = std::move(copy);
    return std::exchange(lose_after_commit, false) ? lost : absl::OkStatus();
  }

  State state;
  // The next transaction loses its connection.
  bool lose_before_commit = false;
  bool lose_after_commit = false;

 private:
  class Tx final : public Transaction, LedgerRows, ConsentRows, HeaderRows {
   public:
    explicit Tx(State& state) : s_(state) {}
    LedgerRows& ledger() override { return *this; }
    ConsentRows& consent() override { return *this; }
    HeaderRows& headers() override { return *this; }

   private:
    Result<std::vector<std::optional<StoredEntry>>> FindAll(
        const std::vector<const NewEntry*>& keys) override {
      std::vector<std::optional<StoredEntry>> found(keys.size());
      for (std::size_t i = 0; i < keys.size(); ++i) {
        for (const auto& [stored, entry] : s_.ledger) {
          if (entry.caller == keys[i]->caller &&
              entry.idempotency_key == keys[i]->idempotency_key)
            found[i] = stored;
        }
      }
      return found;
    }
    Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) override {
      const auto first = static_cast<std::int64_t>(s_.ledger.size());
      for (const NewEntry* entry : entries) {
        const auto index = static_cast<std::int64_t>(s_.ledger.size());
        s_.ledger.push_back({{index, entry->entry, entry->appended}, *entry});
      }
      return first;
    }
    Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) override {
      std::vector<ledger::Hash> leaves;
      for (auto i = static_cast<std::size_t>(start); i < s_.ledger.size(); ++i)
        leaves.push_back(s_.ledger[i].second.leaf);
      return leaves;
    }
    Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) override {
      std::vector<StoredEntry> entries;
      for (const auto& [stored, entry] : s_.ledger) {
        if (stored.index >= start && stored.index < start + limit) entries.push_back(stored);
      }
      return entries;
    }
    Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) override {
      std::vector<StoredEntry> entries;
      for (auto row = s_.ledger.rbegin();
           row != s_.ledger.rend() && static_cast<int>(entries.size()) < limit; ++row) {
        if (row->second.is_access && row->first.index < before) entries.push_back(row->first);
      }
      return entries;
    }
    Status KeepOpening(std::int64_t index, const std::string& name, const std::string& key,
                       const std::string& payload) override {
      s_.openings[{index, name}] = key + payload;
      return absl::OkStatus();
    }

    Result<std::int64_t> Epoch() override { return s_.epoch; }
    Result<std::int64_t> NextEpoch() override { return ++s_.epoch; }
    Result<std::map<std::string, Subject>> FindSubjects(
        const std::vector<std::string>& blinded) override {
      std::map<std::string, Subject> found;
      for (const std::string& id : blinded) {
        if (auto it = s_.subjects.find(id); it != s_.subjects.end()) found.insert(*it);
      }
      return found;
    }
    Status AddSubjects(const std::vector<NewSubject>& subjects) override {
      for (const auto& subject : subjects) {
        s_.subjects[subject.blinded] = {static_cast<std::int64_t>(s_.subjects.size()) + 1,
                                        std::nullopt, subject.secret};
      }
      return absl::OkStatus();
    }
    Subject& ById(std::int64_t id) {
      return std::find_if(s_.subjects.begin(), s_.subjects.end(),
                          [&](auto& row) { return row.second.id == id; })
          ->second;
    }
    Status SetOwn(std::int64_t subject, PermissionSet permissions) override {
      ById(subject).own = permissions;
      return absl::OkStatus();
    }
    Status AddChanges(const std::vector<Change>& changes) override {
      s_.changes.insert(s_.changes.end(), changes.begin(), changes.end());
      return absl::OkStatus();
    }
    Result<std::vector<Change>> Changes(std::int64_t subject, int limit) override {
      std::vector<Change> found;
      for (auto row = s_.changes.rbegin();
           row != s_.changes.rend() && static_cast<int>(found.size()) < limit; ++row) {
        if (row->subject == subject) found.push_back(*row);
      }
      return found;
    }
    Result<std::map<std::int64_t, PermissionSet>> Holder(const std::string& dataset) override {
      std::map<std::int64_t, PermissionSet> found;
      for (const auto& [key, record] : s_.holder) {
        if (key.first == dataset) found[key.second] = record.second;
      }
      return found;
    }
    Result<PermissionSet> HolderAnywhere(std::int64_t subject) override {
      PermissionSet all;
      for (const auto& [key, record] : s_.holder) {
        if (key.second == subject) all.Add(record.second);
      }
      return all;
    }
    Status PutHolder(const DatasetVersion& dataset,
                     const std::map<std::int64_t, PermissionSet>& records) override {
      for (const auto& [subject, permissions] : records) {
        auto& record = s_.holder[{dataset.dataset, subject}];
        if (record.first <= dataset.version) record = {dataset.version, permissions};
      }
      return absl::OkStatus();
    }
    Result<std::optional<VersionRow>> FindVersion(const DatasetVersion& dataset) override {
      auto it = s_.versions.find(dataset);
      return it == s_.versions.end() ? std::optional<VersionRow>() : it->second.first;
    }
    Status AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) override {
      s_.versions[version.dataset] = {version, slots};
      std::ranges::sort(s_.versions[version.dataset].second, {}, &SlotRow::slot);
      return absl::OkStatus();
    }
    Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) override {
      std::vector<SlotRow> slots = s_.versions[dataset].second;
      for (SlotRow& slot : slots) {
        slot.effective =
            Effective(ById(slot.subject).own, s_.holder[{dataset.dataset, slot.subject}].second);
      }
      return slots;
    }
    Result<std::vector<std::string>> Secrets(const DatasetVersion& dataset) override {
      std::vector<std::string> secrets;
      for (const SlotRow& slot : s_.versions[dataset].second)
        secrets.push_back(ById(slot.subject).secret);
      return secrets;
    }
    Result<std::vector<PersonSlot>> SlotsOf(std::int64_t subject) override {
      std::vector<PersonSlot> found;
      for (const auto& [dataset, version] : s_.versions) {
        for (const SlotRow& slot : version.second) {
          if (slot.subject == subject)
            found.push_back({dataset, {slot.slot, !slot.pseudonym.empty()}});
        }
      }
      return found;
    }
    Result<std::optional<SnapshotRow>> FindSnapshot(const std::string& id) override {
      auto it = s_.snapshots.find(id);
      return it == s_.snapshots.end() ? std::optional<SnapshotRow>() : it->second;
    }
    Status AddSnapshot(const SnapshotRow& snapshot) override {
      s_.snapshots[snapshot.id] = snapshot;
      return absl::OkStatus();
    }

    Result<std::map<std::string, HeaderRow>> Find(
        const std::vector<std::string>& objects) override {
      std::map<std::string, HeaderRow> found;
      for (const std::string& object : objects) {
        if (auto it = s_.headers.find(object); it != s_.headers.end()) found.insert(*it);
      }
      return found;
    }
    Status Add(const HeaderRow& header) override {
      s_.headers[header.object] = header;
      return absl::OkStatus();
    }
    Result<std::int64_t> Destroy(const std::string& dataset) override {
      return static_cast<std::int64_t>(std::erase_if(
          s_.headers, [&](const auto& row) { return row.second.dataset.dataset == dataset; }));
    }
    Result<std::int64_t> CountReleases(std::int64_t headers) override {
      return s_.releases += headers;
    }

    State& s_;
  };
};

}  // namespace genofed::consent
