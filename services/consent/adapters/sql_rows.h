// SPDX-License-Identifier: Apache-2.0
// Internal to the SQL adapter: the three groups of rows within one transaction.
#pragma once

#include "libs/sql/database.h"
#include "services/consent/adapters/entry_log.h"
#include "services/consent/adapters/voices_cache.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// What a transaction that locked the head knows of it.
struct HeadMemo {
  std::optional<std::int64_t> epoch;
};

// The log's first `size` entries, and behind them those that somebody is about to append.
class StagedEntries final : public EntryRows {
 public:
  StagedEntries(const EntryLog& log, std::int64_t size) : log_(log), size_(size) {}
  Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) override;
  Result<Known> FindAll(const std::vector<const NewEntry*>& entries) override;
  Result<std::optional<std::int64_t>> Find(const std::string& caller, const std::string& idempotency_key) override;
  Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) override;
  // Also those that came to the log since: they never change.
  Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) override;
  Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) override;

  const std::vector<NewEntry>& staged() const { return staged_; }

 private:
  std::int64_t End() const { return size_ + static_cast<std::int64_t>(staged_.size()); }
  StoredEntry StagedAt(std::size_t place) const;

  const EntryLog& log_;
  const std::int64_t size_;
  std::vector<NewEntry> staged_;
};

// Entries that this service makes together with rows are rows, too, before they come to the log.
class SqlLedgerRows final : public LedgerRows {
 public:
  // Appends nothing if `reads`.
  SqlLedgerRows(sql::Tx& tx, HeadMemo& head, StagedEntries& entries, bool reads)
      : tx_(tx), head_(head), entries_(entries), reads_(reads) {}
  Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) override;
  Result<Known> FindAll(const std::vector<const NewEntry*>& entries) override { return entries_.FindAll(entries); }
  Result<std::optional<std::int64_t>> Find(const std::string& caller, const std::string& idempotency_key) override {
    return entries_.Find(caller, idempotency_key);
  }
  Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) override { return entries_.Leaves(start); }
  Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) override;
  Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) override {
    return entries_.Accesses(before, limit);
  }
  Status KeepOpening(std::int64_t index, const std::string& name, const std::string& key,
                     const std::string& payload) override;
  Status KeepGroup(std::int64_t index, const std::vector<ledger::Hash>& commitments) override;
  Result<std::vector<ledger::Hash>> Group(std::int64_t index) override;

 private:
  sql::Tx& tx_;
  HeadMemo& head_;
  StagedEntries& entries_;
  const bool reads_;
};

// Of the table, entries from `start` on, in order. Errors: DataLoss LEDGER_BROKEN, if there is a gap.
Result<std::vector<NewEntry>> EntriesWithRows(sql::Tx& tx, std::int64_t start, int limit);

class SqlConsentRows final : public ConsentRows {
 public:
  // What the transaction reads is kept in `cache` if `keep` says so: not what it may yet take back.
  SqlConsentRows(sql::Tx& tx, HeadMemo& head, VoicesCache& cache, bool keep)
      : tx_(tx), head_(head), cache_(cache), keep_voices_(keep) {}
  Result<std::int64_t> Epoch() override;
  Result<std::int64_t> NextEpoch(Time now) override;
  Result<EpochState> EpochAt(Time now) override;
  Result<std::string> PolicyDigest() override;
  Status SetPolicyDigest(const std::string& sha256) override;
  Result<std::map<std::string, Subject>> FindSubjects(
      const std::vector<std::string>& blinded) override;
  Result<std::map<std::int64_t, std::string>> BlindedOf(
      const std::vector<std::int64_t>& subjects) override;
  Status AddSubjects(const std::vector<NewSubject>& subjects) override;
  Status SetOwn(std::int64_t subject, const Statement& statement) override;
  Status SetLives(const std::map<std::int64_t, Circumstances>& lives) override;
  Status SetAdultAge(int years) override;
  Status TakeBackDeaths(const std::vector<std::int64_t>& subjects) override;
  Status AddChanges(const std::vector<Change>& changes) override;
  Result<std::vector<Change>> Changes(std::int64_t subject, int limit) override;
  Result<std::map<std::int64_t, Statement>> Holder(const std::string& dataset) override;
  Status PutHolder(const DatasetVersion& dataset, const std::map<std::int64_t, Statement>& records) override;
  Result<std::map<std::int64_t, std::vector<SourcedStatement>>> StatementsOf(
      const std::vector<std::int64_t>& subjects) override;
  Result<std::optional<VersionRow>> FindVersion(const DatasetVersion& dataset) override;
  Status AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) override;
  Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) override;
  Result<std::vector<JudgedPerson>> Judge(const DatasetVersion& dataset, const JudgePerson& judge) override;
  Result<std::int32_t> CountSlotBlocks() override;
  Result<std::vector<std::string>> SlotSecrets(std::int32_t first_block, std::int32_t blocks) override;
  Result<std::vector<std::int32_t>> FreeSlots() override;
  Status AddSlotBlock(const std::string& secrets) override;
  Result<std::vector<PersonSlot>> SlotsOf(std::int64_t subject) override;
  Result<std::vector<Opening>> Openings(std::int64_t subject) override;
  Result<std::map<std::string, ledger::Snapshot::KeptLeaves>> KeptLeaves(const std::vector<std::string>& snapshots,
                                                                         std::int32_t block) override;
  Status Forget(const Erasure& erasure) override;
  Result<ForgottenRows> Forgotten(std::int64_t after, int people) override;
  Result<std::set<std::string>> FindTombstones(const std::vector<std::string>& tombstones) override;
  Result<bool> LiftTombstone(const std::string& tombstone) override;
  Result<bool> HasForgotten(const DatasetVersion& dataset) override;
  Result<std::int64_t> CountPeople(const std::vector<std::string>& datasets) override;
  Result<std::map<std::string, SnapshotRow>> FindSnapshots(const std::vector<std::string>& ids) override;
  Result<std::vector<SnapshotRow>> SnapshotsAfter(std::int64_t ledger_index, int limit) override;
  Status AddSnapshot(const SnapshotRow& row, const ledger::Snapshot& snapshot) override;
  Result<ledger::Snapshot> LoadSnapshot(const SnapshotRow& row) override;

 private:
  Result<std::shared_ptr<const VersionVoices>> VoicesOf(const DatasetVersion& dataset);
  Result<std::optional<std::vector<std::int64_t>>> ChangedSince(std::int64_t change);
  sql::Tx& tx_;
  HeadMemo& head_;
  VoicesCache& cache_;
  const bool keep_voices_;
};

