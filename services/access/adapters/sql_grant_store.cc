// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_grant_store.h"

#include "services/access/adapters/document.h"
#include "services/access/adapters/proto_mapping.h"
#include "services/access/adapters/sql_revocation_store.h"

namespace genofed::access {
namespace {

Result<Grant> Parse(const sql::Row& row) {
  v1::Review review;
  GF_TRY(FromDocument(row.Text(0), &review));
  return FromProto(review);
}

}  // namespace

Result<Grant> SqlGrantStore::Find(const Context& ctx, const std::string& application) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Grant> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT document FROM grants WHERE application = $1", application));
    if (rows.empty()) {
      return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN",
                   "this country was not asked about application {}", application);
    }
    return Parse(rows[0]);
  });
}

Result<std::vector<Grant>> SqlGrantStore::List(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Grant>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT document FROM grants ORDER BY application DESC LIMIT 1000"));
    std::vector<Grant> grants;
    for (sql::Row row : rows) {
      GF_ASSIGN(Grant grant, Parse(row));
      grants.push_back(std::move(grant));
    }
    return grants;
  });
}

// Serialisable: two first sights of the same application cannot both insert.
Result<Grant> SqlGrantStore::Change(const Context& ctx, const std::string& application,
                                    const std::function<Status(Grant&)>& change) {
  return database_.Transact(ctx, [&](sql::Tx& tx) { return Change(tx, application, change); });
}

Result<Grant> SqlGrantStore::ChangeAndRevoke(const Context& ctx, const std::string& application,
                                             const RevocationRecord& revocation,
                                             const std::function<Status(Grant&)>& change) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Grant> {
    GF_ASSIGN(Grant grant, Change(tx, application, change));
    GF_TRY(AddRevocation(tx, revocation));
    return grant;
  });
}

Result<Grant> SqlGrantStore::Change(sql::Tx& tx, const std::string& application,
                                    const std::function<Status(Grant&)>& change) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT document FROM grants WHERE application = $1", application));
  Grant grant;
  if (!rows.empty()) {
    GF_ASSIGN(grant, Parse(rows[0]));
  }
  const std::string decided_before = grant.decision.signed_decision;
  GF_TRY(change(grant));
  GF_TRY(
      tx.Exec("INSERT INTO grants (application, document) VALUES ($1, $2) "
              "ON CONFLICT (application) DO UPDATE SET document = excluded.document",
              application, ToDocument(ToProto(grant))));
  if (grant.decision.signed_decision != decided_before) {
    v1::DeliverDecisionRequest message;
    message.set_application(application);
    message.set_signed_decision(grant.decision.signed_decision);
    GF_TRY(outbox_.Put(tx, kDecisionTopic, application, message.SerializeAsString()));
  }
  return grant;
}

Result<std::int64_t> SqlGrantStore::Cursor(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::int64_t> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT sequence FROM hub_cursor"));
    return rows[0].Int(0);
  });
}

Status SqlGrantStore::SetCursor(const Context& ctx, std::int64_t sequence) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx.Exec("UPDATE hub_cursor SET sequence = $1 WHERE sequence < $1", sequence).status();
  });
}

}  // namespace genofed::access
