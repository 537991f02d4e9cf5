// SPDX-License-Identifier: Apache-2.0
//
// Structured logs: one JSON object a line on standard error, with a fixed event name and fields.
// Never log genotypes, coordinates, phenotypes, sample or person identifiers, tokens, or free text
// of users.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "libs/core/context.h"

namespace genofed::obs {

enum class Level { kDebug, kInfo, kWarn, kError };

struct Field {
  template <typename T>
  Field(std::string_view field_key, const T& field_value) : key(field_key) {
    if constexpr (std::is_same_v<T, bool>) {
      value = field_value;
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<std::int64_t>(field_value);
    } else if constexpr (std::is_floating_point_v<T>) {
      value = static_cast<double>(field_value);
    } else {
      value = std::string(field_value);
    }
  }
  std::string_view key;
  std::variant<bool, std::int64_t, double, std::string> value;
};

// Names the process in every line. Call once at start; the level may change later.
void ConfigureLog(std::string_view site, std::string_view process);
// "debug", "info", "warn" or "error"; anything else is InvalidArgument.
Status SetLogLevel(std::string_view level);

// `event` is a constant such as "grant.withdrawn".
void Log(const Context& ctx, Level level, std::string_view event,
         std::initializer_list<Field> fields = {});

// A principal in logs: stable within one process run, meaningless outside it.
std::string PrincipalTag(const Principal& principal);

}  // namespace genofed::obs

#define GF_LOG_LEVEL_debug ::genofed::obs::Level::kDebug
#define GF_LOG_LEVEL_info ::genofed::obs::Level::kInfo
#define GF_LOG_LEVEL_warn ::genofed::obs::Level::kWarn
#define GF_LOG_LEVEL_error ::genofed::obs::Level::kError
// GF_LOG(ctx, info, "grant.withdrawn", {"grant", id}, {"reason", reason});
#define GF_LOG(ctx, level, event, ...) \
  ::genofed::obs::Log(ctx, GF_LOG_LEVEL_##level, event, {__VA_ARGS__})
