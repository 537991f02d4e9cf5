// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/crypto/strict_json.h"

namespace genofed::qc {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kFormat = "genofed-quality-policy";
constexpr std::array kActions = {"off", "note", "warning", "error"};

struct RuleMember {
  const char* name;
  Rule Policy::*rule;
  bool has_min;
  bool has_max;
};
constexpr RuleMember kRules[] = {
    {"call_rate", &Policy::call_rate, true, false},
    {"titv", &Policy::titv, true, true},
    {"het_hom", &Policy::het_hom, true, true},
    {"outlier", &Policy::outlier, false, true},
    {"contamination", &Policy::contamination, false, true},
    {"sex_mismatch", &Policy::sex_mismatch, false, false},
    {"sex_undetermined", &Policy::sex_undetermined, false, false},
    {"duplicate", &Policy::duplicate, false, false},
    {"earlier_duplicate", &Policy::earlier_duplicate, false, false},
    {"related", &Policy::related, false, false},
    {"cohort_sites", &Policy::cohort_sites, true, false},
    {"cohort_call_rate", &Policy::cohort_call_rate, true, false},
    {"cohort_titv", &Policy::cohort_titv, true, true},
    {"cohort_hwe", &Policy::cohort_hwe, false, true},
};

struct NumberMember {
  const char* name;
  double Policy::*number;
};
constexpr NumberMember kSex[] = {
    {"male_max_x_het", &Policy::male_max_x_het},
    {"female_min_x_het", &Policy::female_min_x_het},
    {"female_max_y_call_rate", &Policy::female_max_y_call_rate},
    {"male_min_y_call_rate", &Policy::male_min_y_call_rate},
};
constexpr NumberMember kJudgeFrom[] = {
    {"sites", &Policy::judge_sites},
    {"snvs", &Policy::judge_snvs},
    {"het_hom_snvs", &Policy::judge_het_hom_snvs},
    {"x_variants", &Policy::judge_x_variants},
    {"y_sites", &Policy::judge_y_sites},
    {"people", &Policy::judge_people},
    {"homs_with_depth", &Policy::judge_homs},
    {"compared_sites", &Policy::judge_compared_sites},
    {"compared_megabases", &Policy::judge_megabases},
};

Status Invalid(const std::string& path, std::string_view what) {
  return InvalidField(path, "POLICY_INVALID", "{}", what);
}

Status ReadNumber(const json& value, const std::string& path, double& out) {
  if (!value.is_number() || value.get<double>() < 0) {
    return Invalid(path, "must be a number, 0 or more");
  }
  out = value.get<double>();
  return absl::OkStatus();
}

Status ReadRule(const json& value, const std::string& path, const RuleMember& member, Rule& rule) {
  if (!value.is_object()) return Invalid(path, "must be an object");
  rule = {};
  for (const auto& [name, field] : value.items()) {
    const std::string at = path + "." + name;
    if (name == "action") {
      const auto action = std::find(kActions.begin(), kActions.end(),
                                    field.is_string() ? field.get<std::string>() : "");
      if (action == kActions.end()) return Invalid(at, "must be off, note, warning or error");
      rule.action = static_cast<Action>(action - kActions.begin());
    } else if (name == "min" && member.has_min) {
      GF_TRY(ReadNumber(field, at, rule.min.emplace()));
    } else if (name == "max" && member.has_max) {
      GF_TRY(ReadNumber(field, at, rule.max.emplace()));
    } else {
      return Invalid(at, "this rule has no such member");
    }
  }
  if (!value.contains("action")) return Invalid(path + ".action", "is missing");
  if (rule.action != Action::kOff && (member.has_min || member.has_max) && !rule.min && !rule.max) {
    return Invalid(path, "needs a bound");
  }
  if (rule.min && rule.max && *rule.min > *rule.max) return Invalid(path, "min is above max");
  return absl::OkStatus();
}

// Reads the members of the object `value` by a table of them. `read(entry, value, path)`.
template <typename Table, typename Read>
Status ReadMembers(const json& value, const std::string& path, const Table& table, Read read) {
  if (!value.is_object()) return Invalid(path, "must be an object");
  for (const auto& [name, field] : value.items()) {
    const auto entry = std::find_if(std::begin(table), std::end(table),
                                    [&](const auto& member) { return name == member.name; });
    if (entry == std::end(table)) return Invalid(path + "." + name, "no such member");
    GF_TRY(read(*entry, field, path + "." + name));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view ActionName(Action action) { return kActions[static_cast<std::size_t>(action)]; }

Severity SeverityOf(Action action) {
  GF_CHECK(action != Action::kOff);
  return action == Action::kNote      ? Severity::kNote
         : action == Action::kWarning ? Severity::kWarning
                                      : Severity::kError;
}

Result<Policy> ParsePolicy(std::string_view text) {
  GF_ASSIGN(const json document, crypto::ParseStrictJson(text));
  if (!document.is_object()) return Invalid("policy", "must be an object");
  Policy policy;
  const auto number = [&](const NumberMember& member, const json& value, const std::string& path) {
    return ReadNumber(value, path, policy.*member.number);
  };
  if (document.value("format", json()) != kFormat) {
    return Invalid("format", std::string("must be ") + kFormat);
  }
  if (document.value("format_version", json()) != 1) return Invalid("format_version", "must be 1");
  for (const auto& [name, value] : document.items()) {
    if (name == "name") {
      if (!value.is_string() || value.get_ref<const std::string&>().size() > 200) {
        return Invalid("name", "must be a text of at most 200 bytes");
      }
      policy.name = value.get<std::string>();
    } else if (name == "rules") {
      GF_TRY(ReadMembers(value, name, kRules,
                         [&](const RuleMember& member, const json& field, const std::string& path) {
                           return ReadRule(field, path, member, policy.*member.rule);
                         }));
    } else if (name == "sex") {
      GF_TRY(ReadMembers(value, name, kSex, number));
    } else if (name == "judge_from") {
      GF_TRY(ReadMembers(value, name, kJudgeFrom, number));
    } else if (name != "format" && name != "format_version") {
      return Invalid(name, "no such member");
    }
  }
  if (policy.male_max_x_het >= policy.female_min_x_het) {
    return Invalid("sex.male_max_x_het", "must be below female_min_x_het");
  }
  if (policy.female_max_y_call_rate >= policy.male_min_y_call_rate) {
    return Invalid("sex.female_max_y_call_rate", "must be below male_min_y_call_rate");
  }
  return policy;
}

std::string WritePolicy(const Policy& policy) {
  ordered_json document = {{"format", kFormat}, {"format_version", 1}, {"name", policy.name}};
  for (const RuleMember& member : kRules) {
    const Rule& rule = policy.*member.rule;
    ordered_json& out = document["rules"][member.name];
    out["action"] = ActionName(rule.action);
    if (rule.min) out["min"] = *rule.min;
    if (rule.max) out["max"] = *rule.max;
  }
  for (const NumberMember& member : kSex) document["sex"][member.name] = policy.*member.number;
  for (const NumberMember& member : kJudgeFrom) {
    document["judge_from"][member.name] = policy.*member.number;
  }
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string PolicySha256(const Policy& policy) {
  return HexEncode(crypto::Sha256(WritePolicy(policy)));
}

}  // namespace genofed::qc
