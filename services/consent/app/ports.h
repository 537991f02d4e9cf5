// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/consent/decide.h"
#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/snapshot.h"
#include "services/consent/domain/cohort.h"

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

// Entries from `first` on, before `end`.
struct EntryRange {
  std::int64_t first = 0, end = 0;
};

// The entries of the ledger. Indices run from 0 without gaps.
class EntryRows {
 public:
  virtual ~EntryRows() = default;
  // By key (caller, idempotency key).
  using Known = std::map<std::pair<std::string, std::string>, StoredEntry>;
  // Appends the entries, at least one, in this order; returns the index of the first. None of their keys may be known.
  virtual Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) = 0;
  // Of these entries' keys, those that are known.
  virtual Result<Known> FindAll(const std::vector<const NewEntry*>& entries) = 0;
  virtual Result<std::optional<std::int64_t>> Find(const std::string& caller, const std::string& idempotency_key) = 0;
  // Leaf hashes from `start` on.
  virtual Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) = 0;
  // Errors of both, in reading: DataLoss ENTRY_LOG_BROKEN.
  virtual Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) = 0;
  // Accesses with a smaller index than `before`, newest first.
  virtual Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) = 0;
};

// The entries, and the rows that open or explain them.
class LedgerRows : public EntryRows {
 public:
  // What opens a commitment of the entry, which this service made: erasable.
  virtual Status KeepOpening(std::int64_t index, const std::string& name, const std::string& key,
                             const std::string& payload) = 0;
  // The commitments of a group's entry (libs/ledger/group.h), in order. They hide what they commit
  // to, and stay.
  virtual Status KeepGroup(std::int64_t index, const std::vector<ledger::Hash>& commitments) = 0;
  // Empty: the entry is about no group.
  virtual Result<std::vector<ledger::Hash>> Group(std::int64_t index) = 0;
};

struct Subject {
  std::int64_t id = 0;
  std::int32_t slot = 0;         // in cohort snapshots, for good
  std::optional<Statement> own;  // set once the person has decided
  Circumstances who;
};

// Whose word a statement is.
enum class Source { kOwn, kHolder, kRegistry };

struct SourcedStatement {
  Source source = Source::kOwn;
  std::string name;  // the holder's dataset, the registry
  Statement says;
};

// Whether a person is permitted, by everything that counts in the dataset at hand.
using JudgePerson = std::function<bool(const Voices&)>;

struct NewSubject {
  std::string blinded;
  std::int32_t slot = 0;  // a free one
};

// Where somebody's commitment stands among those of their group, and what opens it.
struct GroupPlace {
  std::int32_t place = 0;
  std::string key;    // 32 bytes
  std::string words;  // see app/change_log.h

  friend bool operator==(const GroupPlace&, const GroupPlace&) = default;
};

struct Change {
  std::int64_t subject = 0;
  PermissionSet permissions;
  Time at;
  bool by_subject = false;
  std::optional<std::int64_t> ledger_index;
  std::string registry = {};  // that it came from; empty: the person or a holder
  std::optional<GroupPlace> group = {};  // of an entry about several people
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
  std::string pseudonym;  // empty: left out
};

struct JudgedPerson {
  std::uint32_t snapshot_slot = 0;  // in all cohort snapshots
  bool permitted = false;           // not left out, and the judge says so
};

struct PersonSlot {
  DatasetVersion dataset;
  Slot slot;
};

// Rows of people who were forgotten, also where they were left out; `next` goes on behind them, and
// is 0 at the end.
struct ForgottenRows {
  std::vector<PersonSlot> rows;
  std::int64_t next = 0;
};

struct SnapshotRow {
  std::string id;
  DatasetVersion dataset;
  Permission permission = Permission::kSecondaryUse;
  std::int64_t epoch = 0;
  std::int32_t slots = 0;
  ledger::Hash root;
  std::int64_t ledger_index = 0;
  std::string purpose = {};      // code; empty: for no purpose in particular
  std::string model = {};        // ModelName of the rule by which it was made
  std::string legal_basis = {};  // of that rule
  std::vector<std::string> met = {};  // conditions on permissions that the project meets; sorted
};

