// SPDX-License-Identifier: Apache-2.0
//
// Values of JSON documents that others wrote. Included by .cc files only: it brings in the JSON library.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::beacon {

// InvalidArgument FIELD_INVALID about one member.
Status WrongField(std::string_view field, std::string_view what);
// Null, "" and [] and {}: forms send them for what was left empty.
bool IsBlank(const nlohmann::json& value);
// An integer, also as a string.
Result<std::int64_t> IntegerOf(const nlohmann::json& value, std::string_view field);
Result<std::string> TextValue(const nlohmann::json& value, std::string_view field, std::size_t max);
// A member of an object, or null: also when this is no object.
const nlohmann::json* Member(const nlohmann::json& object, std::string_view name);

// Visits a string, or each string of a list.
template <typename Visit>
void ForEachText(const nlohmann::json& value, Visit visit) {
  if (value.is_string()) visit(value.get_ref<const std::string&>());
  if (!value.is_array()) return;
  for (const nlohmann::json& one : value) {
    if (one.is_string()) visit(one.get_ref<const std::string&>());
  }
}

}  // namespace genofed::beacon
