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

Result<std::int64_t> SqlLedgerRows::AddAll(const std::vector<const NewEntry*>& entries) {
  std::vector<std::string> texts, leaves, callers, idempotency_keys, times;
  std::vector<std::int64_t> access;
  for (const NewEntry* entry : entries) {
    texts.push_back(entry->entry);
    leaves.push_back(entry->leaf.Hex());
    callers.push_back(entry->caller);
    idempotency_keys.push_back(entry->idempotency_key);
    times.push_back(FormatRfc3339(entry->appended));
    access.push_back(entry->is_access ? 1 : 0);
  }
  // Tells the epoch, too: another statement would be another round trip while everybody waits.
  auto rows = tx_.Exec(
      "WITH added AS ("
      "INSERT INTO ledger (index, entry, leaf, caller, idempotency_key, appended, is_access) "
      "SELECT next.index + position - 1, e, decode(l, 'hex'), c, k, t::timestamptz, a = 1 "
      "FROM (SELECT coalesce(max(index) + 1, 0) AS index FROM ledger) AS next, "
      "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) "
      "WITH ORDINALITY AS new (e, l, c, k, t, a, position) RETURNING index) "
      "SELECT min(index), (SELECT epoch FROM head) FROM added",
      texts, leaves, callers, idempotency_keys, times, access);
  if (Reason(rows.status()) == "SQL_UNIQUE_VIOLATION")
    return Error(StatusCode::kAlreadyExists, "KEY_KNOWN", "an entry was appended under one of the keys before");
  GF_TRY(rows);
  GF_ASSIGN(const auto row, rows->One());
  head_.epoch = row.Int(1);
  if (!first_added_) first_added_ = row.Int(0);
  for (const NewEntry* entry : entries) added_.push_back(entry->leaf);
  return row.Int(0);
}

Result<LedgerRows::Known> SqlLedgerRows::FindAll(const std::vector<const NewEntry*>& entries) {
  std::vector<std::string> callers;
  std::vector<std::string> idempotency_keys;
  for (const NewEntry* entry : entries) {
    callers.push_back(entry->caller);
    idempotency_keys.push_back(entry->idempotency_key);
  }
  GF_ASSIGN(auto rows, tx_.Exec("SELECT index, entry, appended, caller, idempotency_key FROM ledger "
                                "JOIN unnest($1::text[], $2::text[]) AS key (c, k) "
                                "ON caller = c AND idempotency_key = k",
                                callers, idempotency_keys));
  Known known;
  for (sql::Row row : rows)
    known[{row.Text(3), row.Text(4)}] = {row.Int(0), row.Text(1), row.TimeAt(2)};
  return known;
}

Result<std::optional<std::int64_t>> SqlLedgerRows::Find(const std::string& caller,
                                                         const std::string& idempotency_key) {
  GF_ASSIGN(auto rows, tx_.Exec("SELECT index FROM ledger WHERE caller = $1 AND idempotency_key = $2", caller,
                                idempotency_key));
  return rows.empty() ? std::nullopt : std::optional(rows[0].Int(0));
}

Result<std::vector<ledger::Hash>> SqlLedgerRows::Leaves(std::int64_t start) {
  if (first_added_ == start) return added_;
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

Status SqlLedgerRows::KeepGroup(std::int64_t index, const std::vector<ledger::Hash>& commitments) {
  std::string bytes;
  for (const ledger::Hash& commitment : commitments) bytes += commitment.view();
  return tx_
      .Exec("INSERT INTO change_groups (ledger_index, commitments) VALUES ($1, $2)", index,
            sql::Bytes{bytes})
      .status();
}

Result<std::vector<ledger::Hash>> SqlLedgerRows::Group(std::int64_t index) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT commitments FROM change_groups WHERE ledger_index = $1", index));
  std::vector<ledger::Hash> commitments;
  if (rows.empty()) return commitments;
  const std::string bytes = rows[0].BytesAt(0);
  constexpr std::size_t kHash = 32;
  for (std::size_t at = 0; at < bytes.size(); at += kHash) {
    GF_ASSIGN(const ledger::Hash commitment,
              ledger::Hash::FromBytes(std::string_view(bytes).substr(at, kHash)));
    commitments.push_back(commitment);
  }
  return commitments;
}

}  // namespace genofed::consent