struct Opening {
  std::int64_t ledger_index = 0;
  std::string name;
  std::string key;  // 32 bytes
  std::string payload;
};

// Everything about a person goes: statements, history, openings. The slots stay, as nobody's.
struct Erasure {
  std::int64_t subject = 0;
  std::string blinded;  // new, random: leads to nobody
  std::string tombstone;  // of the person, see Pseudonyms::Tombstone; stays
  std::int32_t slot = 0;
  std::string secret;   // of the slot: new, random, 32 bytes: of later snapshots
  Time at{};
  std::map<std::string, ledger::Hash> leaves;     // of the slot, in the snapshots until now
  std::map<std::string, std::string> pseudonyms;  // new, random ones by dataset
};

struct EpochState {
  std::int64_t epoch = 0;
  // The time for which answers are given: now, or when the epoch began, should the clock go back.
  Time at{};
  // Something began or ended by itself since the epoch began: the next one is due.
  bool over = false;
  bool registry_stale = false;  // some national registry was not heard for too long
};

// Persons, dataset versions, permissions and snapshots of cohorts.
class ConsentRows {
 public:
  virtual ~ConsentRows() = default;
  virtual Result<std::int64_t> Epoch() = 0;
  virtual Result<std::int64_t> NextEpoch(Time now) = 0;
  virtual Result<EpochState> EpochAt(Time now) = 0;
  // Digest of the policy in force.
  virtual Result<std::string> PolicyDigest() = 0;
  virtual Status SetPolicyDigest(const std::string& sha256) = 0;

  // By blinded identifier; those that do not exist are missing from the answer.
  virtual Result<std::map<std::string, Subject>> FindSubjects(
      const std::vector<std::string>& blinded) = 0;
  virtual Result<std::map<std::int64_t, std::string>> BlindedOf(
      const std::vector<std::int64_t>& subjects) = 0;
  virtual Status AddSubjects(const std::vector<NewSubject>& subjects) = 0;
  virtual Status SetOwn(std::int64_t subject, const Statement& statement) = 0;
  // What is not set here stays as it is.
  virtual Status SetLives(const std::map<std::int64_t, Circumstances>& lives) = 0;
  // Of everybody whose birth is known: when they come of age.
  virtual Status SetAdultAge(int years) = 0;
  // They live, whatever was said.
  virtual Status TakeBackDeaths(const std::vector<std::int64_t>& subjects) = 0;
  virtual Status AddChanges(const std::vector<Change>& changes) = 0;
  virtual Result<std::vector<Change>> Changes(std::int64_t subject, int limit) = 0;  // newest first

  // What the holder of a dataset recorded, by subject.
  virtual Result<std::map<std::int64_t, Statement>> Holder(const std::string& dataset) = 0;
  // A record of an older version never replaces that of a newer one.
  virtual Status PutHolder(const DatasetVersion& dataset, const std::map<std::int64_t, Statement>& records) = 0;
  // Everything that was said about these people; who is missing was not spoken of.
  virtual Result<std::map<std::int64_t, std::vector<SourcedStatement>>> StatementsOf(
      const std::vector<std::int64_t>& subjects) = 0;

