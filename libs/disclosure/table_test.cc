// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <numeric>

namespace genofed::disclosure {
namespace {

Policy Exact() {
  Policy policy = NoControl();
  policy.floor = 5;
  return policy;
}

std::vector<std::int64_t> Counts(const ShownTable& table) {
  std::vector<std::int64_t> counts;
  for (const Shown& shown : table.cells) counts.push_back(shown.count);
  return counts;
}

std::vector<std::int64_t> Divided(const std::vector<std::int64_t>& people) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < people.size(); ++i)
    cells.push_back({"cell " + std::to_string(i), people[i]});
  const Mechanism mechanism(Exact(), "");
  return Counts(Divide(mechanism, "state", cells,
                       std::accumulate(people.begin(), people.end(), std::int64_t{0})));
}

using V = std::vector<std::int64_t>;

TEST(Table, NothingIsHeldBackWhereNothingIsSmall) {
  EXPECT_EQ(Divided({100, 97, 0}), (V{100, 97, 0}));
  EXPECT_EQ(Divided({5, 5}), (V{5, 5}));
}

// 200 people less 100 and 97 would be the three: one of the others goes, too.
TEST(Table, ASmallCellCannotBeComputedFromTheRest) {
  EXPECT_EQ(Divided({100, 97, 3}), (V{100, 0, 0}));
  EXPECT_EQ(Divided({100, 40, 60, 1, 2}), (V{100, 0, 60, 0, 0}));
}

// Were only one of the fives held back, its place would tell that the other cell has the one: with
// five people there, that cell's own five would have been held back.
TEST(Table, AllThatAreAsSmallAsTheSmallestAreHeldBack) {
  EXPECT_EQ(Divided({5, 5, 1}), (V{0, 0, 0}));
  EXPECT_EQ(Divided({9, 5, 1, 5}), (V{9, 0, 0, 0}));
}

// All but three are women: then all are said to be, as Beacon says it.
TEST(Table, WhereFewAreLeftAllAreSaidToMatch) { EXPECT_EQ(Divided({197, 3}), (V{200, 0})); }

// Of 60 people 43 match a question, and that is told: 40 women would give away the three men.
TEST(Table, OfThoseWhoMatchASmallCellCannotBeComputedEither) {
  const Mechanism mechanism(Exact(), "");
  const std::vector<Cell> cells = {{"women", 40}, {"men", 3}};
  EXPECT_EQ(Counts(Divide(mechanism, "state", cells, 60, false)), (V{0, 0}));
  const std::vector<Cell> more = {{"women", 30}, {"men", 3}, {"unknown", 10}};
  EXPECT_EQ(Counts(Divide(mechanism, "state", more, 60, false)), (V{30, 0, 0}));
}

TEST(Table, OfFewPeopleNothingIsSaid) {
  EXPECT_EQ(Divided({2, 1}), (V{0, 0}));
  EXPECT_EQ(Divided({}), V{});
}

// Whoever knows the rules and the population cannot tell a small cell: besides the truth, another
// table that is shown in the same way has another number there.
RC_GTEST_PROP(Table, SmallCellsAreNeverDetermined, ()) {
  const auto people =
      *rc::gen::container<std::vector<std::int64_t>>(3, rc::gen::inRange<std::int64_t>(0, 30));
  const V shown = Divided(people);
  const std::int64_t population = std::accumulate(people.begin(), people.end(), std::int64_t{0});
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (people[i] == 0 || people[i] >= 5) continue;
    RC_ASSERT(shown[i] == 0 || shown[i] == population);
    int tables = 0;  // that look the same and differ here
    for (std::int64_t a = 0; a <= population && tables == 0; ++a) {
      for (std::int64_t b = 0; a + b <= population && tables == 0; ++b) {
        const V other = {a, b, population - a - b};
        if (other[i] != people[i] && Divided(other) == shown) ++tables;
      }
    }
    RC_ASSERT(tables > 0);
  }
}

V Crossed(const V& people, std::size_t columns, std::int64_t population) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < people.size(); ++i)
    cells.push_back({"cell " + std::to_string(i), people[i]});
  const Mechanism mechanism(Exact(), "");
  return Counts(DivideCrossed(mechanism, "state", cells, columns, population));
}

// Of three women the row and the column would tell.
TEST(Table, ASmallCellCannotBeComputedFromItsRowNorItsColumn) {
  EXPECT_EQ(Crossed({3, 20, 30, 40, 50, 60}, 3, 300), (V{0, 0, 30, 0, 0, 60}));
  EXPECT_EQ(Crossed({6, 20, 30, 40, 50, 60}, 3, 300), (V{6, 20, 30, 40, 50, 60}));
  EXPECT_EQ(Crossed({3, 20, 40, 50}, 2, 300), (V{0, 0, 0, 0}));
}

// There is another table with the same sums, in which what is shown is the same. Sums of few people
// are not known: they are held back wherever they are asked for.
RC_GTEST_PROP(Table, SmallCellsAreNotDeterminedByTheSums, ()) {
  constexpr std::int64_t kMost = 20;
  constexpr std::size_t kColumns = 3;
  const V people = *rc::gen::container<V>(2 * kColumns, rc::gen::inRange<std::int64_t>(0, kMost));
  const V shown = Crossed(people, kColumns, 1000);
  for (std::size_t i = 0; i < people.size(); ++i) {
    if (people[i] == 0 || people[i] >= 5) continue;
    RC_ASSERT(shown[i] == 0);
    const std::size_t row = i / kColumns * kColumns, column = i % kColumns;
    if (people[row] + people[row + 1] + people[row + 2] < 5 ||
        people[column] + people[column + kColumns] < 5)
      continue;
    // Two numbers of the first row decide all others.
    bool other = false;
    for (std::int64_t a = -kMost; a <= kMost && !other; ++a) {
      for (std::int64_t b = -kMost; b <= kMost && !other; ++b) {
        const V moved = {a, b, -a - b, -a, -b, a + b};
        other = moved[i] != 0;
        for (std::size_t j = 0; j < people.size(); ++j)
          other = other && people[j] + moved[j] >= 0 && (shown[j] == 0 || moved[j] == 0);
      }
    }
    RC_ASSERT(other || std::accumulate(shown.begin(), shown.end(), std::int64_t{0}) == 0);
  }
}

TEST(Table, UnderNoiseEachCountStandsForItself) {
  const Mechanism mechanism(Policy(), std::string(32, 'k'));
  const std::vector<Cell> cells = {{"women", 120}, {"men", 110}, {"unknown", 3}};
  const ShownTable divided = Divide(mechanism, "state", cells, 233);
  EXPECT_EQ(divided.cells[2].count, 0);
  double charge = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Shown alone =
        mechanism.Count({"state", cells[i].canonical}, {cells[i].people, 233}, true);
    EXPECT_EQ(divided.cells[i].count, alone.count);
    charge += alone.charge;
  }
  EXPECT_DOUBLE_EQ(divided.charge, charge);
  EXPECT_GT(charge, 0);
}

}  // namespace
}  // namespace genofed::disclosure
