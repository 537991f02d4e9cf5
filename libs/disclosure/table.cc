// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/table.h"

#include <numeric>

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
  Shown* smallest = nullptr;
  std::int64_t least = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Shown& shown = table.cells[i];
    // Few do not match, and all are said to match: nothing is missing from the sum.
    if (shown.exists() && shown.suppressed) return table;
    derivable = derivable || (!shown.exists() && cells[i].people > 0);
    if (shown.exists() && (smallest == nullptr || cells[i].people < least)) {
      smallest = &shown;
      least = cells[i].people;
    }
  }
  if (derivable && smallest != nullptr) {
    table.charge -= smallest->charge;
    smallest->count = 0;
    smallest->suppressed = true;
    smallest->charge = 0;
  }
  return table;
}

}  // namespace genofed::disclosure
