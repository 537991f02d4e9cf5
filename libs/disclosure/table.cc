// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/table.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "libs/core/status.h"
#include "libs/disclosure/budget.h"

namespace genofed::disclosure {

namespace {

ShownTable CountEach(const Mechanism& mechanism, std::string_view state,
                     std::span<const Cell> cells, std::int64_t population, bool few_others_count) {
  ShownTable table;
  for (const Cell& cell : cells) {
    table.cells.push_back(
        mechanism.Count({state, cell.canonical}, {cell.people, population}, few_others_count));
    table.charge += table.cells.back().charge;
  }
  return table;
}

// Places of cells of whose sum people know.
using Line = std::vector<std::size_t>;

std::vector<Line> LinesOf(std::size_t cells, std::size_t columns) {
  std::vector<Line> lines;
  if (columns == 0) return lines;
  lines.resize((cells + columns - 1) / columns + columns);
  for (std::size_t i = 0; i < cells; ++i) {
    lines[i % columns].push_back(i);
    lines[columns + i / columns].push_back(i);
  }
  return lines;
}

// Hides the smallest number that is shown where the ones that are not could be computed; whether it
// did.
bool HideMore(const Line& line, std::span<const Cell> cells, std::int64_t floor,
              ShownTable& table) {
  std::size_t hidden = 0;
  bool large = false;  // one of them is
  std::optional<std::int64_t> least;
  for (const std::size_t i : line) {
    const std::int64_t people = cells[i].people;
    if (table.cells[i].exists()) {
      least = std::min(least.value_or(people), people);
    } else if (people > 0) {
      ++hidden;
      large = large || people >= floor;
    }
  }
  if (hidden == 0 || !least || (hidden > 1 && large)) return false;
  // All that are as small as the smallest go: whatever people are hidden could then stand in any
  // order in the hidden cells, so that none of them is determined. Were only the first of two held
  // back, its place would tell.
  for (const std::size_t i : line) {
    Shown& shown = table.cells[i];
    if (!shown.exists() || cells[i].people != *least) continue;
    table.charge -= shown.charge;
    shown.count = 0;
    shown.suppressed = true;
    shown.charge = 0;
  }
  return true;
}

}  // namespace

ShownTable Count(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                 std::int64_t population) {
  return CountEach(mechanism, state, cells, population, true);
}

ShownTable Divide(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                  std::int64_t population, bool few_others_count) {
  return DivideCrossed(mechanism, state, cells, cells.size(), population, few_others_count);
}

ShownTable DivideCrossed(const Mechanism& mechanism, std::string_view state,
                         std::span<const Cell> cells, std::size_t columns, std::int64_t population,
                         bool few_others_count) {
  GF_CHECK(std::accumulate(cells.begin(), cells.end(), std::int64_t{0},
                           [](std::int64_t sum, const Cell& cell) { return sum + cell.people; }) <=
           population);
  ShownTable table = CountEach(mechanism, state, cells, population, few_others_count);
  if (mechanism.policy().HasNoise()) return table;
  // Few do not match, and all are said to match: nothing is missing from the sum.
  if (std::any_of(table.cells.begin(), table.cells.end(),
                  [](const Shown& shown) { return shown.exists() && shown.suppressed; }))
    return table;
  const std::vector<Line> lines = LinesOf(cells.size(), columns);
  const auto hides = [&](const Line& line) {
    return HideMore(line, cells, mechanism.policy().floor, table);
  };
  // What is hidden in a row may be missing in its column.
  while (std::any_of(lines.begin(), lines.end(), hides)) continue;
  return table;
}

}  // namespace genofed::disclosure
