// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <set>

#include "services/onboarding/domain/inclusion.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRules = 50;

Status Wrong(const std::string& field, std::string_view why) {
  return InvalidField(field, "POLICY_INVALID", "{}", why);
}

Result<InclusionFact> ParseFact(const std::string& field, const std::string& name) {
  static const std::map<std::string, InclusionFact> kFacts = {{"declared", InclusionFact::kDeclared},
                                                              {"format", InclusionFact::kFormat},
                                                              {"consent", InclusionFact::kConsent},
                                                              {"quality", InclusionFact::kQuality},
                                                              {"quarantine", InclusionFact::kQuarantine}};
  auto found = kFacts.find(name);
  if (found == kFacts.end()) return Wrong(field, "must be declared, format, consent, quality or quarantine");
  return found->second;
}

Result<InclusionRule> ParseRule(const std::string& field, const json& in) {
  if (!in.is_object()) return Wrong(field, "must be an object");
  InclusionRule rule;
  std::string fact;
  for (const auto& [name, value] : in.items()) {
    const std::string at = field + "." + name;
    if (name == "required" && value.is_boolean()) rule.required = value.get<bool>();
    else if (name == "limit" && value.is_number()) rule.limit = value.get<double>();
    else if (name == "id" && value.is_string()) rule.id = value.get<std::string>();
    else if (name == "title" && value.is_string()) rule.title = value.get<std::string>();
    else if (name == "fact" && value.is_string()) fact = value.get<std::string>();
    else return Wrong(at, "is not known, or of another type");
  }
  if (rule.id.empty() || rule.title.empty()) return Wrong(field, "needs id and title");
  GF_ASSIGN(rule.fact, ParseFact(field + ".fact", fact));
  if (rule.limit < 0 || rule.limit > 1) return Wrong(field + ".limit", "must be from 0 to 1");
  return rule;
}

}  // namespace

Result<InclusionPolicy> ParseInclusionPolicy(std::string_view text) {
  const json in = json::parse(text, nullptr, false);
  if (!in.is_object() || in.size() != 1 || !in.contains("rules") || !in["rules"].is_array() ||
      in["rules"].size() > kMaxRules) {
    return Wrong("rules", "must be the only member, a list of at most 50");
  }
  InclusionPolicy policy;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < in["rules"].size(); ++i) {
    const std::string field = fmt::format("rules[{}]", i);
    GF_ASSIGN(InclusionRule rule, ParseRule(field, in["rules"][i]));
    if (!seen.insert(rule.id).second) return Wrong(field + ".id", "comes twice");
    policy.rules.push_back(std::move(rule));
  }
  return policy;
}

}  // namespace genofed::onboarding
