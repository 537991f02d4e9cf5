// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/partial_date.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

namespace genofed::clinical {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits in front of `text`, at most `max` of them, taken off it; -1 when there are fewer than `min`.
int TakeDigits(std::string_view& text, std::size_t min, std::size_t max) {
  std::size_t n = 0;
  int value = 0;
  while (n < max && n < text.size() && IsDigit(text[n])) value = value * 10 + (text[n++] - '0');
  if (n < min) return -1;
  text.remove_prefix(n);
  return value;
}

}  // namespace

std::string PartialDate::ToString() const {
  if (month == 0) return fmt::format("{:04}", year);
  if (day == 0) return fmt::format("{:04}-{:02}", year, month);
  return fmt::format("{:04}-{:02}-{:02}", year, month, day);
}

bool PartialDate::Contains(const PartialDate& other) const {
  return year == other.year && (month == 0 || month == other.month) && (day == 0 || day == other.day);
}

std::optional<PartialDate> MakeDate(int year, unsigned month, unsigned day) {
  if (year < 1 || year > 9999 || month > 12 || (month == 0 && day != 0)) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(std::max(month, 1U)),
                                   std::chrono::day(std::max(day, 1U))};
  if (!date.ok()) return std::nullopt;
  return PartialDate{year, month, day};
}

Time FirstInstant(const PartialDate& date) { return ReachesAge(date, 0); }

Time ReachesAge(const PartialDate& born, int years) {
  const std::chrono::year_month_day date{std::chrono::year(born.year),
                                         std::chrono::month(std::max(born.month, 1U)),
                                         std::chrono::day(std::max(born.day, 1U))};
  // Born on 29 February: on 1 March (sys_days rolls over).
  return Time(std::chrono::sys_days(date + std::chrono::years(years)));
}

std::optional<PartialDate> ParseIsoDate(std::string_view text) {
  unsigned parts[3] = {0, 0, 0};
  for (int i = 0; i < 3 && (i == 0 || !text.empty()); ++i) {
    if (i > 0) {
      if (text.front() != '-') return std::nullopt;
      text.remove_prefix(1);
    }
    const std::size_t digits = i == 0 ? 4 : 2;
    const int value = TakeDigits(text, digits, digits);
    if (value <= 0) return std::nullopt;
    parts[i] = static_cast<unsigned>(value);
  }
  if (!text.empty()) return std::nullopt;
  return MakeDate(static_cast<int>(parts[0]), parts[1], parts[2]);
}

std::optional<PartialDate> ParseIsoDateTime(std::string_view text) {
  if (text.size() <= 10) return ParseIsoDate(text);
  std::string time(text);
  if (time[10] == ' ') time[10] = 'T';
  // Databases write times without an offset.
  if (!ParseRfc3339(time).ok() && !ParseRfc3339(time + "Z").ok() && !ParseRfc3339(time + ":00Z").ok()) {
    return std::nullopt;
  }
  return ParseIsoDate(text.substr(0, 10));
}

bool IsDatePattern(std::string_view pattern) {
  std::size_t years = 0, months = 0, days = 0, separators = 0;
  for (char c : pattern) {
    if (c == 'Y') ++years;
    else if (c == 'M') ++months;
    else if (c == 'D') ++days;
    else if (std::string_view("./- ").find(c) != std::string_view::npos) ++separators;
    else return false;
  }
  for (std::string_view part : {"YYYY", "MM", "DD"}) {
    if (pattern.find(part) == std::string_view::npos) return false;
  }
  return years == 4 && months == 2 && days == 2 && separators <= 2;
}

std::optional<PartialDate> ParseDateAs(std::string_view text, std::string_view pattern) {
  int year = 0, month = 0, day = 0;
  const bool fixed = pattern.size() == 8;  // no separators, so every digit must be there
  while (!pattern.empty()) {
    const char c = pattern.front();
    if (c == 'Y') {
      year = TakeDigits(text, 4, 4);
      pattern.remove_prefix(4);
    } else if (c == 'M' || c == 'D') {
      (c == 'M' ? month : day) = TakeDigits(text, fixed ? 2 : 1, 2);
      pattern.remove_prefix(2);
    } else {
      if (text.empty() || text.front() != c) return std::nullopt;
      text.remove_prefix(1);
      pattern.remove_prefix(1);
    }
  }
  if (!text.empty() || year <= 0 || month <= 0 || day <= 0) return std::nullopt;
  return MakeDate(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
}

bool LooksLikeOtherDate(std::string_view text) {
  int groups = 0;
  while (true) {
    // A year in front leaves no doubt about the order.
    if (TakeDigits(text, 1, groups == 0 ? 2 : 4) < 0) return false;
    ++groups;
    if (text.empty()) return groups == 3;
    if (std::string_view("./- ").find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
  }
}

std::string_view WrongBirthDate(const PartialDate& date, Time now) {
  if (InFuture(date, now)) return "DATE_IN_FUTURE";
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  return date.year < static_cast<int>(today.year()) - 130 ? "DATE_IMPLAUSIBLE" : "";
}

bool InFuture(const PartialDate& date, Time now) {
  const std::chrono::year_month_day first{std::chrono::year(date.year), std::chrono::month(std::max(date.month, 1U)),
                                          std::chrono::day(std::max(date.day, 1U))};
  return std::chrono::sys_days(first) > std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
}

}  // namespace genofed::clinical
