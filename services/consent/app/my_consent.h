// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"
#include "services/consent/domain/pseudonyms.h"

namespace genofed::consent {

// What follows from everything that was said, for one kind of use.
struct MyDecision {
  Use use;
  Decision decision;
  std::string legal_basis;  // of the policy's rule
};

struct MyChange : Change {
  std::string receipt = {};  // empty: not logged, or older than what receipts are made of
};

struct MyPermissions {
  PermissionSet permissions;  // said by the person, or until then by any holder
  std::vector<SourcedStatement> statements;
  Circumstances who;
  // For each permission, and for each purpose that the policy names. Of several datasets, the one that permits.
  std::vector<MyDecision> decisions;
  std::string policy;                 // its name
  std::vector<MyChange> history;      // newest first, at most 1000; the newest 100 with receipts
  std::vector<std::string> datasets;  // in which the person has a row
};

struct MyAccess {
  bool used = false;
  ledger::Entry entry;
  std::string entry_bytes;
  std::int64_t ledger_index = 0;
  std::string receipt = {};  // empty: the person came after it
  std::string tlog_proof = {};
  // Of the cohort's snapshot: the code of the purpose, and the rule by which people were in it.
  std::string purpose_code = {};
  std::string model = {};
  std::string legal_basis = {};
  bool released = false;  // of a run: results of it left the node
  std::vector<std::string> conditions = {};  // that the country accepted as met by the project
};

// In words: "Used: Heart of University, for DUO:0000006 ..."
std::string OutcomeOf(const MyAccess& access);
std::string SentenceOf(const MyAccess& access);

// A dataset version with a row of the person, and the kinds of files that hold its people.
struct MyHolding {
  DatasetVersion dataset;
  std::set<std::string> kinds;  // "genotypes", "phenotypes" ...
};

struct MyAccesses {
  std::vector<MyAccess> accesses;
  std::string next_page_token;
};

// What a person sees and decides. The person is named by the identifier that the access token
// vouches for; somebody this node does not know gets empty answers.
class MyConsent {
 public:
  MyConsent(Store& store, Ledger& ledger, const Pseudonyms& pseudonyms, Rules rules, Random& random)
      : store_(store), ledger_(ledger), pseudonyms_(pseudonyms), rules_(rules), random_(random) {}

  Result<MyPermissions> Get(const Context& ctx, const std::string& person);

  struct Changed {
    std::int64_t epoch = 0;
    std::int64_t ledger_index = 0;
  };
  // Replaces the person's permissions everywhere at this node, logs it and begins a new epoch, all
  // at once. Setting what is set already changes nothing and returns the entry of the first time.
  Result<Changed> Set(const Context& ctx, const std::string& person, PermissionSet permissions) {
    return Set(ctx, person, Statement{permissions, {}, {}, {}});
  }
  // With limits, wishes and a period. What the statement does not permit it refuses, and everything
  // outside of the period. Errors: CHOICE_INVALID.
  Result<Changed> Set(const Context& ctx, const std::string& person, Statement choice);

  // Every run and access of a smart layer at this node, for persons who were ever part of one of
  // its datasets or left out of it; newest first.
  Result<MyAccesses> Accesses(const Context& ctx, const std::string& person, int page_size,
                              const std::string& page_token);

  // What the node stores of this person, as far as this service knows it: oldest version first.
  Result<std::vector<MyHolding>> Holdings(const Context& ctx, const std::string& person);
  // Every opening of a commitment about this person.
  Result<std::vector<Opening>> Openings(const Context& ctx, const std::string& person);
  // Notices that concern this person, newest first: those of datasets with a row of theirs, and
  // those to everybody.
  Result<std::vector<NoticeRow>> Notices(const Context& ctx, const std::string& person);

  // Forgets the person: everything that was said, its history, what opens commitments, the secret. Slots and snapshots
  // stay, so that other people's proofs hold; logged as `erase`, which names nobody. Returns the entry's index.
  // NotFound PERSON_UNKNOWN.
  Result<std::int64_t> Forget(const Context& ctx, const std::string& person);
  // Where people who were forgotten have rows, for whoever stores more about those; of at most kForgottenPage people
  // behind what an earlier call said.
  static constexpr int kForgottenPage = 200;
  Result<ForgottenRows> Forgotten(const Context& ctx, std::int64_t after);

 private:
  Result<std::optional<Subject>> Find(Transaction& tx, const std::string& person) const;
  Result<Subject> FindOrAdd(Transaction& tx, const std::string& person);
  Result<std::int64_t> Log(Transaction& tx, const std::string& person, const Statement& choice, std::int64_t epoch);
  // What erasing the person needs, of the snapshots that were logged after `after`, which then is the last of them.
  Status KeepLeaves(Transaction& tx, Erasure& erasure, std::int64_t& after) const;
  Result<std::vector<MyDecision>> Decisions(Transaction& tx, const MyPermissions& mine) const;

  Store& store_;
  Ledger& ledger_;
  const Pseudonyms& pseudonyms_;
  const Rules rules_;
  Random& random_;
  SnapshotShelf snapshots_;
};

}  // namespace genofed::consent
