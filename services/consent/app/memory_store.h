// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/consent/app/rules.h"

namespace genofed::consent {

// For tests: a store in memory. Keeps the contract of ports.h. A failed body leaves no trace.
class MemoryStore final : public Store {
 public:
  struct State {
    std::vector<std::pair<StoredEntry, NewEntry>> ledger;
    std::map<std::pair<std::int64_t, std::string>, std::string> openings;
    std::map<std::int64_t, std::vector<ledger::Hash>> groups;
    std::int64_t epoch = 0;
    Time epoch_at{};
    std::string policy;
    std::int64_t releases = 0;
    std::map<std::string, Subject> subjects;
    std::vector<Change> changes;
    std::map<std::pair<std::string, std::int64_t>, std::pair<std::int32_t, Statement>> holder;
    std::map<DatasetVersion, std::pair<VersionRow, std::vector<SlotRow>>> versions;
    std::map<std::string, std::pair<SnapshotRow, ledger::Snapshot>> snapshots;
    std::vector<std::string> slot_blocks;
    std::set<std::int32_t> free_slots;
    std::map<std::string, HeaderRow> headers;
    std::map<std::string, RegistryRow> registries;
    std::map<std::string, ledger::Snapshot::KeptLeaves> kept_leaves;
    std::set<std::string> tombstones;
    std::vector<AuditRow> audit;
    std::vector<NoticeRow> notices;
    // By registry and record.
    std::map<std::pair<std::string, std::string>, std::pair<std::int32_t, RegistryStatement>> registered;
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

  Status Append(const Context& ctx, const AppendBody& body) override {
    return Write(ctx, [&](Transaction& tx) { return body(tx.ledger()); });
  }
  Status WriteAside(const Context& ctx, const Body& body) override { return Write(ctx, body); }

  State state;
  // The next transaction loses its connection.
  bool lose_before_commit = false;
  bool lose_after_commit = false;

 private:
  class Tx final : public Transaction, LedgerRows, ConsentRows, HeaderRows, RegistryRows, AuditRows {
   public:
    explicit Tx(State& state) : s_(state) {}
    LedgerRows& ledger() override { return *this; }
    ConsentRows& consent() override { return *this; }
    HeaderRows& headers() override { return *this; }
    RegistryRows& registries() override { return *this; }
    AuditRows& audit() override { return *this; }

