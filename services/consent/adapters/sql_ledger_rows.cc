// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {
namespace {

std::vector<StoredEntry> ToEntries(const sql::Rows& rows) {
  std::vector<StoredEntry> entries;
  entries.reserve(rows.size());
  for (sql::Row row : rows) entries.push_back({row.Int(0), row.Text(1), row.TimeAt(2)});
  return entries;
}

}  // namespace

Result<std::optional<std::int64_t>> SqlLedgerRows::Find(const std::string& caller,
                                                        const std::string& idempotency_key) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT index FROM ledger WHERE caller = $1 AND idempotency_key = $2", caller,
                     idempotency_key));
  if (rows.empty()) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(rows[0].Int(0));
}

Result<std::int64_t> SqlLedgerRows::Add(const NewEntry& entry) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec(
          "INSERT INTO ledger (index, entry, leaf, caller, idempotency_key, appended, is_access) "
          "SELECT coalesce(max(index) + 1, 0), $1, $2, $3, $4, $5::timestamptz, $6 FROM ledger "
          "RETURNING index",
          entry.entry, sql::Bytes{std::string(entry.leaf.view())}, entry.caller,
          entry.idempotency_key, entry.appended, entry.is_access));
  GF_ASSIGN(auto row, rows.One());
  return row.Int(0);
}

Result<std::vector<ledger::Hash>> SqlLedgerRows::Leaves(std::int64_t start) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT index, leaf FROM ledger WHERE index >= $1 ORDER BY index", start));
  std::vector<ledger::Hash> leaves;
  leaves.reserve(rows.size());
  for (sql::Row row : rows) {
    if (row.Int(0) != start + static_cast<std::int64_t>(leaves.size())) {
      return Error(StatusCode::kDataLoss, "LEDGER_BROKEN", "entry {} of the ledger is missing",
                   start + static_cast<std::int64_t>(leaves.size()));
    }
    GF_ASSIGN(ledger::Hash leaf, ledger::Hash::FromBytes(row.BytesAt(1)));
    leaves.push_back(leaf);
  }
  return leaves;
}

Result<std::vector<StoredEntry>> SqlLedgerRows::List(std::int64_t start, int limit) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec(
          "SELECT index, entry, appended FROM ledger WHERE index >= $1 ORDER BY index LIMIT $2",
          start, limit));
  return ToEntries(rows);
}

Result<std::vector<StoredEntry>> SqlLedgerRows::Accesses(std::int64_t before, int limit) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT index, entry, appended FROM ledger WHERE is_access AND index < $1 "
                     "ORDER BY index DESC LIMIT $2",
                     before, limit));
  return ToEntries(rows);
}

Status SqlLedgerRows::KeepOpening(std::int64_t index, const std::string& name,
                                  const std::string& key, const std::string& payload) {
  return tx_
      .Exec("INSERT INTO openings (ledger_index, name, key, payload) VALUES ($1, $2, $3, $4)",
            index, name, sql::Bytes{key}, payload)
      .status();
}

}  // namespace genofed::consent
