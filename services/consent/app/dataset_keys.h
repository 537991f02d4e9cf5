// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/auth/approval.h"
#include "libs/auth/trust_source.h"
#include "libs/core/random.h"
#include "libs/crypt4gh/edit_list.h"
#include "libs/crypt4gh/key.h"
#include "services/consent/app/denials.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"

namespace genofed::consent {

struct ReleaseRequest {
  std::int64_t ledger_index = 0;
  std::string recipient;  // X25519 public key, 32 bytes
  std::vector<std::string> objects;
  std::string approval;            // token
  std::string application;         // empty: taken from the entry
  std::string researcher_subject;  // whom the token must be for
};

struct Released {
  std::vector<std::string> headers;  // in the order of the objects
  std::int64_t epoch = 0;
};

// The dataset key, which never leaves this class, and the headers it opens. Thread-safe.
class DatasetKeys {
 public:
  static constexpr std::size_t kMaxObjects = 100;
  // How long after its run entry a release may happen.
  static constexpr std::chrono::hours kEntryLifetime{24};

  struct Site {
    std::string audience;  // "urn:genofed:site:fi"
    std::string country;
  };

  DatasetKeys(crypt4gh::SecretKey key, Site site, Store& store, Ledger& ledger,
              GrantChecker& grants, const auth::TrustSource& trust, Rules rules, Random& random);

  const std::string& public_key() const { return key_.public_key().raw(); }

  // Keeps a header that this key opens. The same bytes again are fine. Errors: OBJECT_INVALID,
  // DATASET_INVALID, HEADER_EXISTS, and those of crypt4gh::OpenHeader.
  Status StoreHeader(const Context& ctx, const HeaderRow& header);

  // Within a transaction, for whoever has judged that it may be: the header of an object for
  // `recipient`, with an edit list if it is not empty. The same question gives the same bytes, so
  // that a download can be resumed. `reader` is who asks; no two share a writer's key. Errors:
  // OBJECT_UNKNOWN, RECIPIENT_INVALID, those of crypt4gh::Reencrypt.
  Result<std::string> HeaderFor(const HeaderRow& header, const std::string& recipient,
                                const std::string& reader,
                                const crypt4gh::EditList& edit_list) const;
  // Logs, once for the same key, that `headers` headers left.
  Status LogRelease(Transaction& tx, const std::string& key, std::int64_t headers,
                    const std::map<std::string, std::string>& fields);

  // Re-encrypts headers to the recipient, after everything was checked once more: the run entry,
  // its dataset version, the approval token, its grant, and that nobody in the entry's snapshot has
  // withdrawn, nor anybody in it by a condition that the token does not accept. Logged (once for
  // the same entry, recipient and objects) before it returns; so is a refusal. Errors:
  // OBJECTS_INVALID, RECIPIENT_INVALID, RUN_ENTRY_UNKNOWN, RUN_ENTRY_EXPIRED, APPLICATION_MISMATCH,
  // OBJECT_UNKNOWN, OBJECT_OUTSIDE_RUN, APPROVAL_REFUSED, APPROVAL_ENDED, COHORT_CHANGED,
  // Unavailable.
  Result<Released> Release(const Context& ctx, const ReleaseRequest& request);

  // The header of an object for a key of the caller's, who writes the object anew without forgotten
  // people; logged before it returns. Errors: OBJECT_UNKNOWN, NOBODY_FORGOTTEN, RECIPIENT_INVALID.
  Result<std::string> ReleaseForErasure(const Context& ctx, const std::string& object,
                                        const std::string& recipient);

  // Destroys every header of a dataset, or of these objects of it, for good, and logs it. Returns
  // how many; 0 when repeated.
  Result<std::int32_t> Destroy(const Context& ctx, const std::string& dataset,
                               const std::vector<std::string>& objects = {});

 private:
  struct Run {
    ledger::Entry entry;
    DatasetVersion dataset;
    Time appended;  // the time this service took it, not the time it claims
  };
  Result<Run> FindRun(const Context& ctx, Transaction& tx, const ReleaseRequest& request) const;
  Result<Released> ReleaseOf(const Context& ctx, const ReleaseRequest& request, const Run& run);
  void LogRefusal(const Context& ctx, const Run& run, const Status& refused);
  Result<auth::Approval> CheckApproval(const Context& ctx, const ReleaseRequest& request,
                                       const Run& run) const;
  // Whether an object of `version` belongs to the run: its version, or one that goes on to it.
  Result<bool> IsOfRun(Transaction& tx, const DatasetVersion& version, const Run& run) const;
  Result<std::vector<std::string>> Reencrypt(Transaction& tx, const ReleaseRequest& request,
                                             const Run& run) const;
  Status Log(Transaction& tx, const ReleaseRequest& request, const Run& run);

  const crypt4gh::SecretKey key_;
  const Site site_;
  Store& store_;
  Ledger& ledger_;
  GrantChecker& grants_;
  const auth::TrustSource& trust_;
  const Rules rules_;
  Random& random_;
  Denials denials_;
};

}  // namespace genofed::consent