  virtual Result<std::optional<VersionRow>> FindVersion(const DatasetVersion& dataset) = 0;
  virtual Status AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) = 0;
  virtual Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) = 0;  // in order
  // Everybody with a slot in the version, in order. `judge` is asked about each of the different things that were said.
  virtual Result<std::vector<JudgedPerson>> Judge(const DatasetVersion& dataset, const JudgePerson& judge) = 0;
  // Slots of cohort snapshots, of people and free ones, in blocks of ledger::kSnapshotBlock: their number, and the
  // secrets of each block one after another.
  virtual Result<std::int32_t> CountSlotBlocks() = 0;
  virtual Result<std::vector<std::string>> SlotSecrets(std::int32_t first_block, std::int32_t blocks) = 0;
  virtual Result<std::vector<std::int32_t>> FreeSlots() = 0;
  virtual Status AddSlotBlock(const std::string& secrets) = 0;
  virtual Result<std::vector<PersonSlot>> SlotsOf(std::int64_t subject) = 0;

  // What opens the commitments of entries about this person's permissions.
  virtual Result<std::vector<Opening>> Openings(std::int64_t subject) = 0;
  // Leaves of forgotten people in these snapshots, of the slots of one block.
  virtual Result<std::map<std::string, ledger::Snapshot::KeptLeaves>> KeptLeaves(
      const std::vector<std::string>& snapshots, std::int32_t block) = 0;
  virtual Status Forget(const Erasure& erasure) = 0;
  // Of `people` of them, behind what an earlier call said.
  virtual Result<ForgottenRows> Forgotten(std::int64_t after, int people) = 0;
  // Of these tombstones, those that stand.
  virtual Result<std::set<std::string>> FindTombstones(
      const std::vector<std::string>& tombstones) = 0;
  // The person wants to be known again. Whether it stood.
  virtual Result<bool> LiftTombstone(const std::string& tombstone) = 0;
  // Whether somebody in the version was forgotten.
  virtual Result<bool> HasForgotten(const DatasetVersion& dataset) = 0;
  // How many people have a row in one of the datasets; empty: of how many anything is known. Who
  // was forgotten is none of them.
  virtual Result<std::int64_t> CountPeople(const std::vector<std::string>& datasets) = 0;

  // Those that do not exist are missing from the answer.
  virtual Result<std::map<std::string, SnapshotRow>> FindSnapshots(const std::vector<std::string>& ids) = 0;
  // In the order of the ledger, those logged after `ledger_index`.
  virtual Result<std::vector<SnapshotRow>> SnapshotsAfter(std::int64_t ledger_index, int limit) = 0;
  virtual Status AddSnapshot(const SnapshotRow& row, const ledger::Snapshot& snapshot) = 0;
  // What it was made of. Errors: DataLoss SNAPSHOT_BROKEN.
  virtual Result<ledger::Snapshot> LoadSnapshot(const SnapshotRow& row) = 0;
  Result<std::optional<SnapshotRow>> FindSnapshot(const std::string& id) {
    GF_ASSIGN(auto found, FindSnapshots({id}));
    return found.empty() ? std::optional<SnapshotRow>() : std::optional(std::move(found.begin()->second));
  }
};

// The role of what each person carries (services/onboarding/README.md): opened for erasure alone.
inline constexpr char kPersonRecordsRole[] = "person-records";

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
  // Of what kinds the objects of these datasets are: roles, in order.
  virtual Result<std::map<DatasetVersion, std::set<std::string>>> Kinds(
      const std::vector<std::string>& datasets) = 0;
  // All of a dataset, or these objects of it, for good; returns how many.
  virtual Result<std::int64_t> Destroy(const std::string& dataset, const std::vector<std::string>& objects) = 0;
  // Adds to the counter of released headers and returns it.
  virtual Result<std::int64_t> CountReleases(std::int64_t headers) = 0;
  virtual Result<std::int64_t> Releases() = 0;
};

// What is known of a national registry between pulls.
struct RegistryRow {
  std::string name;
  bool stale = true;
  std::int32_t generation = 0;  // of full pulls
  std::optional<Time> watermark, last_full, last_attempt, last_success;
  std::string last_error;  // reason; empty after a success
  std::int64_t unreadable = 0;
  std::int64_t records = 0;  // read only
};

struct RegistryStatement {
  std::string record;
  std::int64_t subject = 0;
  Statement says;
};

