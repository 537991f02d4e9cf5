// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/ledger.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

struct MyPermissions {
  PermissionSet permissions;
  std::vector<Change> history;        // newest first, at most 1000
  std::vector<std::string> datasets;  // in which the person has a row
};

struct MyAccess {
  bool used = false;
  ledger::Entry entry;
  std::int64_t ledger_index = 0;
  std::string receipt;  // empty: the person has no slot in this dataset version
};

struct MyAccesses {
  std::vector<MyAccess> accesses;
  std::string next_page_token;
};

// What a person sees and decides. The person is named by the identifier that the access token
// vouches for; somebody this node does not know gets empty answers.
class MyConsent {
 public:
  MyConsent(Store& store, Ledger& ledger, const Pseudonyms& pseudonyms, const Clock& clock,
            Random& random)
      : store_(store), ledger_(ledger), pseudonyms_(pseudonyms), clock_(clock), random_(random) {}

  Result<MyPermissions> Get(const Context& ctx, const std::string& person);

  struct Changed {
    std::int64_t epoch = 0;
    std::int64_t ledger_index = 0;
  };
  // Replaces the person's permissions everywhere at this node, logs it and begins a new epoch, all
  // at once. Setting what is set already changes nothing and returns the entry of the first time.
  Result<Changed> Set(const Context& ctx, const std::string& person, PermissionSet permissions);

  // Every run, access of a smart layer and release of results at this node, for persons who were ever part of one of its
  // datasets or left out of it; newest first.
  Result<MyAccesses> Accesses(const Context& ctx, const std::string& person, int page_size,
                              const std::string& page_token);

 private:
  Result<std::optional<Subject>> Find(Transaction& tx, const std::string& person) const;
  Result<Subject> FindOrAdd(Transaction& tx, const std::string& person);
  Result<std::int64_t> Log(Transaction& tx, const std::string& person, PermissionSet permissions,
                           std::int64_t epoch);

  Store& store_;
  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Clock& clock_;
  Random& random_;
  SnapshotTrees trees_;
};

}  // namespace genofed::consent
