// SPDX-License-Identifier: Apache-2.0
//
// Whether a person's data may be used: the country's policy applied to what was said about the
// person, at the time of the use.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/consent/policy.h"
#include "libs/core/clock.h"

namespace genofed::consent {

// What one record says about a person; silent about what it neither permits nor denies.
struct Statement {
  PermissionSet permits;
  PermissionSet denies;
  std::optional<Time> from;   // in force from here
  std::optional<Time> until;  // and before here
  // Limits of the permission for secondary use: purposes (empty: any), and DUO modifiers that the
  // project must meet (DUO:0000045 not for profit ...).
  std::vector<std::string> purposes = {};
  std::vector<std::string> conditions = {};
  std::string form = {};          // "urn:...|2.1"
  std::string organisation = {};  // of data altruism
  bool by_guardian = false;       // said for a child
  // Wishes, which no permission depends on: see WishesOf.
  std::optional<bool> recontact = {};
  std::optional<bool> incidental_findings = {};

  bool InForce(Time now) const { return (!from || now >= *from) && (!until || now < *until); }

  friend bool operator==(const Statement&, const Statement&) = default;
};

// What is known of a person's life.
struct Circumstances {
  std::optional<Time> adult_at;  // what a guardian permitted lapses; not known: it has
  std::optional<Time> died_at;
  bool erased = false;  // asked to be forgotten: nothing, not even by statute
  // Of what is possible the earliest; `adult_at` follows from it and the policy.
  std::optional<Time> born = {};

  friend bool operator==(const Circumstances&, const Circumstances&) = default;
};

// When somebody comes of age: at the beginning of that birthday, UTC, and of somebody born on 29
// February on 1 March in other years than leap years.
Time ComesOfAge(Time born, int years);

// Everything that counts for one person in one dataset. Once a person has decided, their own
// statement stands in place of the holder's; those of national registries always count.
struct Voices {
  std::vector<Statement> statements;
  Circumstances who;
};

struct Question {
  Permission permission = Permission::kSecondaryUse;
  std::string purpose = {};           // code; empty: not known
  std::vector<std::string> met = {};  // DUO modifiers that the project meets
  Time at{};
  // Some registry has not been heard for too long: nothing but a statute permits.
  bool registry_stale = false;
};

// Why.
enum class Basis {
  kPermitted,    // "permitted": a statement permits it
  kNotObjected,  // "not-objected": nobody refused, and the country opted for opt-out
  kAltruism,     // "altruism"
  kStatute,      // "statute"
  kDenied,       // "denied": some statement refuses it
  kLimited,      // "limited": permitted for other purposes or under conditions not met
  kSilent,       // "silent": nothing that permits is in force
  kLapsed,       // "lapsed": a guardian permitted it; the person is or may be of age and is silent
  kDeceased,     // "deceased"
  kStale,        // "registry-stale"
  kErased,       // "erased"
};
std::string_view BasisName(Basis basis);

struct Decision {
  bool permitted = false;
  Basis basis = Basis::kSilent;
  int rule = -1;  // index in Policy::rules; -1: the opt-in that holds where no rule fits
};

// A denial in force wins over any permission, and a limited permission over an unlimited one. At
// coming of age what a guardian permitted lapses; what a guardian denied stays until the person
// decides.
Decision Decide(const Policy& policy, const Voices& voices, const Question& question);

// What a person wants to hear of, by everything that counts: a no in force wins, what a guardian
// wished lapses at coming of age, and nobody is asked for who died.
struct Wishes {
  bool recontact = false;
  bool incidental_findings = false;
  friend bool operator==(const Wishes&, const Wishes&) = default;
};
Wishes WishesOf(const Voices& voices, Time at);

// Whether any permission for any purpose that the policy names is given.
bool PermitsAnything(const Policy& policy, const Voices& voices, Time at, bool registry_stale);

// The next time after `now` at which an answer may change by itself; none if it never does.
std::optional<Time> NextChange(const Voices& voices, Time now);

}  // namespace genofed::consent
