// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/duration.h"

#include <array>
#include <charconv>

namespace genofed::beacon {
namespace {

constexpr double kYear = 365.2425;

struct Unit {
  char letter;
  double days;
};
constexpr std::array<Unit, 4> kDateUnits = {{{'Y', kYear}, {'M', kYear / 12}, {'W', 7}, {'D', 1}}};
constexpr std::array<Unit, 3> kTimeUnits = {{{'H', 1.0 / 24}, {'M', 1.0 / 1440}, {'S', 1.0 / 86400}}};

// "70Y6M": numbers with units that follow one another in their order. False unless all of it is.
template <std::size_t N>
bool AddParts(std::string_view text, const std::array<Unit, N>& units, double& days) {
  std::size_t next = 0;
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc() || text.front() == '-' || end == text.data() + text.size()) return false;
    while (next < N && units[next].letter != *end) ++next;
    if (next == N) return false;
    days += number * units[next++].days;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  return true;
}

}  // namespace

std::optional<double> DurationDays(std::string_view text) {
  if (text.size() < 3 || text.size() > 64 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  const std::size_t time = text.find('T');
  double days = 0;
  if (!AddParts(text.substr(0, time), kDateUnits, days)) return std::nullopt;
  if (time == std::string_view::npos) return days;
  if (time + 1 == text.size() || !AddParts(text.substr(time + 1), kTimeUnits, days)) return std::nullopt;
  return days;
}

}  // namespace genofed::beacon
