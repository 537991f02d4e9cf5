// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/scope.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "libs/core/strings.h"

namespace genofed::fhir {
namespace {

struct Scope {
  std::string_view type;         // "Patient" or "*"
  std::string_view permissions;  // of version 2: letters of "cruds"
};

std::optional<Scope> ParseScope(std::string_view text) {
  constexpr std::string_view kSystem = "system/";
  text = text.substr(0, text.find('?'));
  const std::size_t dot = text.rfind('.');
  if (!text.starts_with(kSystem) || dot == std::string_view::npos) return std::nullopt;
  Scope scope{text.substr(kSystem.size(), dot - kSystem.size()), text.substr(dot + 1)};
  if (scope.permissions == "read") scope.permissions = "rs";
  if (scope.permissions == "write") scope.permissions = "cud";
  if (scope.permissions == "*") scope.permissions = "cruds";
  return scope;
}

}  // namespace

std::string MissingScopes(std::string_view needed, std::string_view granted) {
  std::vector<Scope> given;
  for (const std::string_view text : Split(granted, ' ')) {
    if (const auto scope = ParseScope(text)) given.push_back(*scope);
  }
  std::string missing;
  if (given.empty()) return missing;
  for (const std::string_view text : Split(needed, ' ')) {
    const auto need = ParseScope(text);
    if (!need) continue;
    const bool covered =
        std::all_of(need->permissions.begin(), need->permissions.end(), [&](char permission) {
          return std::any_of(given.begin(), given.end(), [&](const Scope& scope) {
            return (scope.type == "*" || scope.type == need->type) &&
                   scope.permissions.find(permission) != std::string_view::npos;
          });
        });
    if (!covered) missing.append(missing.empty() ? "" : " ").append(text);
  }
  return missing;
}

}  // namespace genofed::fhir
