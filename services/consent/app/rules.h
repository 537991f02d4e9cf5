// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "libs/consent/condition.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// What makes answers of records: the country's policy, and the time. Borrowed.
struct Rules {
  const Policy& policy;
  const Clock& clock;
};

// What is to be done with a cohort.
struct Use {
  // A permission is a use for no known purpose.
  Use(Permission the_permission, std::string the_purpose = {},  // NOLINT
      std::vector<std::string> conditions = {})
      : permission(the_permission),
        purpose(std::move(the_purpose)),
        met(ConditionSet(std::move(conditions))) {}
  // As a cohort was chosen for before.
  static Use Of(const SnapshotRow& snapshot) {
    return {snapshot.permission, snapshot.purpose, snapshot.met};
  }

  Permission permission;
  std::string purpose;  // code; empty: not known
  // Conditions that the country accepted; sorted. Without a project: none.
  std::vector<std::string> met;
};

inline Question QuestionOf(const Use& use, const EpochState& epoch) {
  return {use.permission, use.purpose, use.met, epoch.at, epoch.registry_stale};
}

// Borrows the rules.
inline JudgePerson JudgeOf(const Rules& rules, const Use& use, const EpochState& epoch) {
  return [&policy = rules.policy, question = QuestionOf(use, epoch)](const Voices& voices) {
    return Decide(policy, voices, question).permitted;
  };
}

// A person's own choice permits in its period, and refuses everything outside of it: nobody is used
// because what they chose has not begun or is over.
inline void AddOwnChoice(const Statement& choice, std::vector<Statement>& said) {
  said.push_back(choice);
  Statement before, after;
  before.denies = after.denies = PermissionSet::All();
  before.until = choice.from;
  after.from = choice.until;
  if (choice.from) said.push_back(std::move(before));
  if (choice.until) said.push_back(std::move(after));
}

// The person's own word replaces those of holders; everything else counts. `dataset` empty: of no dataset.
inline Voices VoicesIn(const std::string& dataset, const std::vector<SourcedStatement>& statements,
                       const Circumstances& who) {
  Voices voices{{}, who};
  bool own = false;
  for (const SourcedStatement& statement : statements) own |= statement.source == Source::kOwn;
  for (const SourcedStatement& statement : statements) {
    if (statement.source == Source::kOwn) {
      AddOwnChoice(statement.says, voices.statements);
      continue;
    }
    const bool replaced = statement.source == Source::kHolder && (own || statement.name != dataset);
    if (!replaced) voices.statements.push_back(statement.says);
  }
  return voices;
}

}  // namespace genofed::consent