// National registries, and what they say: part of what StatementsOf tells and Judge asks about.
class RegistryRows {
 public:
  virtual ~RegistryRows() = default;
  // Makes a stale row for each that has none; forgets the others with their statements. Whether anything changed.
  virtual Result<bool> KeepOnly(const std::vector<std::string>& names) = 0;
  virtual Result<RegistryRow> Load(const std::string& name) = 0;  // NotFound REGISTRY_UNKNOWN
  virtual Status Save(const RegistryRow& row) = 0;
  // The next pull of each is a full one.
  virtual Status AskForAll() = 0;
  // By record; those that do not exist are missing from the answer.
  virtual Result<std::map<std::string, RegistryStatement>> Statements(const std::string& name,
                                                                      const std::vector<std::string>& records) = 0;
  virtual Status Put(const std::string& name, std::int32_t generation,
                     const std::vector<RegistryStatement>& statements) = 0;
  virtual Status Touch(const std::string& name, std::int32_t generation, const std::vector<std::string>& records) = 0;
  virtual Status Remove(const std::string& name, const std::vector<std::string>& records) = 0;
  // Those that this generation has not put or touched; returns whose they were.
  virtual Result<std::set<std::int64_t>> RemoveUnseen(const std::string& name,
                                                      std::int32_t generation) = 0;
};

// An entry of the ledger as it is searched.
struct AuditRow {
  std::int64_t index = 0;
  Time at{};
  std::string kind, project, organisation, dataset, application, run;
  std::optional<std::int64_t> releases;  // the key service's counter after it
};

// Each member that is not empty narrows the search.
struct AuditQuery {
  std::string project, organisation, dataset, application, kind;
  std::optional<Time> from, to;  // to is exclusive
};

struct NoticeRow {
  std::string id, idempotency_key, title, what_happened, consequences, measures, contact;
  std::vector<std::string> datasets;
  std::optional<Time> happened;
  Time published{};
  std::int64_t people = 0;
};

// What is read of the ledger by others than those it proves something to, and what they are told.
class AuditRows {
 public:
  virtual ~AuditRows() = default;
  // How many entries are indexed: those before this index.
  virtual Result<std::int64_t> Indexed() = 0;
  virtual Status Index(const std::vector<AuditRow>& rows) = 0;
  // With smaller indices than `before`, newest first; or from `start` on, oldest first.
  virtual Result<std::vector<AuditRow>> Newest(const AuditQuery& query, std::int64_t before, int limit) = 0;
  virtual Result<std::vector<AuditRow>> Oldest(const AuditQuery& query, std::int64_t start, int limit) = 0;
  // Entries that have a counter of releases, from `start` on.
  virtual Result<std::vector<AuditRow>> Releases(std::int64_t start, int limit) = 0;
  // Of these runs, those with an entry of this kind.
  virtual Result<std::vector<std::string>> RunsWith(const std::string& kind, const std::vector<std::string>& runs) = 0;

  virtual Result<std::optional<NoticeRow>> FindNotice(const std::string& idempotency_key) = 0;
  virtual Status AddNotice(const NoticeRow& notice) = 0;
  // Those that name one of the datasets, and those that name none: they are to everybody. Newest
  // first.
  virtual Result<std::vector<NoticeRow>> NoticesOf(const std::vector<std::string>& datasets) = 0;
};

// One consistent view of everything; in Write also one atomic change.
class Transaction {
 public:
  virtual ~Transaction() = default;
  virtual LedgerRows& ledger() = 0;
  virtual ConsentRows& consent() = 0;
  virtual HeaderRows& headers() = 0;
  virtual RegistryRows& registries() = 0;
  virtual AuditRows& audit() = 0;
};

class Store {
 public:
  using Body = std::function<Status(Transaction&)>;
  using AppendBody = std::function<Status(EntryRows&)>;
  virtual ~Store() = default;
  virtual Status Read(const Context& ctx, const Body& body) = 0;
  // One writer at a time, and one process; durable when it returns OK. The body may run more
  // than once and must have no effect but on the transaction. Use cases write through
  // Ledger::Write.
  virtual Status Write(const Context& ctx, const Body& body) = 0;
  // The same for entries that come without rows, which costs one sync.
  virtual Status Append(const Context& ctx, const AppendBody& body) = 0;
  // For what is made of the ledger and can be made again: waits for no writer and keeps none
  // waiting. Appends nothing.
  virtual Status WriteAside(const Context& ctx, const Body& body) = 0;
  // Entries that lie where somebody else has written since this was asked last: they want to be
  // looked at.
  virtual std::vector<EntryRange> Touched() { return {}; }
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
