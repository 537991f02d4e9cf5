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

}  // namespace

ShownTable Count(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                 std::int64_t population) {
  return CountEach(mechanism, state, cells, population, true);
}

ShownTable Divide(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                  std::int64_t population, bool few_others_count) {
  GF_CHECK(std::accumulate(cells.begin(), cells.end(), std::int64_t{0},
                           [](std::int64_t sum, const Cell& cell) { return sum + cell.people; }) <=
           population);
  ShownTable table = CountEach(mechanism, state, cells, population, few_others_count);
  if (mechanism.policy().HasNoise()) return table;
  bool derivable = false;  // some people are in cells that are not shown
  std::optional<std::int64_t> least;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Shown& shown = table.cells[i];
    // Few do not match, and all are said to match: nothing is missing from the sum.
    if (shown.exists() && shown.suppressed) return table;
    derivable = derivable || (!shown.exists() && cells[i].people > 0);
    if (shown.exists()) least = std::min(least.value_or(cells[i].people), cells[i].people);
  }
  if (!derivable || !least) return table;
  // All that are as small as the smallest go: whatever people are hidden could then stand in any
  // order in the hidden cells, so that none of them is determined. Were only the first of two held
  // back, its place would tell.
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Shown& shown = table.cells[i];
    if (!shown.exists() || cells[i].people != *least) continue;
    table.charge -= shown.charge;
    shown.count = 0;
    shown.suppressed = true;
    shown.charge = 0;
  }
  return table;
}

}  // namespace genofed::disclosure
