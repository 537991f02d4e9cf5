// SPDX-License-Identifier: Apache-2.0
#include "libs/core/strings.h"
#include "services/consent/adapters/sql_rows.h"
#include "services/consent/adapters/statement_terms.h"

namespace genofed::consent {

// The rows of these records, each looked up in the index, whatever the planner knows of the table:
// left to it, it may compare a list of thousands with each row of the registry.
#define GF_ROWS_OF(name, records)                                                       \
  "ARRAY(SELECT found.ctid FROM unnest(" records "::text[]) AS wanted (r) "             \
  "CROSS JOIN LATERAL (SELECT s.ctid FROM statements s WHERE s.source = 'registry' AND " \
  "s.name = " name " AND s.record = wanted.r OFFSET 0) AS found)"

Result<bool> SqlRegistryRows::KeepOnly(const std::vector<std::string>& names) {
  GF_TRY(tx_.Exec("DELETE FROM statements WHERE source = 'registry' AND name <> ALL($1::text[])", names));
  GF_ASSIGN(auto gone, tx_.Exec("DELETE FROM registries WHERE name <> ALL($1::text[])", names));
  GF_ASSIGN(auto added, tx_.Exec("INSERT INTO registries (name) SELECT n FROM unnest($1::text[]) AS new (n) "
                                 "ON CONFLICT DO NOTHING",
                                 names));
  return gone.affected() + added.affected() > 0;
}

Result<RegistryRow> SqlRegistryRows::Load(const std::string& name) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT stale, generation, watermark, last_full, last_attempt, last_success, "
                     "last_error, unreadable, "
                     "(SELECT count(*) FROM statements WHERE source = 'registry' AND name = $1 AND "
                     "record NOT LIKE '%/%') FROM registries WHERE name = $1",
                     name));
  if (rows.empty()) return Error(StatusCode::kNotFound, "REGISTRY_UNKNOWN", "no registry {} is configured", name);
  sql::Row row = rows[0];
  return RegistryRow{name,
                     row.Bool(0),
                     static_cast<std::int32_t>(row.Int(1)),
                     row.OptionalTime(2),
                     row.OptionalTime(3),
                     row.OptionalTime(4),
                     row.OptionalTime(5),
                     row.Text(6),
                     row.Int(7),
                     row.Int(8)};
}

Status SqlRegistryRows::Save(const RegistryRow& row) {
  return tx_
      .Exec(
          "UPDATE registries SET stale = $2, generation = $3, watermark = $4, last_full = $5, last_attempt = $6, "
          "last_success = $7, last_error = $8, unreadable = $9 WHERE name = $1",
          row.name, row.stale, row.generation, row.watermark, row.last_full, row.last_attempt, row.last_success,
          row.last_error, row.unreadable)
      .status();
}

Status SqlRegistryRows::AskForAll() {
  return tx_.Exec("UPDATE registries SET last_full = NULL").status();
}

Result<std::map<std::string, RegistryStatement>> SqlRegistryRows::Statements(const std::string& name,
                                                                             const std::vector<std::string>& records) {
  GF_ASSIGN(auto rows,
            tx_.Exec("SELECT record, subject, permits, denies, valid_from, valid_until, terms FROM statements "
                     "WHERE ctid = ANY(" GF_ROWS_OF("$1", "$2") ")",
                     name, records));
  std::map<std::string, RegistryStatement> statements;
  for (sql::Row row : rows) {
    GF_ASSIGN(Statement says, ToStatement(row, 2));
    statements[row.Text(0)] = {row.Text(0), row.Int(1), std::move(says)};
  }
  return statements;
}

Status SqlRegistryRows::Put(const std::string& name, std::int32_t generation,
                            const std::vector<RegistryStatement>& statements) {
  std::vector<std::string> records, from, until, terms;
  std::vector<std::int64_t> subjects, permits, denies;
  const auto text = [](const std::optional<Time>& time) { return time ? FormatRfc3339(*time) : ""; };
  for (const RegistryStatement& statement : statements) {
    records.push_back(statement.record);
    subjects.push_back(statement.subject);
    permits.push_back(statement.says.permits.bits());
    denies.push_back(statement.says.denies.bits());
    from.push_back(text(statement.says.from));
    until.push_back(text(statement.says.until));
    terms.push_back(WriteTerms(statement.says));
  }
  // A record that is about somebody else now is another row.
  GF_TRY(Remove(name, records));
  return tx_
      .Exec(
          "INSERT INTO statements (subject, source, name, record, version, permits, denies, valid_from, valid_until, "
          "terms) SELECT s, 'registry', $1, r, $2, p, d, nullif(f, '')::timestamptz, nullif(u, '')::timestamptz, t "
          "FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[]) "
          "AS new (r, s, p, d, f, u, t)",
          name, generation, records, subjects, permits, denies, from, until, terms)
      .status();
}

Status SqlRegistryRows::Touch(const std::string& name, std::int32_t generation,
                              const std::vector<std::string>& records) {
  return tx_
      .Exec("UPDATE statements SET version = $2 WHERE ctid = ANY(" GF_ROWS_OF("$1", "$3") ")",
            name, generation, records)
      .status();
}

Status SqlRegistryRows::Remove(const std::string& name, const std::vector<std::string>& records) {
  return tx_
      .Exec("DELETE FROM statements WHERE ctid = ANY(" GF_ROWS_OF("$1", "$2") ")", name, records)
      .status();
}

Result<std::set<std::int64_t>> SqlRegistryRows::RemoveUnseen(const std::string& name,
                                                             std::int32_t generation) {
  GF_ASSIGN(
      auto rows,
      tx_.Exec("DELETE FROM statements WHERE source = 'registry' AND name = $1 AND version < $2 "
               "RETURNING subject",
               name, generation));
  std::set<std::int64_t> whose;
  for (sql::Row row : rows) whose.insert(row.Int(0));
  return whose;
}

#undef GF_ROWS_OF

}  // namespace genofed::consent
