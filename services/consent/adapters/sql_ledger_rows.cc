// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_rows.h"

namespace genofed::consent {

Result<std::int64_t> StagedEntries::AddAll(const std::vector<const NewEntry*>& entries) {
  const std::int64_t first = End();
  for (const NewEntry* entry : entries) staged_.push_back(*entry);
  return first;
}

StoredEntry StagedEntries::StagedAt(std::size_t place) const {
  return {size_ + static_cast<std::int64_t>(place), staged_[place].entry, staged_[place].appended};
}

Result<std::optional<std::int64_t>> StagedEntries::Find(const std::string& caller, const std::string& idempotency_key) {
  GF_ASSIGN(const auto logged, log_.Find(caller, idempotency_key));
  if (logged && *logged < size_) return logged;
  for (std::size_t place = 0; place < staged_.size(); ++place) {
    if (staged_[place].caller == caller && staged_[place].idempotency_key == idempotency_key)
      return std::optional(StagedAt(place).index);
  }
  return std::optional<std::int64_t>();
}

Result<EntryRows::Known> StagedEntries::FindAll(const std::vector<const NewEntry*>& entries) {
  Known known;
  for (const NewEntry* entry : entries) {
    GF_ASSIGN(const auto index, Find(entry->caller, entry->idempotency_key));
    if (!index) continue;
    GF_ASSIGN(auto stored, List(*index, 1));
    known[{entry->caller, entry->idempotency_key}] = std::move(stored.at(0));
  }
  return known;
}

Result<std::vector<ledger::Hash>> StagedEntries::Leaves(std::int64_t start) {
  GF_ASSIGN(auto leaves, log_.Leaves(start));
  for (std::size_t place = 0; place < staged_.size(); ++place) {
    if (StagedAt(place).index >= start) leaves.push_back(staged_[place].leaf);
  }
  return leaves;
}

Result<std::vector<StoredEntry>> StagedEntries::List(std::int64_t start, int limit) {
  GF_ASSIGN(auto found, log_.List(start, limit));
  for (std::size_t place = 0; place < staged_.size() && static_cast<int>(found.size()) < limit; ++place) {
    if (StagedAt(place).index >= start) found.push_back(StagedAt(place));
  }
  return found;
}

Result<std::vector<StoredEntry>> StagedEntries::Accesses(std::int64_t before, int limit) {
  std::vector<StoredEntry> found;
  for (std::size_t place = staged_.size(); place-- > 0 && static_cast<int>(found.size()) < limit;) {
    if (staged_[place].is_access && StagedAt(place).index < before) found.push_back(StagedAt(place));
  }
  GF_ASSIGN(auto logged, log_.Accesses(size_, before, limit - static_cast<int>(found.size())));
  found.insert(found.end(), std::make_move_iterator(logged.begin()), std::make_move_iterator(logged.end()));
  return found;
}

Result<std::int64_t> SqlLedgerRows::AddAll(const std::vector<const NewEntry*>& entries) {
  if (reads_) return Error(StatusCode::kInternal, "READ_ONLY", "this transaction appends nothing");
  GF_ASSIGN(const std::int64_t first, entries_.AddAll(entries));
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
  GF_ASSIGN(
      const auto rows,
      tx_.Exec("WITH added AS ("
               "INSERT INTO ledger (index, entry, leaf, caller, idempotency_key, appended, is_access) "
               "SELECT $7 + position - 1, e, decode(l, 'hex'), c, k, t::timestamptz, a = 1 "
               "FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) "
               "WITH ORDINALITY AS new (e, l, c, k, t, a, position)) "
               "SELECT epoch FROM head",
               texts, leaves, callers, idempotency_keys, times, access, first));
  GF_ASSIGN(const auto row, rows.One());
  head_.epoch = row.Int(0);
  return first;
}

// Between a commit and the log, entries are rows alone. Rows behind a gap are of a later moment than the end of the log
// above: what lies between came to the log meanwhile.
Result<std::vector<StoredEntry>> SqlLedgerRows::List(std::int64_t start, int limit) {
  GF_ASSIGN(auto found, entries_.List(start, limit));
  if (!reads_ || static_cast<int>(found.size()) >= limit) return found;
  std::int64_t next = start + static_cast<std::int64_t>(found.size());
  GF_ASSIGN(const auto rows, tx_.Exec("SELECT index, entry, appended FROM ledger WHERE index >= $1 ORDER BY index LIMIT $2", next,
                                      limit - static_cast<int>(found.size())));
  for (sql::Row row : rows) {
    if (row.Int(0) != next) break;
    found.push_back({next++, row.Text(1), row.TimeAt(2)});
  }
  return found;
}

Result<std::vector<NewEntry>> EntriesWithRows(sql::Tx& tx, std::int64_t start, int limit) {
  GF_ASSIGN(const auto rows, tx.Exec("SELECT index, entry, caller, idempotency_key, appended, is_access FROM ledger "
                                     "WHERE index >= $1 ORDER BY index LIMIT $2",
                                     start, limit));
  std::vector<NewEntry> entries;
  entries.reserve(rows.size());
  for (sql::Row row : rows) {
    const std::int64_t expected = start + static_cast<std::int64_t>(entries.size());
    if (row.Int(0) != expected)
      return Error(StatusCode::kDataLoss, "LEDGER_BROKEN", "entry {} of the ledger is missing", expected);
    entries.push_back({row.Text(1), ledger::LeafHash(row.Text(1)), row.Text(2), row.Text(3), row.TimeAt(4), row.Bool(5)});
  }
  return entries;
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
