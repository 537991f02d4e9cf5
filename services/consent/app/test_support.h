// SPDX-License-Identifier: Apache-2.0
//
// For the tests of this service: the use cases over any store, and a model to
// compare them with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/crypto/key.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/memory_store.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/registrar.h"

namespace genofed::consent {

inline constexpr char kOrigin[] = "fi.1mg.example/ledger";

inline ledger::NoteSigner TestSigner() {
  return ledger::NoteSigner::Create(kOrigin, ledger::SignatureType::kEd25519,
                                    crypto::Ed25519Key::FromSeed(std::string(32, 's')).value())
      .value();
}

// The use cases of a node over `store`, as after a start of the process.
struct Node {
  explicit Node(Store& the_store, Policy the_policy = {})
      : policy(std::move(the_policy)), store(the_store), ledger(store, clock, TestSigner()) {
    GF_CHECK(ledger.Load(ctx).ok());
  }
  Context ctx = Context::Background();
  testing::FakeClock clock;
  SystemRandom random;
  Pseudonyms pseudonyms = Pseudonyms::Create(std::string(32, 'k')).value();
  const Policy policy;
  const Rules rules{policy, clock};
  Store& store;
  Ledger ledger;
  Registrar registrar{ledger, pseudonyms, rules, random};
  Cohorts cohorts{store, ledger, rules};
  MyConsent mine{store, ledger, pseudonyms, rules, random};

  // Appends a run over a new snapshot of everybody who permits secondary use now.
  Result<Ledger::Appended> AppendRun(const DatasetVersion& dataset, const std::string& run) {
    GF_ASSIGN(auto cohort, cohorts.Run(ctx, dataset, Permission::kSecondaryUse, true));
    GF_ASSIGN(std::string bytes, ledger::EncodeEntry(RunEntry(*cohort.snapshot, run)));
    return ledger.Append(ctx, "dispatcher", "run:" + run, bytes);
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
// A record that permits these and refuses the rest.
inline Statement Says(int bits) { return {Bits(bits), Bits(bits).Others(), {}, {}}; }
// No record of this person's choice.
inline Statement Silence() { return {}; }

// What the cohorts must be, computed from the history of everything that was said, person by
// person.
class Truth {
 public:
  static constexpr int kPersons = 7;
  static std::string Person(int i) { return "person-" + std::to_string(i); }

  explicit Truth(Node& node) : node_(node) {}

  // `step` decides what happens; every value is allowed. Returns what is wrong, or nothing.
  std::string Apply(std::uint32_t step) {
    const std::int64_t before = node_.ledger.Epoch(node_.ctx).value();
    const bool changed = step % 3 == 0 ? Register(step / 3) : Decide(step / 3);
    const std::int64_t after = node_.ledger.Epoch(node_.ctx).value();
    if (changed != (after > before)) return "the epoch must grow exactly when something changes";
    return Compare(after);
  }

  std::size_t registered() const { return rows_.size(); }
  std::size_t decided() const { return own_.size(); }

 private:
  bool Register(std::uint32_t value) {
    const DatasetVersion dataset{value % 2 == 0 ? "GOE-FI-A-1" : "GOE-FI-B-1",
                                 static_cast<std::int32_t>(1 + value / 2 % 3)};
    value /= 6;
    if (rows_.contains(dataset)) return false;
    std::vector<SubjectConsent> subjects;
    for (int i = 0; i < kPersons; ++i, value = value / 9 + value * 7) {
      if (value % 9 < 8) subjects.push_back({Person(i), Says(static_cast<int>(value % 9))});
    }
    if (subjects.empty()) return false;
    GF_CHECK(node_.registrar.Run(node_.ctx, {dataset, subjects}).ok());
    auto& rows = rows_[dataset];
    for (const auto& subject : subjects) {
      auto& record = holder_[{dataset.dataset, subject.person_identifier}];
      if (record.first <= dataset.version) record = {dataset.version, subject.says.permits};
      auto own = own_.find(subject.person_identifier);
      if (!(own == own_.end() ? subject.says.permits : own->second).empty()) {
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
        // A snapshot takes half a millisecond, and a property takes thousands of steps.
        const bool with_snapshot = permission == Permission::kSecondaryUse && epoch % 8 == 0;
        auto cohort = node_.cohorts.Run(node_.ctx, dataset, permission, with_snapshot, true);
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
