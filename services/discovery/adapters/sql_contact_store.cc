// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/sql_contact_store.h"

#include <fmt/ranges.h>

#include "libs/core/strings.h"

namespace genofed::discovery {
namespace {

ContactRequest FromRow(const sql::Row& row) {
  ContactRequest contact;
  contact.id = row.Text(0);
  contact.state = ParseContactState(row.Text(1));
  contact.created = row.TimeAt(2);
  contact.dataset = row.Text(3);
  const std::string terms = row.Text(4);
  for (std::string_view term : Split(terms, ',')) contact.terms.emplace_back(term);
  contact.message = row.Text(5);
  contact.reply_to = row.Text(6);
  contact.account = row.Text(7);
  contact.issuer = row.Text(8);
  contact.subject = row.Text(9);
  contact.name = row.Text(10);
  contact.organisation = row.Text(11);
  contact.reply = row.Text(12);
  contact.answered = row.OptionalTime(13);
  return contact;
}

}  // namespace

Status SqlContactStore::Add(const Context& ctx, const ContactRequest& contact, int most) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto waiting, tx.Exec("SELECT count(*) FROM contact_requests WHERE account = $1 AND "
                                    "state = 'waiting' AND logged",
                                    contact.account));
    if (waiting[0].Int(0) >= most)
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_REQUESTS",
                   "{} requests of your organisation wait for an answer already", most);
    return tx
        .Exec(
            "INSERT INTO contact_requests (id, state, created, dataset, terms, message, reply_to, "
            "account, issuer, subject, name, organisation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
            "$9, $10, $11, $12)",
            contact.id, StateName(contact.state), contact.created, contact.dataset,
            fmt::format("{}", fmt::join(contact.terms, ",")), contact.message, contact.reply_to,
            contact.account, contact.issuer, contact.subject, contact.name, contact.organisation)
        .status();
  });
}

Status SqlContactStore::Confirm(const Context& ctx, const std::string& id) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx.Exec("UPDATE contact_requests SET logged = true WHERE id = $1", id).status();
  });
}

Result<ContactRequest> SqlContactStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<ContactRequest> {
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT id, CASE WHEN answer_logged THEN state ELSE 'waiting' END, created, "
                      "dataset, terms, message, reply_to, account, issuer, subject, name, "
                      "organisation, CASE WHEN answer_logged THEN reply ELSE '' END, "
                      "CASE WHEN answer_logged THEN answered END FROM contact_requests "
                      "WHERE id = $1 AND logged",
                      id));
    if (rows.empty())
      return Error(StatusCode::kNotFound, "CONTACT_UNKNOWN", "there is no such request");
    return FromRow(rows[0]);
  });
}

Result<std::vector<ContactRequest>> SqlContactStore::List(const Context& ctx,
                                                          const std::string& issuer,
                                                          const std::string& subject,
                                                          const std::string& before, int limit) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<ContactRequest>> {
    GF_ASSIGN(
        auto rows,
        tx.Exec("SELECT id, CASE WHEN answer_logged THEN state ELSE 'waiting' END, created, "
                "dataset, terms, message, reply_to, account, issuer, subject, name, organisation, "
                "CASE WHEN answer_logged THEN reply ELSE '' END, "
                "CASE WHEN answer_logged THEN answered END FROM contact_requests "
                "WHERE ($1 = '' OR (issuer = $1 AND subject = $2)) AND ($3 = '' OR id < $3) AND "
                "logged ORDER BY id DESC LIMIT $4",
                issuer, subject, before, limit));
    std::vector<ContactRequest> contacts;
    for (sql::Row row : rows) contacts.push_back(FromRow(row));
    return contacts;
  });
}

Result<ContactRequest> SqlContactStore::ClaimAnswer(const Context& ctx,
                                                    const ContactRequest& answered) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<ContactRequest> {
    GF_TRY(
        tx.Exec("UPDATE contact_requests SET state = $2, reply = $3, answered = $4 "
                "WHERE id = $1 AND state = 'waiting'",
                answered.id, StateName(answered.state), answered.reply, *answered.answered));
    GF_ASSIGN(auto rows,
              tx.Exec("SELECT id, state, created, dataset, terms, message, reply_to, account, "
                      "issuer, subject, name, organisation, reply, answered FROM contact_requests "
                      "WHERE id = $1 AND NOT answer_logged",
                      answered.id));
    if (!rows.empty()) return FromRow(rows[0]);
    return Error(StatusCode::kFailedPrecondition, "CONTACT_ANSWERED",
                 "this request was answered already");
  });
}

Status SqlContactStore::ConfirmAnswer(const Context& ctx, const std::string& id) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    return tx
        .Exec(
            "UPDATE contact_requests SET answer_logged = true WHERE id = $1 AND state <> 'waiting'",
            id)
        .status();
  });
}

}  // namespace genofed::discovery
