// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/core/clock.h"

namespace genofed::clinical {

// A calendar date whose month or day may be unknown, as FHIR's `date` has it.
struct PartialDate {
  int year = 0;
  unsigned month = 0;  // 0: not known, and then neither is the day
  unsigned day = 0;

  std::string ToString() const;  // "2001", "2001-04", "2001-04-03"
  // Whether `this` may be the same day as `other`, and says no more than it.
  bool Contains(const PartialDate& other) const;
  bool operator==(const PartialDate&) const = default;
};

// None unless the parts are a day of the calendar (month and day may be 0).
std::optional<PartialDate> MakeDate(int year, unsigned month, unsigned day);
// "2001", "2001-04" or "2001-04-03": ISO 8601, nothing else.
std::optional<PartialDate> ParseIsoDate(std::string_view text);
// As ParseIsoDate, or such a date with a time ("T" or a blank between them). The date is taken as written: an offset
// must not move a birthday.
std::optional<PartialDate> ParseIsoDateTime(std::string_view text);
// By a pattern of YYYY, MM, DD and separators, such as "DD.MM.YYYY"; leading zeros may be missing.
std::optional<PartialDate> ParseDateAs(std::string_view text, std::string_view pattern);
bool IsDatePattern(std::string_view pattern);
// Digits with separators in an order that cannot be known: 03/04/2001, 3.4.01.
bool LooksLikeOtherDate(std::string_view text);

// "" when a person may have been born then; else DATE_IN_FUTURE or DATE_IMPLAUSIBLE (more than 130 years ago).
std::string_view WrongBirthDate(const PartialDate& date, Time now);
// The first instant of the date, UTC; of what is not known the earliest.
Time FirstInstant(const PartialDate& date);
// When somebody of this age in years, born then, may come of it first.
Time ReachesAge(const PartialDate& born, int years);
// Whether the whole of `date` lies after the day of `now`; one day is left for time zones.
bool InFuture(const PartialDate& date, Time now);

}  // namespace genofed::clinical
