// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/random.h"
#include "services/discovery/domain/case.h"

namespace genofed::discovery {

class ContactStore {
 public:
  virtual ~ContactStore() = default;
  // ResourceExhausted TOO_MANY_REQUESTS when `most` of the account wait already. Nobody sees it
  // before Confirm.
  virtual Status Add(const Context& ctx, const ContactRequest& contact, int most) = 0;
  // It is in the ledger.
  virtual Status Confirm(const Context& ctx, const std::string& id) = 0;
  // NotFound CONTACT_UNKNOWN.
  virtual Result<ContactRequest> Find(const Context& ctx, const std::string& id) = 0;
  // Newest first, older than `before` (an id; empty: from the newest); of one person, or of all
  // when `issuer` is empty.
  virtual Result<std::vector<ContactRequest>> List(const Context& ctx, const std::string& issuer,
                                                   const std::string& subject,
                                                   const std::string& before, int limit) = 0;
  // Keeps an answer, which nobody sees before ConfirmAnswer; or returns the one that was kept
  // before. FailedPrecondition CONTACT_ANSWERED when that was confirmed.
  virtual Result<ContactRequest> ClaimAnswer(const Context& ctx,
                                             const ContactRequest& answered) = 0;
  // It is in the ledger.
  virtual Status ConfirmAnswer(const Context& ctx, const std::string& id) = 0;
};

// The ledger of the site.
class ContactLedger {
 public:
  virtual ~ContactLedger() = default;
  // Durable when it returns; the same request and outcome again changes nothing.
  virtual Status Log(const Context& ctx, const ContactRequest& contact,
                     const std::string& outcome) = 0;
};

// Whether a dataset is there to ask about.
class DatasetLookup {
 public:
  virtual ~DatasetLookup() = default;
  virtual Result<bool> Holds(const std::string& dataset) const = 0;
};

// Requests of clinicians to be put in touch, instead of data. What is asked and answered is in the
// ledger before anybody sees it: dataset, organisation and outcome, never the person or the case.
// Thread-safe.
class Contacts {
 public:
  Contacts(ContactStore& store, ContactLedger& ledger, const DatasetLookup& datasets,
           const Clock& clock, Random& random);

  // Who asks is taken from the context's user. PermissionDenied ORGANISATION_MISSING; NotFound
  // DATASET_UNKNOWN; InvalidArgument; ResourceExhausted TOO_MANY_REQUESTS.
  Result<ContactRequest> Request(const Context& ctx, ContactRequest contact);
  // All for holders and the access committee, the caller's own for everybody else.
  Result<std::vector<ContactRequest>> List(const Context& ctx, const std::string& before,
                                           int limit);
  // The same answer again returns the first. Of several at once one counts, and whoever else
  // answers finishes it if need be: FailedPrecondition CONTACT_ANSWERED.
  Result<ContactRequest> Answer(const Context& ctx, const std::string& id, bool accept,
                                const std::string& reply);

 private:
  ContactStore& store_;
  ContactLedger& ledger_;
  const DatasetLookup& datasets_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace genofed::discovery
