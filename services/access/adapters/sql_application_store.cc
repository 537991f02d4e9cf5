// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/sql_application_store.h"

#include "services/access/adapters/document.h"
#include "services/access/adapters/proto_mapping.h"

namespace genofed::access {
namespace {

// Held while sequence numbers are given out, so that their order is the order of commits and a node
// that has read up to one number has missed none below it.
constexpr std::int64_t kSequenceLock = 0x67656e6f61636373;

Result<Application> Parse(const sql::Row& row) {
  v1::Application message;
  GF_TRY(FromDocument(row.Text(0), &message));
  return FromProto(message);
}

Result<std::vector<Application>> ParseAll(const sql::Rows& rows) {
  std::vector<Application> applications;
  for (sql::Row row : rows) {
    GF_ASSIGN(Application application, Parse(row));
    applications.push_back(std::move(application));
  }
  return applications;
}

Result<std::int64_t> NextSequence(sql::Tx& tx) {
  GF_TRY(tx.Exec("SELECT pg_advisory_xact_lock($1)", kSequenceLock));
  GF_ASSIGN(auto rows, tx.Exec("SELECT nextval('application_sequence')"));
  return rows[0].Int(0);
}

std::string Applicant(const std::string& issuer, const std::string& subject) {
  return issuer + " " + subject;
}

Status Unknown(const std::string& id) {
  return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "there is no application {}", id);
}

}  // namespace

Result<Application> SqlApplicationStore::Add(const Context& ctx, const Application& application,
                                             const std::string& key) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<Application> {
        Application added = application;
        GF_ASSIGN(added.sequence, NextSequence(tx));
        // Without a key of the caller's every application is its own.
        const std::string& unique = key.empty() ? application.id : key;
        const std::string applicant =
            Applicant(application.applicant_issuer, application.applicant_subject);
        GF_TRY(tx.Exec(
            "INSERT INTO applications (id, sequence, applicant, organisation, idempotency_key, "
            "document) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (applicant, idempotency_key) DO NOTHING",
            added.id, added.sequence, applicant, added.organisation, unique,
            ToDocument(ToProto(added))));
        GF_ASSIGN(
            auto rows,
            tx.Exec(
                "SELECT document FROM applications WHERE applicant = $1 AND idempotency_key = $2",
                applicant, unique));
        GF_ASSIGN(auto row, rows.One());
        return Parse(row);
      },
      sql::Isolation::kReadCommitted);
}

Result<Application> SqlApplicationStore::Change(const Context& ctx, const std::string& id,
                                                const std::function<Status(Application&)>& change) {
  return database_.Transact(
      ctx,
      [&](sql::Tx& tx) -> Result<Application> {
        GF_ASSIGN(auto rows,
                  tx.Exec("SELECT document FROM applications WHERE id = $1 FOR UPDATE", id));
        if (rows.empty()) return Unknown(id);
        GF_ASSIGN(Application application, Parse(rows[0]));
        GF_TRY(change(application));
        std::string document = ToDocument(ToProto(application));
        if (document == rows[0].Text(0)) return application;
        GF_ASSIGN(application.sequence, NextSequence(tx));
        GF_TRY(tx.Exec("UPDATE applications SET sequence = $2, document = $3 WHERE id = $1", id,
                       application.sequence, ToDocument(ToProto(application))));
        for (const CountryDecision& decision : application.decisions) {
          GF_TRY(
              tx.Exec("INSERT INTO application_countries (application, country) VALUES ($1, $2) ON "
                      "CONFLICT DO NOTHING",
                      id, decision.country));
        }
        return application;
      },
      sql::Isolation::kReadCommitted);
}

Result<Application> SqlApplicationStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Application> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT document FROM applications WHERE id = $1", id));
    if (rows.empty()) return Unknown(id);
    return Parse(rows[0]);
  });
}

Result<Listed<Application>> SqlApplicationStore::List(const Context& ctx, const Viewer& viewer,
                                                      const Page& page) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Listed<Application>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT document FROM applications "
                                 "WHERE ($1 OR applicant = $2 OR ($3 <> '' AND organisation = $3)) "
                                 "AND ($4 = '' OR id < $4) "
                                 "ORDER BY id DESC LIMIT $5",
                                 viewer.everything,
                                 Applicant(viewer.applicant_issuer, viewer.applicant_subject),
                                 viewer.organisation, page.before, page.size + 1));
    Listed<Application> listed;
    GF_ASSIGN(listed.items, ParseAll(rows));
    if (listed.items.size() > static_cast<std::size_t>(page.size)) {
      listed.items.pop_back();
      listed.next = listed.items.back().id;
    }
    return listed;
  });
}

Result<std::vector<Application>> SqlApplicationStore::ChangedSince(const Context& ctx,
                                                                   const std::string& country,
                                                                   std::int64_t after, int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Application>> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT a.document FROM applications a JOIN application_countries c ON "
                      "c.application = a.id "
                      "WHERE c.country = $1 AND a.sequence > $2 ORDER BY a.sequence LIMIT $3",
                      country, after, limit));
    return ParseAll(rows);
  });
}

}  // namespace genofed::access
