// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/individuals.h"

#include <gmock/gmock.h>

#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  out.replace(out.find(from), from.size(), to);
  return out;
}

TEST(IndividualsTest, SurvivesTheFileAndFindsDamage) {
  TempDir dir;
  std::vector<Individual> rows = {{Sex::kFemale, 42, {"HP:0000002", "HP:0000001", "HP:0000002"}},
                                  {Sex::kMale, std::nullopt, {}},
                                  {Sex::kUnknown, 500, {"HP:0000001"}}};
  ASSERT_TRUE(WriteIndividuals(dir / kIndividualsFile, rows).ok());
  auto read = ReadIndividuals(dir / kIndividualsFile);
  ASSERT_TRUE(read.ok()) << Describe(read.status());
  EXPECT_THAT((*read)[0].terms, ElementsAre("HP:0000001", "HP:0000002"));
  EXPECT_EQ((*read)[1], rows[1]);
  EXPECT_THAT(RowsOfSex(*read, Sex::kFemale).ToRows(), ElementsAre(0));
  EXPECT_THAT(RowsOfAge(*read, 42, 100).ToRows(), ElementsAre(0));
  auto terms = TermBitmaps::Build(*read);
  EXPECT_THAT(terms.Get("HP:0000001").ToRows(), ElementsAre(0, 2));
  EXPECT_EQ(terms.Get("HP:9999999"), Bitmap(3));
  auto closed = TermBitmaps::Build(
      *read, [](const std::string&) { return std::vector<std::string>{"HP:0000118"}; });
  EXPECT_THAT(closed.Get("HP:0000118").ToRows(), ElementsAre(0, 2));
  std::string text = ReadText(dir / kIndividualsFile);
  WriteText(dir / "damaged", Replaced(text, "C16576", "C20197"));
  EXPECT_EQ(Reason(ReadIndividuals(dir / "damaged").status()), "INDIVIDUALS_CORRUPT");
  for (std::size_t size : {std::size_t{0}, std::size_t{20}, text.size() - 5}) {
    WriteText(dir / "damaged", text.substr(0, size));
    EXPECT_FALSE(ReadIndividuals(dir / "damaged").ok());
  }
}

}  // namespace
}  // namespace genofed::genomics
