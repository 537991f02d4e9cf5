// SPDX-License-Identifier: Apache-2.0
//
// What goes into the database: the text of a statement, and the values of its $1, $2, ... parameters.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "libs/core/clock.h"

namespace genofed::sql {

// The text of one statement. It converts from a string literal only (the constructor is consteval), so that
// SQL assembled from input does not compile.
class Sql {
 public:
  consteval Sql(const char* literal) : text_(literal) {}  // NOLINT(google-explicit-constructor)

  // For text that has to name a table chosen by the caller: build it with CheckedIdentifier() only.
  // `text` must live as long as the call that uses the result.
  static Sql Trusted(const std::string& text) { return Sql(text.c_str(), TrustedTag{}); }

  const char* text() const { return text_; }

 private:
  struct TrustedTag {};
  Sql(const char* text, TrustedTag) : text_(text) {}
  const char* text_;
};

// Whether `name` can stand unquoted as a table, schema or role: [a-z_][a-z0-9_]{0,62}.
bool IsIdentifier(std::string_view name);
// `name` itself; ends the process if it is no identifier. Table names come from code, never from input.
const std::string& CheckedIdentifier(const std::string& name);

// A value for a bytea column.
struct Bytes {
  std::string data;
};

using Param = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Bytes>;

// The literal form of a PostgreSQL array, for `= ANY($1)` and `unnest($1::text[])`.
std::string ArrayLiteral(const std::vector<std::string>& values);
std::string ArrayLiteral(const std::vector<std::int64_t>& values);

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};

// The parameter for a value: null, bool, integers, floating point, text, Bytes, Time (timestamptz), an optional
// of these, a vector of strings or int64 (an array). Text must be free of NUL bytes: such a statement is refused.
template <typename T>
Param ToParam(const T& value) {
  if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t>) {
    return nullptr;
  } else if constexpr (std::is_same_v<T, Param> || std::is_same_v<T, bool> || std::is_same_v<T, Bytes>) {
    return value;
  } else if constexpr (IsOptional<T>::value) {
    return value.has_value() ? ToParam(*value) : Param(nullptr);
  } else if constexpr (std::integral<T>) {
    if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t)) {
      // Too large for bigint: sent as text, so that the server refuses it instead of seeing a negative number.
      if (value > static_cast<T>(std::numeric_limits<std::int64_t>::max())) return std::to_string(value);
    }
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::floating_point<T>) {
    return static_cast<double>(value);
  } else if constexpr (std::is_same_v<T, Time>) {
    return FormatRfc3339(value);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>> ||
                       std::is_same_v<T, std::vector<std::int64_t>>) {
    return ArrayLiteral(value);
  } else {
    return std::string(std::string_view(value));
  }
}

}  // namespace genofed::sql