class SqlHeaderRows final : public HeaderRows {
 public:
  explicit SqlHeaderRows(sql::Tx& tx) : tx_(tx) {}
  Result<std::map<std::string, HeaderRow>> Find(const std::vector<std::string>& objects) override;
  Status Add(const HeaderRow& header) override;
  Result<std::map<DatasetVersion, std::set<std::string>>> Kinds(
      const std::vector<std::string>& datasets) override;
  Result<std::int64_t> Destroy(const std::string& dataset, const std::vector<std::string>& objects) override;
  Result<std::int64_t> CountReleases(std::int64_t headers) override;
  Result<std::int64_t> Releases() override;

 private:
  sql::Tx& tx_;
};

class SqlAuditRows final : public AuditRows {
 public:
  explicit SqlAuditRows(sql::Tx& tx) : tx_(tx) {}
  Result<std::int64_t> Indexed() override;
  Status Index(const std::vector<AuditRow>& rows) override;
  Result<std::vector<AuditRow>> Newest(const AuditQuery& query, std::int64_t before, int limit) override;
  Result<std::vector<AuditRow>> Oldest(const AuditQuery& query, std::int64_t start, int limit) override;
  Result<std::vector<AuditRow>> Releases(std::int64_t start, int limit) override;
  Result<std::vector<std::string>> RunsWith(const std::string& kind, const std::vector<std::string>& runs) override;
  Result<std::optional<NoticeRow>> FindNotice(const std::string& idempotency_key) override;
  Status AddNotice(const NoticeRow& notice) override;
  Result<std::vector<NoticeRow>> NoticesOf(const std::vector<std::string>& datasets) override;

 private:
  sql::Tx& tx_;
};

// Columns adult_at, died_at, erased from `column` on.
Circumstances ToCircumstances(const sql::Row& row, int column);
Source ToSource(const std::string& name);
// Columns permits, denies, valid_from, valid_until, terms from `column` on.
Result<Statement> ToStatement(const sql::Row& row, int column);

class SqlRegistryRows final : public RegistryRows {
 public:
  explicit SqlRegistryRows(sql::Tx& tx) : tx_(tx) {}
  Result<bool> KeepOnly(const std::vector<std::string>& names) override;
  Result<RegistryRow> Load(const std::string& name) override;
  Status Save(const RegistryRow& row) override;
  Status AskForAll() override;
  Result<std::map<std::string, RegistryStatement>> Statements(const std::string& name,
                                                              const std::vector<std::string>& records) override;
  Status Put(const std::string& name, std::int32_t generation,
             const std::vector<RegistryStatement>& statements) override;
  Status Touch(const std::string& name, std::int32_t generation, const std::vector<std::string>& records) override;
  Status Remove(const std::string& name, const std::vector<std::string>& records) override;
  Result<std::set<std::int64_t>> RemoveUnseen(const std::string& name,
                                              std::int32_t generation) override;

 private:
  sql::Tx& tx_;
};

}  // namespace genofed::consent
