// SPDX-License-Identifier: Apache-2.0
#include "libs/core/clock.h"

#include <fmt/format.h>

namespace genofed {
namespace {

using std::chrono::days;
using std::chrono::duration_cast;
using std::chrono::seconds;

// Reads exactly `digits` decimal digits at `pos`; -1 if they are not there.
int Digits(std::string_view text, std::size_t pos, std::size_t digits) {
  if (pos + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = pos; i < pos + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

Time SystemClock::Now() const {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::string FormatRfc3339(Time time) {
  auto day = std::chrono::floor<days>(time);
  std::chrono::year_month_day ymd(day);
  auto in_day = time - day;
  auto micros = in_day.count() % 1'000'000;
  auto secs = duration_cast<seconds>(in_day).count();
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()), secs / 3600,
                  secs / 60 % 60, secs % 60);
  if (micros != 0) text += fmt::format(".{:06}", micros);
  return text + "Z";
}

Result<Time> ParseRfc3339(std::string_view text) {
  auto bad = [&] {
    return Error(StatusCode::kInvalidArgument, "TIME_INVALID", "'{}' is not an RFC 3339 time",
                 text);
  };
  int year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2);
  int hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (year < 0 || month < 1 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 60 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  std::chrono::year_month_day ymd{std::chrono::year(year),
                                  std::chrono::month(static_cast<unsigned>(month)),
                                  std::chrono::day(static_cast<unsigned>(day))};
  if (!ymd.ok()) return bad();
  std::size_t pos = 19;
  std::int64_t micros = 0;
  if (pos < text.size() && text[pos] == '.') {
    std::int64_t scale = 100'000;
    std::size_t begin = ++pos;
    for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, scale /= 10) {
      micros += (text[pos] - '0') * scale;
    }
    if (pos == begin || pos - begin > 9) return bad();
  }
  int offset_minutes = 0;
  if (pos < text.size() && (text[pos] == 'Z' || text[pos] == 'z')) {
    if (pos + 1 != text.size()) return bad();
  } else {
    int h = Digits(text, pos + 1, 2), m = Digits(text, pos + 4, 2);
    if (pos + 6 != text.size() || (text[pos] != '+' && text[pos] != '-') || text[pos + 3] != ':' ||
        h < 0 || h > 23 || m < 0 || m > 59) {
      return bad();
    }
    offset_minutes = (h * 60 + m) * (text[pos] == '+' ? 1 : -1);
  }
  return std::chrono::sys_days(ymd) + std::chrono::hours(hour) +
         std::chrono::minutes(minute - offset_minutes) + seconds(second) + Duration(micros);
}

std::int64_t UnixSeconds(Time time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}
Time FromUnixSeconds(std::int64_t value) { return Time(seconds(value)); }
std::int64_t UnixMicros(Time time) { return time.time_since_epoch().count(); }
Time FromUnixMicros(std::int64_t micros) { return Time(Duration(micros)); }

}  // namespace genofed
