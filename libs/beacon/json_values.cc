// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/json_values.h"

#include "libs/core/strings.h"

namespace genofed::beacon {

using nlohmann::json;

Status WrongField(std::string_view field, std::string_view what) {
  return InvalidField(field, "FIELD_INVALID", "{}", what);
}

bool IsBlank(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

Result<std::int64_t> IntegerOf(const json& value, std::string_view field) {
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return WrongField(field, "is out of range");
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_string()) {
    if (auto parsed = ParseInt(Trim(value.get_ref<const std::string&>())); parsed.ok()) return *parsed;
  }
  return WrongField(field, "must be an integer");
}

Result<std::string> TextValue(const json& value, std::string_view field, std::size_t max) {
  if (!value.is_string()) return WrongField(field, "must be a string");
  if (value.get_ref<const std::string&>().size() > max) return WrongField(field, "is too long");
  return value.get<std::string>();
}

const json* Member(const json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(std::string(name));
  return found == object.end() ? nullptr : &*found;
}

}  // namespace genofed::beacon
