// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_grant_store.h"

#include "services/access/adapters/document.h"
#include "services/access/adapters/proto_mapping.h"
#include "services/access/adapters/sql_grant_ledger.h"
#include "services/access/adapters/sql_revocation_store.h"

namespace genofed::access {
namespace {

Result<Grant> Parse(const sql::Row& row) {
  v1::Review review;
  GF_TRY(FromDocument(row.Text(0), &review));
  return FromProto(review);
}

Result<std::vector<Grant>> ParseAll(const sql::Rows& rows) {
  std::vector<Grant> grants;
  for (sql::Row row : rows) {
    GF_ASSIGN(Grant grant, Parse(row));
    grants.push_back(std::move(grant));
  }
  return grants;
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

Result<Listed<Grant>> SqlGrantStore::List(const Context& ctx, const Page& page) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Listed<Grant>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT document FROM grants WHERE $1 = '' OR application < $1 "
                                 "ORDER BY application DESC LIMIT $2",
                                 page.before, page.size + 1));
    Listed<Grant> listed;
    GF_ASSIGN(listed.items, ParseAll(rows));
    if (listed.items.size() > static_cast<std::size_t>(page.size)) {
      listed.items.pop_back();
      listed.next = listed.items.back().application.id;
    }
    return listed;
  });
}

Result<std::vector<Grant>> SqlGrantStore::Live(const Context& ctx, Time now) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Grant>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT document FROM grants WHERE live_until > $1 ORDER BY application", now));
    return ParseAll(rows);
  });
}

Result<std::vector<std::string>> SqlGrantStore::Datasets(const Context& ctx) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<std::string>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT DISTINCT dataset FROM grants, "
                "json_array_elements_text(document::json -> 'decision' -> 'datasets') AS dataset "
                "ORDER BY dataset"));
    std::vector<std::string> datasets;
    for (sql::Row row : rows) datasets.push_back(row.Text(0));
    return datasets;
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
    GF_TRY(AddRevocation(tx, revocation, random_));
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
  const Grant before = grant;
  GF_TRY(change(grant));
  const std::string document = ToDocument(ToProto(grant));
  if (!rows.empty() && rows[0].Text(0) == document) return grant;
  std::optional<Time> live_until;
  if (grant.decision.outcome == Outcome::kApproved) live_until = grant.permit_until;
  GF_TRY(
      tx.Exec("INSERT INTO grants (application, document, live_until) VALUES ($1, $2, $3) "
              "ON CONFLICT (application) DO UPDATE SET document = excluded.document, live_until = "
              "excluded.live_until",
              application, document, live_until));
  GF_TRY(PutEntries(tx, EntriesOf(before, grant, clock_.Now(), random_)));
  if (grant.decision.signed_decision != before.decision.signed_decision) {
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
    return tx.Exec("UPDATE hub_cursor SET sequence = $1", sequence).status();
  });
}

}  // namespace genofed::access
