// SPDX-License-Identifier: Apache-2.0
// Internal to the SQL adapter: the three groups of rows within one transaction.
#pragma once

#include "libs/sql/database.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

class SqlLedgerRows final : public LedgerRows {
 public:
  explicit SqlLedgerRows(sql::Tx& tx) : tx_(tx) {}
  Result<std::vector<std::optional<StoredEntry>>> FindAll(
      const std::vector<const NewEntry*>& keys) override;
  Result<std::int64_t> AddAll(const std::vector<const NewEntry*>& entries) override;
  Result<std::vector<ledger::Hash>> Leaves(std::int64_t start) override;
  Result<std::vector<StoredEntry>> List(std::int64_t start, int limit) override;
  Result<std::vector<StoredEntry>> Accesses(std::int64_t before, int limit) override;
  Status KeepOpening(std::int64_t index, const std::string& name, const std::string& key,
                     const std::string& payload) override;

 private:
  sql::Tx& tx_;
  // What this transaction appended, which nobody else can have added to: the head is locked.
  std::optional<std::int64_t> first_added_;
  std::vector<ledger::Hash> added_;
};

class SqlConsentRows final : public ConsentRows {
 public:
  explicit SqlConsentRows(sql::Tx& tx) : tx_(tx) {}
  Result<std::int64_t> Epoch() override;
  Result<std::int64_t> NextEpoch() override;
  Result<std::map<std::string, Subject>> FindSubjects(
      const std::vector<std::string>& blinded) override;
  Status AddSubjects(const std::vector<NewSubject>& subjects) override;
  Status SetOwn(std::int64_t subject, PermissionSet permissions) override;
  Status AddChanges(const std::vector<Change>& changes) override;
  Result<std::vector<Change>> Changes(std::int64_t subject, int limit) override;
  Result<std::map<std::int64_t, PermissionSet>> Holder(const std::string& dataset) override;
  Result<PermissionSet> HolderAnywhere(std::int64_t subject) override;
  Status PutHolder(const DatasetVersion& dataset,
                   const std::map<std::int64_t, PermissionSet>& records) override;
  Result<std::optional<VersionRow>> FindVersion(const DatasetVersion& dataset) override;
  Status AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) override;
  Result<std::vector<SlotRow>> Slots(const DatasetVersion& dataset) override;
  Result<std::vector<std::string>> Secrets(const DatasetVersion& dataset) override;
  Result<std::vector<PersonSlot>> SlotsOf(std::int64_t subject) override;
  Result<std::optional<SnapshotRow>> FindSnapshot(const std::string& id) override;
  Status AddSnapshot(const SnapshotRow& snapshot) override;

 private:
  sql::Tx& tx_;
};

class SqlHeaderRows final : public HeaderRows {
 public:
  explicit SqlHeaderRows(sql::Tx& tx) : tx_(tx) {}
  Result<std::map<std::string, HeaderRow>> Find(const std::vector<std::string>& objects) override;
  Status Add(const HeaderRow& header) override;
  Result<std::int64_t> Destroy(const std::string& dataset) override;
  Result<std::int64_t> CountReleases(std::int64_t headers) override;

 private:
  sql::Tx& tx_;
};

}  // namespace genofed::consent
