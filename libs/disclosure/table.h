// SPDX-License-Identifier: Apache-2.0
//
// Counts that are published together, where one could be computed from the others.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libs/disclosure/mechanism.h"

namespace genofed::disclosure {

struct Cell {
  std::string canonical;  // of the question that it answers: Question::canonical
  std::int64_t people = 0;
};

struct ShownTable {
  std::vector<Shown> cells;  // in the order they were given
  double charge = 0;         // nats, of all of them
};

// Cells of people who are in exactly one each, and of whose sum people know: all of `population`,
// or those of it who match a question. Where counts carry no noise a small cell could be computed
// from the population and the others: then the smallest of the others is held back, too, with all
// that are as small, so that the hidden numbers could stand in any order (complementary
// suppression). Under noise the differences tell nothing that
// the counts do not. `few_others_count` as for Mechanism::Count; it is for cells of the whole
// population.
ShownTable Divide(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                  std::int64_t population, bool few_others_count = true);

// The same of cells in rows of `columns`, of whose sums by row and by column people know, too: each
// of these sums hides two numbers or none, one of which is no small one.
ShownTable DivideCrossed(const Mechanism& mechanism, std::string_view state,
                         std::span<const Cell> cells, std::size_t columns, std::int64_t population,
                         bool few_others_count = true);

// Cells that overlap, none of them made of others.
ShownTable Count(const Mechanism& mechanism, std::string_view state, std::span<const Cell> cells,
                 std::int64_t population);

}  // namespace genofed::disclosure
