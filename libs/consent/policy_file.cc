// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/consent/policy.h"
#include "libs/consent/purpose.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::consent {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRules = 100;
constexpr std::size_t kMaxList = 100;
constexpr std::size_t kMaxText = 500;
constexpr std::size_t kMaxId = 64;

template <typename... Args>
Status Invalid(const std::string& member, fmt::format_string<Args...> format, Args&&... args) {
  return InvalidField(member, "CONSENT_POLICY_INVALID", format, std::forward<Args>(args)...);
}

Status CheckMembers(const json& object, const std::string& path, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return Invalid(path, "must be an object");
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Invalid(path.empty() ? name : path + "." + name, "is not known here");
  }
  return absl::OkStatus();
}

Result<std::string> Text(const json& object, const std::string& path, const char* name, bool required,
                         std::size_t max = kMaxText) {
  const auto found = object.find(name);
  const std::string member = path.empty() ? name : path + "." + name;
  if (found == object.end()) {
    if (required) return Invalid(member, "must be given");
    return std::string();
  }
  if (!found->is_string()) return Invalid(member, "must be text");
  auto text = found->get<std::string>();
  if (text.empty() || text.size() > max || !IsUtf8(text) ||
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return Invalid(member, "must be 1 to {} bytes on one line", max);
  }
  return text;
}

Result<std::vector<std::string>> Texts(const json& object, const std::string& path, const char* name) {
  std::vector<std::string> texts;
  const auto found = object.find(name);
  if (found == object.end()) return texts;
  const std::string member = path + "." + name;
  if (!found->is_array() || found->empty() || found->size() > kMaxList)
    return Invalid(member, "must be an array of 1 to {}", kMaxList);
  for (const json& item : *found) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty() ||
        item.get_ref<const std::string&>().size() > kMaxText) {
      return Invalid(fmt::format("{}[{}]", member, texts.size()), "must be text");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<PermissionSet> ReadPermissions(const json& rule, const std::string& path) {
  GF_ASSIGN(const auto names, Texts(rule, path, "permissions"));
  PermissionSet set;
  for (const std::string& name : names) {
    const auto permission = ParsePermission(name);
    if (!permission) return Invalid(path + ".permissions", "may be AF, SLQ and SEC");
    set.Add(*permission);
  }
  if (set.empty()) return Invalid(path + ".permissions", "must be given");
  return set;
}

Result<Model> ReadModel(const json& rule, const std::string& path) {
  GF_ASSIGN(const std::string name, Text(rule, path, "model", true));
  for (const Model model : {Model::kOptIn, Model::kOptOut, Model::kAltruism, Model::kStatute}) {
    if (ModelName(model) == name) return model;
  }
  return Invalid(path + ".model", "must be opt-in, opt-out, altruism or statutory");
}

// What a model needs, and what would mean nothing with it.
Status CheckRule(const Rule& rule, const std::string& path) {
  const bool secondary = rule.permissions.Has(Permission::kSecondaryUse);
  const bool only_secondary = secondary && rule.permissions == PermissionSet::FromBits(4);
  if (!rule.purposes.empty() && !only_secondary) return Invalid(path + ".purposes", "only SEC has purposes");
  if (rule.model == Model::kStatute && (!only_secondary || rule.purposes.empty()))
    return Invalid(path + ".purposes", "a statute opens SEC for listed purposes only");
  if (rule.model == Model::kStatute && rule.legal_basis.empty())
    return Invalid(path + ".legal_basis", "a statute must be named, with its article");
  const bool altruism = rule.model == Model::kAltruism;
  if (altruism != !rule.forms.empty())
    return Invalid(path + ".forms", "altruism lists its consent forms, and nothing else does");
  if (altruism != !rule.organisations.empty())
    return Invalid(path + ".organisations", "altruism lists its registered organisations, and nothing else does");
  return absl::OkStatus();
}

Result<Rule> ReadRule(const json& object, const std::string& path) {
  GF_TRY(CheckMembers(object, path,
                      {"permissions", "purposes", "model", "legal_basis", "forms", "organisations", "comment"}));
  Rule rule;
  GF_ASSIGN(rule.permissions, ReadPermissions(object, path));
  GF_ASSIGN(rule.purposes, Texts(object, path, "purposes"));
  for (const std::string& purpose : rule.purposes) {
    if (!IsPurpose(purpose)) return Invalid(path + ".purposes", "'{}' is no code such as DUO:0000006", purpose);
  }
  GF_ASSIGN(rule.model, ReadModel(object, path));
  GF_ASSIGN(rule.legal_basis, Text(object, path, "legal_basis", false));
  GF_ASSIGN(rule.forms, Texts(object, path, "forms"));
  GF_ASSIGN(rule.organisations, Texts(object, path, "organisations"));
  GF_TRY(CheckRule(rule, path));
  return rule;
}

// A later rule that can never count is a mistake that somebody would rely on.
Status CheckReachable(const std::vector<Rule>& rules) {
  for (std::size_t later = 0; later < rules.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const Rule& above = rules[earlier];
      const Rule& below = rules[later];
      const bool permissions = (below.permissions.bits() & ~above.permissions.bits()) == 0;
      const bool purposes =
          above.purposes.empty() ||
          (!below.purposes.empty() &&
           std::all_of(below.purposes.begin(), below.purposes.end(), [&](const auto& purpose) {
             return std::find(above.purposes.begin(), above.purposes.end(), purpose) != above.purposes.end();
           }));
      if (permissions && purposes) {
        return Invalid(fmt::format("rules[{}]", later), "never counts: rules[{}] comes first and fits all of it",
                       earlier);
      }
    }
  }
  return absl::OkStatus();
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string_view Meaning(Model model) {
  switch (model) {
    case Model::kOptIn:
      return "only people who permitted it";
    case Model::kOptOut:
      return "everybody but those who objected";
    case Model::kAltruism:
      return "only people who permitted it as data altruism";
    case Model::kStatute:
      return "everybody, whatever they said; they see each use with its legal basis";
  }
  return "";
}

}  // namespace

