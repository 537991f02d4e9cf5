// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace genofed::beacon {

// An ISO 8601 duration ("P70Y6M", "P3W", "PT12H") in days, for comparing ages: a year is 365.2425 days and a month a
// twelfth of that, so that P1Y equals P12M. None for anything else, such as "P1Y1".
std::optional<double> DurationDays(std::string_view text);

}  // namespace genofed::beacon
