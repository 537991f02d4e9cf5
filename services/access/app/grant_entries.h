// SPDX-License-Identifier: Apache-2.0
//
// What the ledger says of a country's decisions. Of each dataset: that a project was approved, that
// its agreement is signed (from then on data may be used), and that the approval was taken back, as
// entries of kind "grant"; and that it was vetoed, as one of kind "denied". They name no version: a
// decision is about a dataset, whatever version of it is listed when it is used. The committee's
// reason is left out, as it may say something about a person.
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "libs/ledger/entry.h"
#include "services/access/domain/grant.h"

namespace genofed::access {

struct GrantEntry {
  std::string key;  // of the ledger: the same event has the same one
  ledger::Entry entry;
  // What opens the commitment "researcher"; kept where it can be erased.
  std::string researcher_key;
  std::string researcher;
};

// What a change of a grant adds to the ledger; nothing unless something was decided, or the
// agreement came.
std::vector<GrantEntry> EntriesOf(const Grant& before, const Grant& after, Time now,
                                  Random& random);
// The application was revoked at the site, while the country approves it; nothing when it does not.
std::vector<GrantEntry> EntriesOfRevocation(const Grant& grant, Time at, Random& random);

}  // namespace genofed::access