std::string_view ModelName(Model model) {
  switch (model) {
    case Model::kOptIn:
      return "opt-in";
    case Model::kOptOut:
      return "opt-out";
    case Model::kAltruism:
      return "altruism";
    case Model::kStatute:
      return "statutory";
  }
  return "";
}

int Policy::Find(Permission permission, std::string_view purpose) const {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const Rule& rule = rules[i];
    if (!rule.permissions.Has(permission)) continue;
    if (rule.purposes.empty() ||
        std::find(rule.purposes.begin(), rule.purposes.end(), purpose) != rule.purposes.end()) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

Result<Policy> ParsePolicy(std::string_view text) {
  if (text.size() > kMaxPolicyBytes) return Invalid("", "a policy has at most {} bytes", kMaxPolicyBytes);
  // Names must not occur twice: readers disagree about what that means.
  bool twice = false;
  std::vector<std::vector<std::string>> open;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == json::parse_event_t::key && !open.empty()) {
      auto name = parsed.get<std::string>();
      twice |= std::find(open.back().begin(), open.back().end(), name) != open.back().end();
      open.back().push_back(std::move(name));
    }
    return true;
  };
  const json file = json::parse(text, watch, false, true);
  if (file.is_discarded()) return Invalid("", "is no JSON");
  if (twice) return Invalid("", "names a member twice");
  GF_TRY(CheckMembers(
      file, "",
      {"policy", "country", "rules", "use_after_death", "running_tasks", "adult_age", "comment"}));
  Policy policy;
  GF_ASSIGN(policy.id, Text(file, "", "policy", true, kMaxId));
  GF_ASSIGN(policy.country, Text(file, "", "country", true));
  if (policy.country.size() != 2 ||
      !std::all_of(policy.country.begin(), policy.country.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return Invalid("country", "must be two capital letters (ISO 3166-1)");
  }
  const auto rules = file.find("rules");
  if (rules == file.end() || !rules->is_array() || rules->size() > kMaxRules)
    return Invalid("rules", "must be an array of at most {}", kMaxRules);
  for (const json& item : *rules) {
    GF_ASSIGN(Rule rule, ReadRule(item, fmt::format("rules[{}]", policy.rules.size())));
    policy.rules.push_back(std::move(rule));
  }
  GF_TRY(CheckReachable(policy.rules));
  if (const auto after = file.find("use_after_death"); after != file.end()) {
    if (!after->is_boolean()) return Invalid("use_after_death", "must be true or false");
    policy.use_after_death = after->get<bool>();
  }
  GF_ASSIGN(const std::string running, Text(file, "", "running_tasks", false));
  if (!running.empty() && running != "cancel" && running != "finish")
    return Invalid("running_tasks", "must be cancel or finish");
  policy.running_tasks = running == "finish" ? Policy::RunningTasks::kFinish : Policy::RunningTasks::kCancel;
  if (const auto age = file.find("adult_age"); age != file.end()) {
    if (!age->is_number_integer() || *age < kLowestAdultAge || *age > kHighestAdultAge)
      return Invalid("adult_age", "must be {} to {} years", kLowestAdultAge, kHighestAdultAge);
    policy.adult_age = age->get<int>();
  }
  policy.sha256 = HexEncode(crypto::Sha256(text));
  return policy;
}

std::string Explain(const Policy& policy) {
  std::string text = policy.country.empty() ? fmt::format("policy {}\n", policy.id)
                                            : fmt::format("policy {} of {}\n", policy.id, policy.country);
  for (std::size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    text += fmt::format("{}. {}{}: {} - {}\n", i + 1, rule.permissions.Names(),
                        rule.purposes.empty() ? "" : " for " + Join(rule.purposes), ModelName(rule.model),
                        Meaning(rule.model));
    if (!rule.forms.empty()) {
      text += fmt::format("   by form {} of {}\n", Join(rule.forms), Join(rule.organisations));
    }
    if (!rule.legal_basis.empty()) text += fmt::format("   legal basis: {}\n", rule.legal_basis);
  }
  text += fmt::format("{}. everything else: opt-in - {}\n", policy.rules.size() + 1, Meaning(Model::kOptIn));
  text += "A refusal wins over any permission but a statute; what has expired says nothing.\n";
  text += fmt::format("What a guardian permitted lapses at {} years.\n", policy.adult_age);
  text += policy.use_after_death ? "What people decided holds after their death.\n"
                                 : "After death nothing is used but by statute.\n";
  text += policy.running_tasks == Policy::RunningTasks::kCancel
              ? "When somebody withdraws, analyses that run with their data are ended and begun "
                "again without them.\n"
              : "When somebody withdraws, analyses that run with their data are finished.\n";
  return text;
}

}  // namespace genofed::consent
