// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

std::optional<PermissionSet> OptionalPermissions(const sql::Row& row, int column) {
  if (row.IsNull(column)) return std::nullopt;
  return PermissionSet::FromBits(row.Int(column));
}

}  // namespace

Result<std::int64_t> SqlConsentRows::Epoch() {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT epoch FROM head"));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Result<std::int64_t> SqlConsentRows::NextEpoch() {
  GF_ASSIGN(auto rows, tx_.Exec("UPDATE head SET epoch = epoch + 1 RETURNING epoch"));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Result<std::map<std::string, Subject>> SqlConsentRows::FindSubjects(
    const std::vector<std::string>& blinded) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT blinded, id, own_permissions, secret FROM subjects WHERE "
                                "blinded = ANY($1::text[])",
                                blinded));
  std::map<std::string, Subject> subjects;
  for (sql::Row row : rows) {
    subjects[row.Text(0)] = {row.Int(1), OptionalPermissions(row, 2), row.BytesAt(3)};
  }
  return subjects;
}

Status SqlConsentRows::AddSubjects(const std::vector<NewSubject>& subjects) {
  std::vector<std::string> blinded;
  std::vector<std::string> secrets;
  for (const NewSubject& subject : subjects) {
    blinded.push_back(subject.blinded);
    secrets.push_back(HexEncode(subject.secret));
  }
  return tx_
      .Exec(
          "INSERT INTO subjects (blinded, secret) SELECT b, decode(s, 'hex') "
          "FROM unnest($1::text[], $2::text[]) AS new (b, s)",
          blinded, secrets)
      .status();
}

Status SqlConsentRows::SetOwn(std::int64_t subject, PermissionSet permissions) {
  return tx_
      .Exec("UPDATE subjects SET own_permissions = $2 WHERE id = $1", subject, permissions.bits())
      .status();
}

Status SqlConsentRows::AddChanges(const std::vector<Change>& changes) {
  std::vector<std::int64_t> subjects;
  std::vector<std::int64_t> permissions;
  std::vector<std::int64_t> by_subject;
  std::vector<std::int64_t> indices;  // -1: none
  std::vector<std::string> times;
  for (const Change& change : changes) {
    subjects.push_back(change.subject);
    permissions.push_back(change.permissions.bits());
    by_subject.push_back(change.by_subject ? 1 : 0);
    indices.push_back(change.ledger_index.value_or(-1));
    times.push_back(FormatRfc3339(change.at));
  }
  return tx_
      .Exec(
          "INSERT INTO permission_changes (subject, permissions, by_subject, ledger_index, at) "
          "SELECT s, p, b = 1, nullif(i, -1), t::timestamptz "
          "FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS new "
          "(s, p, b, i, t)",
          subjects, permissions, by_subject, indices, times)
      .status();
}

Result<std::vector<Change>> SqlConsentRows::Changes(std::int64_t subject, int limit) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT permissions, at, by_subject, ledger_index FROM permission_changes "
                     "WHERE subject = $1 ORDER BY id DESC LIMIT $2",
                     subject, limit));
  std::vector<Change> changes;
  for (sql::Row row : rows) {
    changes.push_back({subject, PermissionSet::FromBits(row.Int(0)), row.TimeAt(1), row.Bool(2),
                       row.OptionalInt(3)});
  }
  return changes;
}

Result<std::map<std::int64_t, PermissionSet>> SqlConsentRows::Holder(const std::string& dataset) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT subject, permissions FROM holder_permissions WHERE dataset = $1", dataset));
  std::map<std::int64_t, PermissionSet> records;
  for (sql::Row row : rows) records[row.Int(0)] = PermissionSet::FromBits(row.Int(1));
  return records;
}

Result<PermissionSet> SqlConsentRows::HolderAnywhere(std::int64_t subject) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("SELECT coalesce(bit_or(permissions), 0) FROM holder_permissions WHERE subject = $1",
               subject));
  GF_ASSIGN(auto row, rows.One());
  return PermissionSet::FromBits(row.Int(0));
}

Status SqlConsentRows::PutHolder(const DatasetVersion& dataset,
                                 const std::map<std::int64_t, PermissionSet>& records) {
  std::vector<std::int64_t> subjects;
  std::vector<std::int64_t> permissions;
  for (const auto& [subject, record] : records) {
    subjects.push_back(subject);
    permissions.push_back(record.bits());
  }
  return tx_
      .Exec(
          "INSERT INTO holder_permissions AS h (dataset, subject, version, permissions) "
          "SELECT $1, s, $2, p FROM unnest($3::bigint[], $4::bigint[]) AS new (s, p) "
          "ON CONFLICT (dataset, subject) DO UPDATE SET version = excluded.version, permissions = "
          "excluded.permissions "
          "WHERE h.version <= excluded.version",
          dataset.dataset, dataset.version, subjects, permissions)
      .status();
}

