// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this service: a store in memory, the use cases over any store, and a model to
// compare them with.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/crypto/key.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/registrar.h"

namespace genofed::consent {

// Keeps the contract of ports.h. A failed body leaves no trace.
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
    Result<std::optional<std::int64_t>> Find(const std::string& caller,
                                             const std::string& key) override {
      for (const auto& [stored, entry] : s_.ledger) {
        if (entry.caller == caller && entry.idempotency_key == key)
          return std::optional<std::int64_t>(stored.index);
      }
      return std::optional<std::int64_t>();
    }
    Result<std::int64_t> Add(const NewEntry& entry) override {
      auto index = static_cast<std::int64_t>(s_.ledger.size());
      s_.ledger.push_back({{index, entry.entry, entry.appended}, entry});
      return index;
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
    Result<std::int64_t> CountReleases(std::int64_t headers) override {
      return s_.releases += headers;
    }

    State& s_;
  };
};

inline constexpr char kOrigin[] = "fi.1mg.example/ledger";

inline ledger::NoteSigner TestSigner() {
  return ledger::NoteSigner::Create(kOrigin, ledger::SignatureType::kEd25519,
                                    crypto::Ed25519Key::FromSeed(std::string(32, 's')).value())
      .value();
}

// The use cases of a node over `store`, as after a start of the process.
struct Node {
  explicit Node(Store& the_store) : store(the_store), ledger(store, clock, TestSigner()) {
    GF_CHECK(ledger.Load(ctx).ok());
  }
  Context ctx = Context::Background();
  testing::FakeClock clock;
  SystemRandom random;
  Pseudonyms pseudonyms = Pseudonyms::Create(std::string(32, 'k')).value();
  Store& store;
  Ledger ledger;
  Registrar registrar{ledger, pseudonyms, clock, random};
  Cohorts cohorts{store, ledger};
  MyConsent mine{store, ledger, pseudonyms, clock, random};

  // Appends a run over a new snapshot of everybody who permits secondary use now.
  Result<Ledger::Appended> AppendRun(const DatasetVersion& dataset, const std::string& run) {
    GF_ASSIGN(auto cohort, cohorts.Run(ctx, dataset, Permission::kSecondaryUse, true));
    GF_ASSIGN(std::string bytes, ledger::EncodeEntry(RunEntry(*cohort.snapshot, run)));
    return ledger.Append(ctx, "spe", "run:" + run, bytes);
  }
  ledger::Entry RunEntry(const SnapshotRow& snapshot, const std::string& run) const {
    ledger::Entry entry;
    entry.time = ledger.EntryTime();
    entry.fields = {{"project", "Heart"},
                    {"application", "APP-1"},
                    {"application_sha256", std::string(64, 'a')},
                    {"organisation", "University"},
                    {"purpose", "DUO:0000006"},
                    {"dataset", snapshot.dataset.dataset},
                    {"version", std::to_string(snapshot.dataset.version)},
                    {"workflow_sha256", std::string(64, 'b')},
                    {"snapshot", snapshot.id},
                    {"snapshot_root", snapshot.root.Hex()},
                    {"run", run},
                    {"outcome", "started"}};
    entry.numbers = {{"epoch", snapshot.epoch}, {"slots", snapshot.slots}};
    return entry;
  }
};

inline PermissionSet Bits(int bits) { return PermissionSet::FromBits(bits); }

// What the cohorts must be, computed from the history of everything that was said, person by
// person.
class Model {
 public:
  static constexpr int kPersons = 7;
  static std::string Person(int i) { return "person-" + std::to_string(i); }

  explicit Model(Node& node) : node_(node) {}

  // `step` decides what happens; every value is allowed. Returns what is wrong, or nothing.
  std::string Apply(std::uint32_t step) {
    const std::int64_t before = node_.ledger.Epoch(node_.ctx).value();
    const bool changed = step % 3 == 0 ? Register(step / 3) : Decide(step / 3);
    const std::int64_t after = node_.ledger.Epoch(node_.ctx).value();
    if (changed != (after > before)) return "the epoch must grow exactly when something changes";
    return Compare(after);
  }

 private:
  bool Register(std::uint32_t value) {
    const DatasetVersion dataset{value % 2 == 0 ? "GOE-FI-A-1" : "GOE-FI-B-1",
                                 static_cast<std::int32_t>(1 + value / 2 % 3)};
    value /= 6;
    if (rows_.contains(dataset)) return false;
    std::vector<SubjectConsent> subjects;
    for (int i = 0; i < kPersons; ++i, value = value / 9 + value * 7) {
      if (value % 9 < 8) subjects.push_back({Person(i), Bits(static_cast<int>(value % 9))});
    }
    if (subjects.empty()) return false;
    GF_CHECK(node_.registrar.Run(node_.ctx, dataset, subjects).ok());
    auto& rows = rows_[dataset];
    for (const auto& subject : subjects) {
      auto& record = holder_[{dataset.dataset, subject.person_identifier}];
      if (record.first <= dataset.version) record = {dataset.version, subject.permissions};
      auto own = own_.find(subject.person_identifier);
      if (!(own == own_.end() ? subject.permissions : own->second).empty()) {
        rows[node_.pseudonyms.InDataset(dataset.dataset, subject.person_identifier)] =
            subject.person_identifier;
      }
    }
    return true;
  }

  bool Decide(std::uint32_t value) {
    const std::string person = Person(static_cast<int>(value % kPersons));
    const PermissionSet permissions = Bits(static_cast<int>(value / kPersons % 8));
    auto own = own_.find(person);
    const bool changes = own == own_.end() || own->second != permissions;
    GF_CHECK(node_.mine.Set(node_.ctx, person, permissions).ok());
    own_[person] = permissions;
    return changes;
  }

  std::string Compare(std::int64_t epoch) {
    for (const auto& [dataset, rows] : rows_) {
      for (Permission permission : {Permission::kAlleleFrequency, Permission::kSubjectLevelQuery,
                                    Permission::kSecondaryUse}) {
        std::vector<std::string> pseudonyms;
        std::vector<bool> permitted;
        for (const auto& [pseudonym, person] : rows) {
          pseudonyms.push_back(pseudonym);
          auto own = own_.find(person);
          permitted.push_back(
              (own == own_.end() ? holder_[{dataset.dataset, person}].second : own->second)
                  .Has(permission));
        }
        auto cohort = node_.cohorts.Run(node_.ctx, dataset, permission,
                                        permission == Permission::kSecondaryUse);
        if (!cohort.ok()) return Describe(cohort.status());
        if (cohort->epoch != epoch) return "the cohort is of another epoch";
        if (cohort->pseudonyms != pseudonyms || cohort->permitted != permitted)
          return "the cohort differs from the model";
      }
    }
    return "";
  }

  Node& node_;
  std::map<std::string, PermissionSet> own_;
  std::map<std::pair<std::string, std::string>, std::pair<std::int32_t, PermissionSet>> holder_;
  std::map<DatasetVersion, std::map<std::string, std::string>> rows_;  // pseudonym to person
};

}  // namespace genofed::consent
