// SPDX-License-Identifier: Apache-2.0
//
// A country's consent policy as data: what silence means, for which permission and purpose.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/consent/permissions.h"
#include "libs/core/status.h"

namespace genofed::consent {

// What a rule makes of a person's words and silence.
enum class Model {
  kOptIn,     // "opt-in": only who permitted it
  kOptOut,    // "opt-out": everybody but who refused it (EHDS Art. 71(1): at any time, reversible)
  kAltruism,  // "altruism": only who permitted it by a listed form of a listed organisation
              // (Regulation (EU) 2022/868, Art. 18 and 25)
  kStatute,   // "statutory": everybody, whatever they said, since the law says so for the listed
              // purposes (EHDS Art. 71(4)); they see it with its legal basis
};
std::string_view ModelName(Model model);

struct Rule {
  PermissionSet permissions;
  std::vector<std::string> purposes;  // codes, matched exactly; empty: whatever the purpose
  Model model = Model::kOptIn;
  std::string legal_basis;  // shown to citizens; a statute must have one
  // Of altruism: consent forms ("urn:...|version" or the URN alone) and registered organisations.
  std::vector<std::string> forms;
  std::vector<std::string> organisations;
};

// Of nearly every Member State.
inline constexpr int kUsualAdultAge = 18;
inline constexpr int kLowestAdultAge = 14, kHighestAdultAge = 21;

struct Policy {
  // What runs when somebody in its cohort withdraws.
  enum class RunningTasks { kCancel, kFinish };

  std::string id = "opt-in";    // names this edition
  std::string country;          // "FI"; empty only for the policy that holds without a file
  std::vector<Rule> rules;      // the first that fits counts; where none fits: opt-in
  bool use_after_death = true;  // false: nothing of people who have died, but by statute
  RunningTasks running_tasks = RunningTasks::kCancel;
  int adult_age = kUsualAdultAge;  // years, at which what a guardian permitted lapses
  std::string sha256;  // hex, of the file's bytes; empty without a file

  // The rule for a permission and purpose (empty: not known). A rule with purposes fits none
  // that is not known. -1: none, opt-in.
  int Find(Permission permission, std::string_view purpose) const;
};

inline constexpr std::size_t kMaxPolicyBytes = 256U << 10;

// Reads a policy file; docs/guides/consent-policy.md says what may stand there. Unknown members
// are refused. Errors: CONSENT_POLICY_INVALID, naming the member.
Result<Policy> ParsePolicy(std::string_view json);

// What the policy does, in sentences, a line each.
std::string Explain(const Policy& policy);

}  // namespace genofed::consent
