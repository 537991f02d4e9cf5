// SPDX-License-Identifier: Apache-2.0
#include "libs/consent/decide.h"

#include <algorithm>

#include "libs/consent/purpose.h"

namespace genofed::consent {
namespace {

template <typename List>
bool Contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// Whether a permission for secondary use reaches as far as the question.
bool Reaches(const Statement& statement, const Question& question) {
  if (question.permission != Permission::kSecondaryUse) return true;
  const bool covered = statement.purposes.empty() ||
                       std::any_of(statement.purposes.begin(), statement.purposes.end(),
                                   [&](const std::string& code) { return Covers(code, question.purpose); });
  return covered && std::all_of(statement.conditions.begin(), statement.conditions.end(),
                                [&](const std::string& code) { return Contains(question.met, code); });
}

// A form is listed with its version, or without for all versions.
bool IsAltruistic(const Statement& statement, const Rule& rule) {
  const std::string_view form = statement.form;
  return !form.empty() && Contains(rule.organisations, statement.organisation) &&
         (Contains(rule.forms, form) || Contains(rule.forms, form.substr(0, form.find('|'))));
}

// What the statements in force say about the permission asked for.
struct Heard {
  bool denied = false;
  bool permitted = false;
  bool limited = false;
  bool lapsed = false;
  bool altruistic = false;
};

Heard Hear(const Rule* rule, const Voices& voices, const Question& question) {
  Heard heard;
  // Of whom nobody knows when they come of age may have.
  const bool adult = !voices.who.adult_at || question.at >= *voices.who.adult_at;
  for (const Statement& statement : voices.statements) {
    if (!statement.InForce(question.at)) continue;
    if (statement.denies.Has(question.permission)) heard.denied = true;
    if (!statement.permits.Has(question.permission)) continue;
    if (statement.by_guardian && adult) {
      heard.lapsed = true;
    } else if (!Reaches(statement, question)) {
      heard.limited = true;
    } else {
      heard.permitted = true;
      if (rule != nullptr && IsAltruistic(statement, *rule)) heard.altruistic = true;
    }
  }
  return heard;
}

}  // namespace

std::string_view BasisName(Basis basis) {
  switch (basis) {
    case Basis::kPermitted:
      return "permitted";
    case Basis::kNotObjected:
      return "not-objected";
    case Basis::kAltruism:
      return "altruism";
    case Basis::kStatute:
      return "statute";
    case Basis::kDenied:
      return "denied";
    case Basis::kLimited:
      return "limited";
    case Basis::kSilent:
      return "silent";
    case Basis::kLapsed:
      return "lapsed";
    case Basis::kDeceased:
      return "deceased";
    case Basis::kStale:
      return "registry-stale";
    case Basis::kErased:
      return "erased";
  }
  return "";
}

Time ComesOfAge(Time born, int years) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(born));
  return Time(std::chrono::sys_days(date + std::chrono::years(years)));  // rolls 29 February over
}

Decision Decide(const Policy& policy, const Voices& voices, const Question& question) {
  const int index = policy.Find(question.permission, question.purpose);
  const Rule* rule = index < 0 ? nullptr : &policy.rules[static_cast<std::size_t>(index)];
  const Model model = rule == nullptr ? Model::kOptIn : rule->model;
  const auto answer = [index](bool permitted, Basis basis) { return Decision{permitted, basis, index}; };
  if (voices.who.erased) return answer(false, Basis::kErased);
  if (model == Model::kStatute) return answer(true, Basis::kStatute);
  if (!policy.use_after_death && voices.who.died_at && question.at >= *voices.who.died_at)
    return answer(false, Basis::kDeceased);
  if (question.registry_stale) return answer(false, Basis::kStale);
  const Heard heard = Hear(rule, voices, question);
  if (heard.denied) return answer(false, Basis::kDenied);
  if (heard.limited) return answer(false, Basis::kLimited);
  if (model == Model::kAltruism && heard.altruistic) return answer(true, Basis::kAltruism);
  if (model != Model::kAltruism && heard.permitted) return answer(true, Basis::kPermitted);
  if (model == Model::kOptOut) return answer(true, Basis::kNotObjected);
  return answer(false, heard.lapsed ? Basis::kLapsed : Basis::kSilent);
}

Wishes WishesOf(const Voices& voices, Time at) {
  if (voices.who.erased || (voices.who.died_at && at >= *voices.who.died_at)) return {};
  const bool adult = !voices.who.adult_at || at >= *voices.who.adult_at;
  std::optional<bool> recontact, incidental_findings;
  const auto hear = [](std::optional<bool>& heard, const std::optional<bool>& said, bool lapsed) {
    if (said && !(*said && lapsed)) heard = *said && heard.value_or(true);
  };
  for (const Statement& statement : voices.statements) {
    if (!statement.InForce(at)) continue;
    const bool lapsed = statement.by_guardian && adult;
    hear(recontact, statement.recontact, lapsed);
    hear(incidental_findings, statement.incidental_findings, lapsed);
  }
  return {recontact.value_or(false), incidental_findings.value_or(false)};
}

bool PermitsAnything(const Policy& policy, const Voices& voices, Time at, bool registry_stale) {
  const auto permits = [&](Permission permission, const std::string& purpose, const std::vector<std::string>& met) {
    return Decide(policy, voices, {permission, purpose, met, at, registry_stale}).permitted;
  };
  // Whatever limits a statement has, some project may keep within them.
  for (const Permission permission : kPermissions) {
    if (permits(permission, "", {})) return true;
    for (const Statement& statement : voices.statements) {
      if (permits(permission, "", statement.conditions)) return true;
      for (const std::string& purpose : statement.purposes) {
        if (permits(permission, purpose, statement.conditions)) return true;
      }
    }
  }
  for (const Rule& rule : policy.rules) {
    for (const Permission permission : kPermissions) {
      if (!rule.permissions.Has(permission)) continue;
      for (const std::string& purpose : rule.purposes) {
        if (permits(permission, purpose, {})) return true;
      }
    }
  }
  return false;
}

std::optional<Time> NextChange(const Voices& voices, Time now) {
  std::optional<Time> next;
  const auto consider = [&](const std::optional<Time>& at) {
    if (at && *at > now && (!next || *at < *next)) next = at;
  };
  for (const Statement& statement : voices.statements) {
    consider(statement.from);
    consider(statement.until);
  }
  consider(voices.who.adult_at);
  consider(voices.who.died_at);
  return next;
}

}  // namespace genofed::consent