   private:
    Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) override {
      GF_CHECK(FindAll(entries)->empty());
      const auto first = static_cast<std::int64_t>(s_.ledger.size());
      for (const NewEntry* entry : entries) {
        const auto index = static_cast<std::int64_t>(s_.ledger.size());
        s_.ledger.push_back({{index, entry->entry, entry->appended}, *entry});
      }
      return first;
    }
    Result<Known> FindAll(const std::vector<const NewEntry*>& entries) override {
      Known known;
      for (const NewEntry* one : entries) {
        for (const auto& [stored, entry] : s_.ledger) {
          if (entry.caller == one->caller && entry.idempotency_key == one->idempotency_key)
            known[{one->caller, one->idempotency_key}] = stored;
        }
      }
      return known;
    }
    Result<std::optional<std::int64_t>> Find(const std::string& caller, const std::string& idempotency_key) override {
      for (const auto& [stored, entry] : s_.ledger) {
        if (entry.caller == caller && entry.idempotency_key == idempotency_key) return std::optional(stored.index);
      }
      return std::optional<std::int64_t>();
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
    Status KeepGroup(std::int64_t index, const std::vector<ledger::Hash>& commitments) override {
      s_.groups[index] = commitments;
      return absl::OkStatus();
    }
    Result<std::vector<ledger::Hash>> Group(std::int64_t index) override {
      const auto found = s_.groups.find(index);
      return found == s_.groups.end() ? std::vector<ledger::Hash>() : found->second;
    }

    Result<std::int64_t> Epoch() override { return s_.epoch; }
    Result<std::int64_t> NextEpoch(Time now) override {
      s_.epoch_at = std::max(s_.epoch_at, now);
      return ++s_.epoch;
    }
    Result<EpochState> EpochAt(Time now) override {
      EpochState state{s_.epoch, std::max(s_.epoch_at, now), false, false};
      for (const auto& [name, row] : s_.registries) state.registry_stale |= row.stale;
      for (const auto& [blinded, subject] : s_.subjects) {
        Voices voices{{}, subject.who};
        for (auto& statement : Said(subject.id)) voices.statements.push_back(std::move(statement.says));
        const auto next = NextChange(voices, s_.epoch_at);
        state.over |= next && *next <= now;
      }
      return state;
    }
    Result<std::string> PolicyDigest() override { return s_.policy; }
    Status SetPolicyDigest(const std::string& sha256) override {
      s_.policy = sha256;
      return absl::OkStatus();
    }
    std::vector<SourcedStatement> Said(std::int64_t subject) {
      std::vector<SourcedStatement> said;
      const Subject& person = ById(subject);
      if (person.own) said.push_back({Source::kOwn, "", *person.own});
      for (const auto& [key, record] : s_.holder) {
        if (key.second == subject) said.push_back({Source::kHolder, key.first, record.second});
      }
      for (const auto& [key, row] : s_.registered) {
        if (row.second.subject == subject) said.push_back({Source::kRegistry, key.first, row.second.says});
      }
      return said;
    }
    Result<std::map<std::string, Subject>> FindSubjects(
        const std::vector<std::string>& blinded) override {
      std::map<std::string, Subject> found;
      for (const std::string& id : blinded) {
        if (auto it = s_.subjects.find(id); it != s_.subjects.end()) found.insert(*it);
      }
      return found;
    }
    Result<std::map<std::int64_t, std::string>> BlindedOf(
        const std::vector<std::int64_t>& subjects) override {
      std::map<std::int64_t, std::string> found;
      for (const auto& [blinded, subject] : s_.subjects) {
        if (std::ranges::find(subjects, subject.id) != subjects.end()) found[subject.id] = blinded;
      }
      return found;
    }
    Status AddSubjects(const std::vector<NewSubject>& subjects) override {
      for (const auto& subject : subjects) {
        const auto id = static_cast<std::int64_t>(s_.subjects.size()) + 1;
        GF_CHECK(s_.free_slots.erase(subject.slot) == 1);
        s_.subjects[subject.blinded] = {id, subject.slot, std::nullopt, {}};
      }
      return absl::OkStatus();
    }
    Subject& ById(std::int64_t id) {
      return std::find_if(s_.subjects.begin(), s_.subjects.end(),
                          [&](auto& row) { return row.second.id == id; })
          ->second;
    }
    Status SetOwn(std::int64_t subject, const Statement& statement) override {
      ById(subject).own = statement;
      return absl::OkStatus();
    }
    Status SetLives(const std::map<std::int64_t, Circumstances>& lives) override {
      for (const auto& [subject, life] : lives) {
        Circumstances& who = ById(subject).who;
        if (life.adult_at) who.adult_at = life.adult_at;
        if (life.born) who.born = life.born;
        if (life.died_at) who.died_at = life.died_at;
      }
      return absl::OkStatus();
    }
    Status SetAdultAge(int years) override {
      for (auto& [blinded, subject] : s_.subjects) {
        if (subject.who.born) subject.who.adult_at = ComesOfAge(*subject.who.born, years);
      }
      return absl::OkStatus();
    }
    Status TakeBackDeaths(const std::vector<std::int64_t>& subjects) override {
      for (const std::int64_t subject : subjects) ById(subject).who.died_at.reset();
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
    Result<std::map<std::int64_t, Statement>> Holder(const std::string& dataset) override {
      std::map<std::int64_t, Statement> found;
      for (const auto& [key, record] : s_.holder) {
        if (key.first == dataset) found[key.second] = record.second;
      }
      return found;
    }
    Status PutHolder(const DatasetVersion& dataset, const std::map<std::int64_t, Statement>& records) override {
      for (const auto& [subject, statement] : records) {
        auto& record = s_.holder[{dataset.dataset, subject}];
        if (record.first <= dataset.version) record = {dataset.version, statement};
      }
      return absl::OkStatus();
    }
    Result<std::map<std::int64_t, std::vector<SourcedStatement>>> StatementsOf(
        const std::vector<std::int64_t>& subjects) override {
      std::map<std::int64_t, std::vector<SourcedStatement>> said;
      for (const std::int64_t subject : subjects) said[subject] = Said(subject);
      return said;
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
    Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) override { return s_.versions[dataset].second; }
    Result<std::vector<JudgedPerson>> Judge(const DatasetVersion& dataset, const JudgePerson& judge) override {
      std::vector<JudgedPerson> people;
      for (const SlotRow& row : s_.versions[dataset].second) {
        const Subject& person = ById(row.subject);
        people.push_back({static_cast<std::uint32_t>(person.slot),
                          !row.pseudonym.empty() &&
                              judge(VoicesIn(dataset.dataset, Said(row.subject), person.who))});
      }
      return people;
    }
    Result<std::int32_t> CountSlotBlocks() override { return static_cast<std::int32_t>(s_.slot_blocks.size()); }
    Result<std::vector<std::string>> SlotSecrets(std::int32_t first_block, std::int32_t blocks) override {
      const auto first = s_.slot_blocks.begin() + first_block;
      return std::vector<std::string>(first, first + blocks);
    }
    Result<std::vector<std::int32_t>> FreeSlots() override {
      return std::vector<std::int32_t>(s_.free_slots.begin(), s_.free_slots.end());
    }
    Status AddSlotBlock(const std::string& secrets) override {
      for (std::uint32_t i = 0; i < ledger::kSnapshotBlock; ++i)
        s_.free_slots.insert(static_cast<std::int32_t>(s_.slot_blocks.size() * ledger::kSnapshotBlock + i));
      s_.slot_blocks.push_back(secrets);
      return absl::OkStatus();
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
    Result<std::map<std::string, SnapshotRow>> FindSnapshots(const std::vector<std::string>& ids) override {
      std::map<std::string, SnapshotRow> found;
      for (const std::string& id : ids) {
        if (auto it = s_.snapshots.find(id); it != s_.snapshots.end()) found[id] = it->second.first;
      }
      return found;
    }
    Result<std::vector<SnapshotRow>> SnapshotsAfter(std::int64_t ledger_index, int limit) override {
      std::vector<SnapshotRow> found;
      for (const auto& [id, stored] : s_.snapshots) {
        if (stored.first.ledger_index > ledger_index) found.push_back(stored.first);
      }
      std::ranges::sort(found, {}, &SnapshotRow::ledger_index);
      if (found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
      return found;
    }
    Status AddSnapshot(const SnapshotRow& row, const ledger::Snapshot& snapshot) override {
      s_.snapshots.emplace(row.id, std::pair(row, snapshot));
      return absl::OkStatus();
    }
    Result<ledger::Snapshot> LoadSnapshot(const SnapshotRow& row) override { return s_.snapshots.at(row.id).second; }

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
    Result<std::map<DatasetVersion, std::set<std::string>>> Kinds(
        const std::vector<std::string>& datasets) override {
      std::map<DatasetVersion, std::set<std::string>> kinds;
      for (const auto& [object, header] : s_.headers) {
        if (!header.role.empty() &&
            std::ranges::find(datasets, header.dataset.dataset) != datasets.end())
          kinds[header.dataset].insert(header.role);
      }
      return kinds;
    }
    Result<std::int64_t> Destroy(const std::string& dataset, const std::vector<std::string>& objects) override {
      return static_cast<std::int64_t>(std::erase_if(s_.headers, [&](const auto& row) {
        return row.second.dataset.dataset == dataset &&
               (objects.empty() || std::ranges::find(objects, row.first) != objects.end());
      }));
    }
    Result<std::int64_t> CountReleases(std::int64_t headers) override {
      return s_.releases += headers;
    }

    Result<std::vector<Opening>> Openings(std::int64_t subject) override {
      std::vector<Opening> found;
      for (const Change& change : s_.changes) {
        if (change.subject != subject || !change.ledger_index) continue;
        for (const auto& [key, value] : s_.openings) {
          if (key.first == *change.ledger_index)
            found.push_back({key.first, key.second, value.substr(0, 32), value.substr(32)});
        }
      }
      return found;
    }
    Result<std::map<std::string, ledger::Snapshot::KeptLeaves>> KeptLeaves(const std::vector<std::string>& snapshots,
                                                                           std::int32_t) override {
      std::map<std::string, ledger::Snapshot::KeptLeaves> found;
      for (const std::string& id : snapshots) {
        if (auto it = s_.kept_leaves.find(id); it != s_.kept_leaves.end()) found.insert(*it);
      }
      return found;
    }
    Status Forget(const Erasure& erasure) override {
      for (const Change& change : s_.changes) {
        if (change.subject != erasure.subject || !change.ledger_index) continue;
        std::erase_if(s_.openings, [&](const auto& row) { return row.first.first == *change.ledger_index; });
      }
      std::erase_if(s_.changes, [&](const Change& change) { return change.subject == erasure.subject; });
      std::erase_if(s_.holder, [&](const auto& row) { return row.first.second == erasure.subject; });
      std::erase_if(s_.registered, [&](const auto& row) { return row.second.second.subject == erasure.subject; });
      const auto slot = static_cast<std::uint32_t>(erasure.slot);
      for (const auto& [snapshot, leaf] : erasure.leaves) s_.kept_leaves[snapshot][slot] = leaf;
      s_.slot_blocks[slot / ledger::kSnapshotBlock].replace(slot % ledger::kSnapshotBlock * ledger::kSlotSecretBytes,
                                                            ledger::kSlotSecretBytes, erasure.secret);
      for (auto& [version, rows] : s_.versions) {
        for (SlotRow& row : rows.second) {
          if (row.subject == erasure.subject && !row.pseudonym.empty())
            row.pseudonym = erasure.pseudonyms.at(version.dataset);
        }
      }
      std::erase_if(s_.subjects, [&](const auto& row) { return row.second.id == erasure.subject; });
      s_.subjects[erasure.blinded] = {erasure.subject, erasure.slot, std::nullopt, {{}, {}, true}};
      s_.tombstones.insert(erasure.tombstone);
      return absl::OkStatus();
    }
    Result<std::set<std::string>> FindTombstones(
        const std::vector<std::string>& tombstones) override {
      std::set<std::string> found;
      for (const std::string& one : tombstones) {
        if (s_.tombstones.contains(one)) found.insert(one);
      }
      return found;
    }
    Result<bool> LiftTombstone(const std::string& tombstone) override {
      return s_.tombstones.erase(tombstone) > 0;
    }
    Result<ForgottenRows> Forgotten(std::int64_t after, int people) override {
      std::set<std::int64_t> ids;
      for (const auto& [blinded, subject] : s_.subjects) {
        if (subject.who.erased && subject.id > after) ids.insert(subject.id);
      }
      ForgottenRows forgotten;
      for (const std::int64_t id : ids) {
        if (people-- == 0) return forgotten;
        forgotten.next = id;
        GF_ASSIGN(const auto slots, SlotsOf(id));
        forgotten.rows.insert(forgotten.rows.end(), slots.begin(), slots.end());
      }
      forgotten.next = 0;
      return forgotten;
    }
    Result<bool> HasForgotten(const DatasetVersion& dataset) override {
      const auto& rows = s_.versions[dataset].second;
      return std::ranges::any_of(rows, [this](const SlotRow& row) {
        return !row.pseudonym.empty() && ById(row.subject).who.erased;
      });
    }
    Result<std::int64_t> CountPeople(const std::vector<std::string>& datasets) override {
      std::set<std::int64_t> people;
      if (datasets.empty()) {
        return std::ranges::count_if(
            s_.subjects, [](const auto& one) { return !one.first.starts_with("erased:"); });
      }
      for (const auto& [version, rows] : s_.versions) {
        if (std::ranges::find(datasets, version.dataset) == datasets.end()) continue;
        for (const SlotRow& slot : rows.second) {
          if (!slot.pseudonym.empty() && !ById(slot.subject).who.erased) people.insert(slot.subject);
        }
      }
      return static_cast<std::int64_t>(people.size());
    }

    Result<std::int64_t> Releases() override { return s_.releases; }

    Result<std::int64_t> Indexed() override { return static_cast<std::int64_t>(s_.audit.size()); }
    Status Index(const std::vector<AuditRow>& rows) override {
      s_.audit.insert(s_.audit.end(), rows.begin(), rows.end());
      return absl::OkStatus();
    }
    static bool Fits(const AuditRow& row, const AuditQuery& query) {
      const auto is = [](const std::string& asked, const std::string& value) {
        return asked.empty() || asked == value;
      };
      return is(query.project, row.project) && is(query.organisation, row.organisation) &&
             is(query.dataset, row.dataset) && is(query.application, row.application) && is(query.kind, row.kind) &&
             (!query.from || row.at >= *query.from) && (!query.to || row.at < *query.to);
    }
    Result<std::vector<AuditRow>> Newest(const AuditQuery& query, std::int64_t before, int limit) override {
      std::vector<AuditRow> found;
      for (auto row = s_.audit.rbegin(); row != s_.audit.rend(); ++row) {
        if (row->index < before && Fits(*row, query) && static_cast<int>(found.size()) < limit) found.push_back(*row);
      }
      return found;
    }
    Result<std::vector<AuditRow>> Oldest(const AuditQuery& query, std::int64_t start, int limit) override {
      std::vector<AuditRow> found;
      for (const AuditRow& row : s_.audit) {
        if (row.index >= start && Fits(row, query) && static_cast<int>(found.size()) < limit) found.push_back(row);
      }
      return found;
    }
    Result<std::vector<AuditRow>> Releases(std::int64_t start, int limit) override {
      std::vector<AuditRow> found;
      for (const AuditRow& row : s_.audit) {
        if (row.index >= start && row.releases && static_cast<int>(found.size()) < limit) found.push_back(row);
      }
      return found;
    }
    Result<std::vector<std::string>> RunsWith(const std::string& kind, const std::vector<std::string>& runs) override {
      std::vector<std::string> found;
      for (const AuditRow& row : s_.audit) {
        if (row.kind == kind && std::ranges::find(runs, row.run) != runs.end()) found.push_back(row.run);
      }
      return found;
    }
    Result<std::optional<NoticeRow>> FindNotice(const std::string& key) override {
      for (const NoticeRow& notice : s_.notices) {
        if (notice.idempotency_key == key) return std::optional<NoticeRow>(notice);
      }
      return std::optional<NoticeRow>();
    }
    Status AddNotice(const NoticeRow& notice) override {
      s_.notices.push_back(notice);
      return absl::OkStatus();
    }
    Result<std::vector<NoticeRow>> NoticesOf(const std::vector<std::string>& datasets) override {
      std::vector<NoticeRow> found;
      for (auto notice = s_.notices.rbegin(); notice != s_.notices.rend(); ++notice) {
        const bool mine = std::ranges::any_of(notice->datasets, [&](const std::string& dataset) {
          return std::ranges::find(datasets, dataset) != datasets.end();
        });
        if (mine || notice->datasets.empty()) found.push_back(*notice);
      }
      return found;
    }

    Result<bool> KeepOnly(const std::vector<std::string>& names) override {
      const auto unknown = [&](const auto& name) { return std::ranges::find(names, name) == names.end(); };
      auto changed = std::erase_if(s_.registries, [&](const auto& row) { return unknown(row.first); });
      std::erase_if(s_.registered, [&](const auto& row) { return unknown(row.first.first); });
      for (const std::string& name : names) {
        RegistryRow fresh;
        fresh.name = name;
        changed += s_.registries.emplace(name, fresh).second ? 1U : 0U;
      }
      return changed > 0;
    }
    Result<RegistryRow> Load(const std::string& name) override {
      auto found = s_.registries.find(name);
      if (found == s_.registries.end()) return Error(StatusCode::kNotFound, "REGISTRY_UNKNOWN", "no {}", name);
      RegistryRow row = found->second;
      row.records = std::ranges::count_if(s_.registered, [&](const auto& one) {
        return one.first.first == name && one.first.second.find('/') == std::string::npos;
      });
      return row;
    }
    Status Save(const RegistryRow& row) override {
      s_.registries[row.name] = row;
      return absl::OkStatus();
    }
    Status AskForAll() override {
      for (auto& [name, row] : s_.registries) row.last_full.reset();
      return absl::OkStatus();
    }
    Result<std::map<std::string, RegistryStatement>> Statements(const std::string& name,
                                                                const std::vector<std::string>& records) override {
      std::map<std::string, RegistryStatement> found;
      for (const std::string& record : records) {
        auto row = s_.registered.find({name, record});
        if (row != s_.registered.end()) found[record] = row->second.second;
      }
      return found;
    }
    Status Put(const std::string& name, std::int32_t generation,
               const std::vector<RegistryStatement>& statements) override {
      for (const auto& statement : statements) s_.registered[{name, statement.record}] = {generation, statement};
      return absl::OkStatus();
    }
    Status Touch(const std::string& name, std::int32_t generation, const std::vector<std::string>& records) override {
      for (const std::string& record : records) s_.registered.at({name, record}).first = generation;
      return absl::OkStatus();
    }
    Status Remove(const std::string& name, const std::vector<std::string>& records) override {
      for (const std::string& record : records) s_.registered.erase({name, record});
      return absl::OkStatus();
    }
    Result<std::set<std::int64_t>> RemoveUnseen(const std::string& name,
                                                std::int32_t generation) override {
      std::set<std::int64_t> whose;
      std::erase_if(s_.registered, [&](const auto& row) {
        const bool unseen = row.first.first == name && row.second.first < generation;
        if (unseen) whose.insert(row.second.second.subject);
        return unseen;
      });
      return whose;
    }

    State& s_;
  };
};

}  // namespace genofed::consent
