// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/cross_table.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using genomics::Sex;

RawQuery Asking(std::vector<FilterGroup> filters) {
  RawQuery raw;
  raw.entity = Entity::kIndividual;
  raw.filters = std::move(filters);
  return raw;
}

TEST(CrossTable, HasACellForEachSexAndBand) {
  EXPECT_EQ(CellsOf(By::kSex).size(), 3u);
  EXPECT_EQ(CellsOf(By::kAge).size(), AgeBands() + 1);
  std::set<std::vector<std::string>> values;
  for (const CrossCell& cell : CellsOf(By::kSexByAge)) values.insert(ValuesOf(cell));
  EXPECT_EQ(values.size(), 3 * (AgeBands() + 1));
  EXPECT_TRUE(values.contains({"NCIT:C16576", "P0Y-P17Y"}));
  EXPECT_TRUE(values.contains({"NCIT:C20197", "P65Y-"}));
  EXPECT_TRUE(values.contains({"NCIT:C20197", "undefined"}));
}

TEST(CrossTable, ACellIsTheQuestionThatFiltersAsk) {
  const Query query = *Validate(Asking({{Filter{"HP:0001250"}}}));
  EXPECT_EQ(CanonicalOf(query, {Sex::kFemale, 1}),
            Canonical(*Validate(Asking({{Filter{"", true, std::pair(18, 39)}},
                                        {Filter{"NCIT:C16576"}},
                                        {Filter{"HP:0001250"}}}))));
  EXPECT_EQ(CanonicalOf(query, {std::nullopt, AgeBands() - 1}),  // as the gateway reads ">= P65Y"
            Canonical(*Validate(
                Asking({{Filter{"HP:0001250"}}, {Filter{"", true, std::pair(65, 200)}}}))));
  std::set<std::string> canonical;
  for (const CrossCell& cell : CellsOf(By::kSexByAge)) canonical.insert(CanonicalOf(query, cell));
  EXPECT_EQ(canonical.size(), 3 * (AgeBands() + 1));
  // Of women the women are all of them.
  const Query women = *Validate(Asking({{Filter{"NCIT:C16576"}}}));
  EXPECT_EQ(CanonicalOf(women, {Sex::kFemale, std::nullopt}), Canonical(women));
}

TEST(CrossTable, IsOfIndividualsWithoutAVariant) {
  RawQuery raw = Asking({});
  raw.distributions = {"sexByAge", "sex", "sex"};
  const auto query = Validate(raw);
  ASSERT_THAT(query, testing::IsOk());
  EXPECT_EQ(query->distributions, (std::vector<By>{By::kSex, By::kSexByAge}));
  raw.variant = RawVariant{"GRCh38", "20", 100, 0, "A", "T"};
  EXPECT_THAT(Validate(raw), testing::HasReason("QUERY_UNSUPPORTED"));
  raw.entity = Entity::kVariant;
  EXPECT_THAT(Validate(raw), testing::HasReason("QUERY_UNSUPPORTED"));
  raw = Asking({});
  raw.distributions = {"shoeSize"};
  EXPECT_THAT(Validate(raw), testing::HasReason("AGGREGATION_UNKNOWN"));
}

}  // namespace
}  // namespace genofed::discovery
