// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/ledger/merkle.h"
#include "services/consent/domain/cohort.h"
#include "services/consent/domain/permissions.h"

namespace genofed::consent {

struct NewEntry {
  std::string entry;  // canonical bytes
  ledger::Hash leaf;
  std::string caller;
  std::string idempotency_key;
  Time appended;
  bool is_access = false;  // a run, access or release over a snapshot
};

struct StoredEntry {
  std::int64_t index = 0;
  std::string entry;
  Time appended;
};

// The rows of the ledger. Indices run from 0 without gaps.
class LedgerRows {
 public:
  virtual ~LedgerRows() = default;
  // The entries that were appended under these keys (of NewEntry: caller and idempotency_key), in
  // the same order.
  virtual Result<std::vector<std::optional<StoredEntry>>> FindAll(
      const std::vector<const NewEntry*>& keys) = 0;
  // Appends them, at least one, in this order; returns the index of the first.
  virtual Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) = 0;
  Result<std::optional<std::int64_t>> Find(const std::string& caller,
                                           const std::string& idempotency_key) {
    const NewEntry key{{}, {}, caller, idempotency_key, {}};
    GF_ASSIGN(const auto found, FindAll({&key}));
    return found[0] ? std::optional(found[0]->index) : std::nullopt;
  }
  // Leaf hashes from `start` on.
  virtual Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) = 0;
  virtual Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) = 0;
  // Accesses with a smaller index than `before`, newest first.
  virtual Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) = 0;
  // What opens a commitment of the entry: erasable.
  virtual Status KeepOpening(std::int64_t index, const std::string& name, const std::string& key,
                             const std::string& payload) = 0;
};

struct Subject {
  std::int64_t id = 0;
  std::optional<PermissionSet> own;  // set once the person has decided
  std::string secret;                // K_i of cohort snapshots, 32 bytes
};

struct NewSubject {
  std::string blinded;
  std::string secret;  // 32 bytes
};

struct Change {
  std::int64_t subject = 0;
  PermissionSet permissions;
  Time at;
  bool by_subject = false;
  std::optional<std::int64_t> ledger_index;
};

struct VersionRow {
  DatasetVersion dataset;
  std::string fingerprint;
  std::int32_t rows = 0;
  std::int32_t slots = 0;
  std::int64_t epoch = 0;
  std::int32_t base = 0;  // the version this one goes on from; 0: none
};

struct SlotRow {
  std::int32_t slot = 0;
  std::int64_t subject = 0;
  std::string pseudonym;    // empty: left out
  PermissionSet effective;  // read only: what holds now
};

struct PersonSlot {
  DatasetVersion dataset;
  Slot slot;
};

struct SnapshotRow {
  std::string id;
  DatasetVersion dataset;
  Permission permission = Permission::kSecondaryUse;
  std::int64_t epoch = 0;
  std::int32_t slots = 0;
  std::string bits;  // PackBits
  ledger::Hash root;
  std::int64_t ledger_index = 0;
};

// Persons, dataset versions, permissions and snapshots of cohorts.
class ConsentRows {
 public:
  virtual ~ConsentRows() = default;
  virtual Result<std::int64_t> Epoch() = 0;
  virtual Result<std::int64_t> NextEpoch() = 0;

  // By blinded identifier; those that do not exist are missing from the answer.
  virtual Result<std::map<std::string, Subject>> FindSubjects(
      const std::vector<std::string>& blinded) = 0;
  virtual Status AddSubjects(const std::vector<NewSubject>& subjects) = 0;
  virtual Status SetOwn(std::int64_t subject, PermissionSet permissions) = 0;
  virtual Status AddChanges(const std::vector<Change>& changes) = 0;
  virtual Result<std::vector<Change>> Changes(std::int64_t subject, int limit) = 0;  // newest first

  // What holders recorded: by subject for a dataset; and in any dataset for a subject.
  virtual Result<std::map<std::int64_t, PermissionSet>> Holder(const std::string& dataset) = 0;
  virtual Result<PermissionSet> HolderAnywhere(std::int64_t subject) = 0;
  // A record of an older version never replaces that of a newer one.
  virtual Status PutHolder(const DatasetVersion& dataset,
                           const std::map<std::int64_t, PermissionSet>& records) = 0;

  virtual Result<std::optional<VersionRow>> FindVersion(const DatasetVersion& dataset) = 0;
  virtual Status AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) = 0;
  virtual Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) = 0;  // in order
  virtual Result<std::vector<std::string>> Secrets(
      const DatasetVersion& dataset) = 0;  // in order of slots
  virtual Result<std::vector<PersonSlot>> SlotsOf(std::int64_t subject) = 0;

  virtual Result<std::optional<SnapshotRow>> FindSnapshot(const std::string& id) = 0;
  virtual Status AddSnapshot(const SnapshotRow& snapshot) = 0;
};

struct HeaderRow {
  std::string object;
  DatasetVersion dataset;
  std::string header;
  std::string role = {};  // "genotypes", "index" ...
};

// Crypt4GH headers of objects, and how many were released.
class HeaderRows {
 public:
  virtual ~HeaderRows() = default;
  // Those that do not exist are missing from the answer.
  virtual Result<std::map<std::string, HeaderRow>> Find(
      const std::vector<std::string>& objects) = 0;
  virtual Status Add(const HeaderRow& header) = 0;
  // All of a dataset, for good; returns how many.
  virtual Result<std::int64_t> Destroy(const std::string& dataset) = 0;
  // Adds to the counter of released headers and returns it.
  virtual Result<std::int64_t> CountReleases(std::int64_t headers) = 0;
};

// One consistent view of everything; in Write also one atomic change.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual LedgerRows& ledger() = 0;
  virtual ConsentRows& consent() = 0;
  virtual HeaderRows& headers() = 0;
};

class Store {
 public:
  using Body = std::function<Status(Transaction&)>;
  virtual ~Store() = default;
  virtual Status Read(const Context& ctx, const Body& body) = 0;
  // One writer at a time, over all processes; durable when it returns OK. The body may run more
  // than once and must have no effect but on the transaction. Use cases write through
  // Ledger::Write.
  virtual Status Write(const Context& ctx, const Body& body) = 0;
};

// Whether the grant behind an approval token still lives: the site's access service knows.
class GrantChecker {
 public:
  virtual ~GrantChecker() = default;
  // OK if it lives; PermissionDenied APPROVAL_ENDED if not; Unavailable if nobody can tell.
  virtual Status CheckLive(const Context& ctx, const std::string& token_id,
                           const std::string& application) = 0;
};

}  // namespace genofed::consent
