// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/statement_terms.h"

#include <nlohmann/json.hpp>

namespace genofed::consent {
namespace {

using nlohmann::json;

Status Broken() { return Error(StatusCode::kDataLoss, "TERMS_BROKEN", "the terms of a stored consent cannot be read"); }

bool Take(const json& value, std::vector<std::string>& out) {
  if (!value.is_array()) return false;
  for (const json& item : value) {
    if (!item.is_string()) return false;
    out.push_back(item.get<std::string>());
  }
  return true;
}

bool Take(const json& value, std::string& out) {
  if (!value.is_string()) return false;
  out = value.get<std::string>();
  return true;
}

template <typename Flag>
bool TakeFlag(const json& value, Flag& out) {
  if (!value.is_boolean()) return false;
  out = value.get<bool>();
  return true;
}

}  // namespace

std::string WriteTerms(const Statement& statement) {
  json terms = json::object();
  if (!statement.purposes.empty()) terms["purposes"] = statement.purposes;
  if (!statement.conditions.empty()) terms["conditions"] = statement.conditions;
  if (!statement.form.empty()) terms["form"] = statement.form;
  if (!statement.organisation.empty()) terms["organisation"] = statement.organisation;
  if (statement.by_guardian) terms["guardian"] = true;
  if (statement.recontact) terms["recontact"] = *statement.recontact;
  if (statement.incidental_findings) terms["incidental"] = *statement.incidental_findings;
  return terms.empty() ? "" : terms.dump(-1, ' ', false, json::error_handler_t::replace);
}

Status ReadTerms(const std::string& text, Statement& statement) {
  if (text.empty()) return absl::OkStatus();
  const json terms = json::parse(text, nullptr, false);
  if (!terms.is_object()) return Broken();
  for (const auto& [name, value] : terms.items()) {
    const bool known = name == "purposes"       ? Take(value, statement.purposes)
                       : name == "conditions"   ? Take(value, statement.conditions)
                       : name == "form"         ? Take(value, statement.form)
                       : name == "organisation" ? Take(value, statement.organisation)
                       : name == "guardian"     ? TakeFlag(value, statement.by_guardian)
                       : name == "recontact"    ? TakeFlag(value, statement.recontact)
                       : name == "incidental"   ? TakeFlag(value, statement.incidental_findings)
                                                : false;
    if (!known) return Broken();
  }
  return absl::OkStatus();
}

}  // namespace genofed::consent
