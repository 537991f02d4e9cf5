// SPDX-License-Identifier: Apache-2.0
//
// What changes people's consents, in the ledger and in their own histories.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// What a statement is committed to as: everything in it, so that no two of them have the same
// words.
std::string WordsOf(const Statement& says);

// What somebody else than the person now says of them.
struct Told {
  std::int64_t subject = 0;
  PermissionSet permits;
  bool refuses = false;  // and permits nothing
  std::string words;
  std::string registry = {};  // whose word it is; empty: a holder's
};

// Logs what was told, in the transaction that begins the epoch: `consent-withdraw` of whom somebody
// refuses, else `consent-set`, each for up to ledger::kMaxGroup people (libs/ledger/group.h), with
// these fields in clear. One of each person at most.
Status LogTold(Transaction& tx, Ledger& ledger, Random& random, Time now, std::int64_t epoch,
               const std::map<std::string, std::string>& fields, std::vector<Told> told);

// The payload of a person's commitment in a group.
std::string PayloadOf(const std::string& blinded, const std::string& words);

}  // namespace genofed::consent
