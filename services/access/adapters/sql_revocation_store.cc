// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_revocation_store.h"

#include "services/access/adapters/sql_grant_ledger.h"

namespace genofed::access {
namespace {

Result<RevocationRecord> Parse(const sql::Row& row) {
  RevocationRecord record;
  record.id = row.Text(0);
  GF_ASSIGN(record.what.kind, auth::ParseKind(row.Text(1)));
  record.what.value = row.Text(2);
  record.what.issuer = row.Text(3);
  record.reason = row.Text(4);
  record.by = row.Text(5);
  record.at = row.TimeAt(6);
  record.reinstated_at = row.OptionalTime(7);
  record.reinstated_by = row.Text(8);
  record.reinstate_reason = row.Text(9);
  return record;
}

#define GF_COLUMNS                                                                                 \
  "SELECT id, kind, value, issuer, reason, revoked_by, revoked_at, reinstated_at, reinstated_by, " \
  "reinstate_reason FROM revocations "

Status ListChanged(sql::Tx& tx) {
  return tx.Exec("UPDATE revocation_list SET sequence = sequence + 1").status();
}

}  // namespace

Result<RevocationRecord> AddRevocation(sql::Tx& tx, const RevocationRecord& record,
                                       Random& random) {
  const std::string kind(auth::KindName(record.what.kind));
  GF_ASSIGN(auto same,
            tx.Exec(GF_COLUMNS "WHERE kind = $1 AND value = $2 AND issuer = $3 AND reinstated_at "
                               "IS NULL",
                    kind, record.what.value, record.what.issuer));
  if (!same.empty()) return Parse(same[0]);
  GF_TRY(tx.Exec("DELETE FROM revocations WHERE kind = 'token' AND revoked_at < $1",
                 record.at - kTokenRevocationKept));
  GF_TRY(tx.Exec(
      "INSERT INTO revocations (id, kind, value, issuer, reason, revoked_by, revoked_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      record.id, kind, record.what.value, record.what.issuer, record.reason, record.by, record.at));
  if (record.what.kind == auth::RevocationKind::kApplication) {
    // Whoever verifies a visa knows its jti, not what it was minted for.
    GF_TRY(
        tx.Exec("INSERT INTO revocations (id, kind, value, reason, revoked_by, revoked_at) "
                "SELECT $1::text || ':' || id, 'token', id, $2::text, $3::text, $4::timestamptz "
                "FROM minted_visas "
                "WHERE application = $5 AND expires > $4 ON CONFLICT DO NOTHING",
                record.id, record.reason, record.by, record.at, record.what.value));
    GF_TRY(PutRevocation(tx, record.what.value, record.at, random));
  }
  GF_TRY(ListChanged(tx));
  return record;
}

Result<RevocationRecord> SqlRevocationStore::Add(const Context& ctx,
                                                 const RevocationRecord& record) {
  return database_.Transact(ctx, [&](sql::Tx& tx) { return AddRevocation(tx, record, random_); });
}

Result<RevocationRecord> SqlRevocationStore::Change(
    const Context& ctx, const std::string& id,
    const std::function<Status(RevocationRecord&)>& change) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<RevocationRecord> {
    GF_ASSIGN(auto rows, tx.Exec(GF_COLUMNS "WHERE id = $1", id));
    if (rows.empty()) {
      return Error(StatusCode::kNotFound, "REVOCATION_UNKNOWN", "there is no revocation {}", id);
    }
    GF_ASSIGN(RevocationRecord record, Parse(rows[0]));
    const bool was_in_force = record.in_force();
    GF_TRY(change(record));
    if (record.in_force() == was_in_force) return record;
    GF_TRY(
        tx.Exec("UPDATE revocations SET reinstated_at = $2, reinstated_by = $3, reinstate_reason = "
                "$4 WHERE id = $1",
                id, record.reinstated_at, record.reinstated_by, record.reinstate_reason));
    GF_TRY(ListChanged(tx));
    return record;
  });
}

Result<std::vector<RevocationRecord>> SqlRevocationStore::List(const Context& ctx, bool all) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<RevocationRecord>> {
    GF_ASSIGN(auto rows,
              tx.Exec(GF_COLUMNS "WHERE $1 OR reinstated_at IS NULL ORDER BY revoked_at DESC, id "
                                 "DESC LIMIT 1000",
                      all));
    std::vector<RevocationRecord> records;
    for (sql::Row row : rows) {
      GF_ASSIGN(auto record, Parse(row));
      records.push_back(std::move(record));
    }
    return records;
  });
}

Result<RevocationsInForce> SqlRevocationStore::InForce(const Context& ctx,
                                                       std::int64_t known_sequence) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<RevocationsInForce> {
    RevocationsInForce list;
    GF_ASSIGN(auto sequence, tx.Exec("SELECT sequence FROM revocation_list"));
    list.sequence = sequence[0].Int(0);
    list.unchanged = list.sequence == known_sequence;
    if (list.unchanged) return list;
    GF_ASSIGN(auto rows, tx.Exec("SELECT kind, value, issuer FROM revocations "
                                 "WHERE reinstated_at IS NULL"));
    for (sql::Row row : rows) {
      auth::Revocation entry;
      GF_ASSIGN(entry.kind, auth::ParseKind(row.Text(0)));
      entry.value = row.Text(1);
      entry.issuer = row.Text(2);
      list.entries.push_back(std::move(entry));
    }
    return list;
  });
}

#undef GF_COLUMNS

}  // namespace genofed::access
