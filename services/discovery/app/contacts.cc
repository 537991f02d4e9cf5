// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/contacts.h"

#include "libs/auth/account_token.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {
namespace {

constexpr int kMostWaiting = 20;  // of an organisation

}  // namespace

Contacts::Contacts(ContactStore& store, ContactLedger& ledger, const DatasetLookup& datasets,
                   const Clock& clock, Random& random)
    : store_(store), ledger_(ledger), datasets_(datasets), clock_(clock), random_(random) {}

Result<ContactRequest> Contacts::Request(const Context& ctx, ContactRequest contact) {
  const User& user = *ctx.principal().user;
  if (user.organisation.empty())
    return Error(StatusCode::kPermissionDenied, "ORGANISATION_MISSING",
                 "the login does not say for which organisation you ask");
  GF_TRY(Validate(contact));
  GF_ASSIGN(contact.terms, ValidateCase(contact.terms));
  GF_ASSIGN(const bool held, datasets_.Holds(contact.dataset));
  if (!held)
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no dataset {} is listed here",
                 contact.dataset);
  contact.id = NewId("contact-", clock_, random_);
  contact.state = ContactRequest::State::kWaiting;
  contact.created = clock_.Now();
  contact.account = auth::AccountOf(user.issuer, user.subject, user.organisation);
  contact.issuer = user.issuer;
  contact.subject = user.subject;
  contact.name = user.name;
  contact.organisation = user.organisation;
  contact.reply.clear();
  contact.answered.reset();
  GF_TRY(store_.Add(ctx, contact, kMostWaiting));
  GF_TRY(ledger_.Log(ctx, contact, "requested"));
  GF_TRY(store_.Confirm(ctx, contact.id));
  return contact;
}

Result<std::vector<ContactRequest>> Contacts::List(const Context& ctx, const std::string& before,
                                                   int limit) {
  const User& user = *ctx.principal().user;
  if (user.HasRole("holder") || user.HasRole("dac")) return store_.List(ctx, "", "", before, limit);
  return store_.List(ctx, user.issuer, user.subject, before, limit);
}

Result<ContactRequest> Contacts::Answer(const Context& ctx, const std::string& id, bool accept,
                                        const std::string& reply) {
  GF_TRY(ValidateReply(reply));
  GF_ASSIGN(ContactRequest contact, store_.Find(ctx, id));
  const auto wanted = accept ? ContactRequest::State::kAccepted : ContactRequest::State::kDeclined;
  const auto is_this = [&] { return contact.state == wanted && contact.reply == reply; };
  if (contact.state == ContactRequest::State::kWaiting) {
    contact.state = wanted;
    contact.reply = reply;
    contact.answered = clock_.Now();
    // Before the ledger is told, which forgets nothing: what it says must be what counts.
    GF_ASSIGN(contact, store_.ClaimAnswer(ctx, contact));
    GF_TRY(ledger_.Log(ctx, contact, StateName(contact.state)));
    GF_TRY(store_.ConfirmAnswer(ctx, id));
  }
  if (is_this()) return contact;
  return Error(StatusCode::kFailedPrecondition, "CONTACT_ANSWERED",
               "this request was answered already");
}

}  // namespace genofed::discovery