Result<std::optional<VersionRow>> SqlConsentRows::FindVersion(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT fingerprint, rows, slots, epoch, base FROM dataset_versions "
                     "WHERE dataset = $1 AND version = $2",
                     dataset.dataset, dataset.version));
  if (rows.empty()) return std::optional<VersionRow>();
  sql::Row row = rows[0];
  return std::optional<VersionRow>({dataset, row.BytesAt(0), static_cast<std::int32_t>(row.Int(1)),
                                    static_cast<std::int32_t>(row.Int(2)), row.Int(3),
                                    static_cast<std::int32_t>(row.Int(4))});
}

Status SqlConsentRows::AddVersion(const VersionRow& version, const std::vector<SlotRow>& slots) {
  GF_TRY(
      tx_.Exec("INSERT INTO dataset_versions (dataset, version, fingerprint, rows, slots, epoch, "
               "base) VALUES ($1, $2, $3, $4, $5, $6, $7)",
               version.dataset.dataset, version.dataset.version, sql::Bytes{version.fingerprint},
               version.rows, version.slots, version.epoch, version.base));
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> subjects;
  std::vector<std::string> pseudonyms;
  for (const SlotRow& slot : slots) {
    numbers.push_back(slot.slot);
    subjects.push_back(slot.subject);
    pseudonyms.push_back(slot.pseudonym);
  }
  return tx_
      .Exec(
          "INSERT INTO dataset_rows (dataset, version, slot, subject, pseudonym) SELECT $1, $2, n, "
          "s, nullif(p, '') "
          "FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS new (n, s, p)",
          version.dataset.dataset, version.dataset.version, numbers, subjects, pseudonyms)
      .status();
}

Result<std::vector<SlotRow>> SqlConsentRows::Slots(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT r.slot, r.subject, r.pseudonym, s.own_permissions, h.permissions "
                     "FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
                     "JOIN holder_permissions h ON h.dataset = r.dataset AND h.subject = r.subject "
                     "WHERE r.dataset = $1 AND r.version = $2 ORDER BY r.slot",
                     dataset.dataset, dataset.version));
  std::vector<SlotRow> slots;
  slots.reserve(rows.size());
  for (sql::Row row : rows) {
    slots.push_back({static_cast<std::int32_t>(row.Int(0)), row.Int(1), row.Text(2),
                     Effective(OptionalPermissions(row, 3), PermissionSet::FromBits(row.Int(4)))});
  }
  return slots;
}

Result<std::vector<std::string>> SqlConsentRows::Secrets(const DatasetVersion& dataset) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT s.secret FROM dataset_rows r JOIN subjects s ON s.id = r.subject "
                     "WHERE r.dataset = $1 AND r.version = $2 ORDER BY r.slot",
                     dataset.dataset, dataset.version));
  std::vector<std::string> secrets;
  secrets.reserve(rows.size());
  for (sql::Row row : rows) secrets.push_back(row.BytesAt(0));
  return secrets;
}

Result<std::vector<PersonSlot>> SqlConsentRows::SlotsOf(std::int64_t subject) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT dataset, version, slot, pseudonym IS NOT NULL FROM "
                                "dataset_rows WHERE subject = $1",
                                subject));
  std::vector<PersonSlot> slots;
  for (sql::Row row : rows) {
    slots.push_back({{row.Text(0), static_cast<std::int32_t>(row.Int(1))},
                     {static_cast<std::int32_t>(row.Int(2)), row.Bool(3)}});
  }
  return slots;
}

Result<std::optional<SnapshotRow>> SqlConsentRows::FindSnapshot(const std::string& id) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT dataset, version, permission, epoch, slots, bits, root, ledger_index "
                     "FROM snapshots WHERE id = $1",
                     id));
  if (rows.empty()) return std::optional<SnapshotRow>();
  sql::Row row = rows[0];
  GF_ASSIGN(ledger::Hash root, ledger::Hash::FromBytes(row.BytesAt(6)));
  return std::optional<SnapshotRow>(
      {id,
       {row.Text(0), static_cast<std::int32_t>(row.Int(1))},
       static_cast<Permission>(row.Int(2)),  // the table admits no other values
       row.Int(3),
       static_cast<std::int32_t>(row.Int(4)),
       row.BytesAt(5),
       root,
       row.Int(7)});
}

Status SqlConsentRows::AddSnapshot(const SnapshotRow& snapshot) {
  return tx_
      .Exec(
          "INSERT INTO snapshots (id, dataset, version, permission, epoch, slots, bits, root, "
          "ledger_index) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
          snapshot.id, snapshot.dataset.dataset, snapshot.dataset.version,
          static_cast<std::int64_t>(snapshot.permission), snapshot.epoch, snapshot.slots,
          sql::Bytes{snapshot.bits}, sql::Bytes{std::string(snapshot.root.view())},
          snapshot.ledger_index)
      .status();
}

}  // namespace genofed::consent
