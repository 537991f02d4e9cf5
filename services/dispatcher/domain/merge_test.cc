// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/merge.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>

#include "libs/core/strings.h"
#include "libs/testing/matchers.h"
#include "services/dispatcher/test_workflow.h"

namespace genofed::dispatcher {
namespace {

using testing::HasReason;

TableOutput AlleleCounts() {
  return *ParseWorkflow(TestWorkflow())->FindOutput("allele_counts.tsv");
}

std::string Merged(const std::vector<NodeTable>& tables) {
  const auto merged = MergeTables(AlleleCounts(), tables);
  EXPECT_TRUE(merged.ok()) << Describe(merged.status());
  return merged.ok() ? *merged : "";
}

TEST(MergeTables, SumsCountsAndSaysHowCompleteEachRowIs) {
  // By hand: 10+20 of 100+300; the second row is only at fi, the third only at es.
  const std::string fi = TestTable("1\t100\tA\tG\t10\t100\n1\t200\tC\tT\t7\t100\n");
  const std::string es = TestTable("1\t100\tA\tG\t20\t300\n1\t300\tG\tA\t6\t300\n");
  EXPECT_EQ(Merged({{"fi", fi}, {"es", es}}),
            "chrom\tpos\tref\talt\tac\tan\taf\tnodes\n"
            "1\t100\tA\tG\t30\t400\t0.075\t2\n"
            "1\t200\tC\tT\t7\t100\t0.07\t1\n"
            "1\t300\tG\tA\t6\t300\t0.02\t1\n");
}

// As nodes released them until rows of few people were left out.
TEST(MergeTables, ARowWithoutNumbersIsNone) {
  const std::string es = TestTable("1\t100\tA\tG\tNA\tNA\n1\t200\tC\tT\t7\tNA\n");
  EXPECT_EQ(Merged({{"fi", TestTable("1\t100\tA\tG\t10\t100\n")}, {"es", es}}),
            "chrom\tpos\tref\talt\tac\tan\taf\tnodes\n1\t100\tA\tG\t10\t100\t0.1\t1\n");
}

TEST(MergeTables, OrdersChromosomesNaturallyAndPositionsAsNumbers) {
  std::string rows;
  for (const char* key :
       {"chrMT\t1", "chrX\t1", "chr10\t1", "chr2\t1000", "chr2\t99", "chrUn\t1", "chrY\t1"}) {
    rows += std::string(key) + "\tA\tC\t5\t10\n";
  }
  std::string order;
  const std::string merged = Merged({{"fi", TestTable(rows)}});
  for (std::string_view line : Split(merged, '\n')) {
    const auto cells = Split(line, '\t');
    if (cells.size() > 1) order += fmt::format("{}:{} ", cells[0], cells[1]);
  }
  EXPECT_EQ(order, "chrom:pos chr2:99 chr2:1000 chr10:1 chrX:1 chrY:1 chrMT:1 chrUn:1 ");
}

TEST(MergeTables, WritesQuotientsWithSixDigitsAndNoneOfNothing) {
  const std::string merged =
      Merged({{"fi", TestTable("1\t1\tA\tC\t1\t3\n1\t2\tA\tC\t0\t0\n1\t3\tA\tC\t1\t3000000\n")}});
  EXPECT_NE(merged.find("\t1\t3\t0.333333\t1\n"), std::string::npos) << merged;
  EXPECT_NE(merged.find("\t0\t0\tNA\t1\n"), std::string::npos) << merged;
  EXPECT_NE(merged.find("\t1\t3000000\t3.33333e-07\t1\n"), std::string::npos) << merged;
}

TEST(MergeTables, CountsASiteOnceHoweverManyDatasetsItHas) {
  const std::string row = TestTable("1\t1\tA\tC\t5\t10\n");
  EXPECT_NE(Merged({{"fi", row}, {"fi", row}}).find("\t10\t20\t0.5\t1\n"), std::string::npos);
}

TEST(MergeTables, RefusesTablesThatAreNotAsDeclared) {
  for (const std::string& bad :
       {std::string(""), std::string("chrom\tpos\n"), TestTable("1\t1\tA\tC\t5\n"),
        TestTable("1\t1\tA\tC\t5\t10"), TestTable("1\t1\tA\tC\t-5\t10\n"),

        TestTable("1\t1\tA\tC\t1e3\t10\n"), TestTable("1\t1\tA\t\t5\t10\n"),
        TestTable("1\t1\tA\tC\t5\t1234567890123456\n"),
        TestTable("1\t1\tA\tC\t5\t10\n1\t1\tA\tC\t5\t10\n"), TestTable("1\t1\tA\xff\tC\t5\t10\n"),
        TestTable("\n")}) {
    EXPECT_THAT(MergeTables(AlleleCounts(), {{"fi", bad}}), HasReason("OUTPUT_INVALID")) << bad;
  }
  const Status status =
      MergeTables(AlleleCounts(), {{"es", TestTable("1\t1\tA\tC\t5\n")}}).status();
  EXPECT_NE(Message(status).find("allele_counts.tsv of es: line 2"), std::string::npos)
      << Message(status);
}

TEST(MergeTables, DoesNotOverflow) {
  std::vector<NodeTable> tables;
  for (int i = 0; i < 10'000; ++i)
    tables.push_back({"fi", TestTable("1\t1\tA\tC\t999999999999999\t999999999999999\n")});
  EXPECT_THAT(MergeTables(AlleleCounts(), tables), HasReason("OUTPUT_OVERFLOW"));
}

// Rows of persons, or of groups of persons, summed up by key: the table of whoever holds them all.
using Rows = std::vector<
    std::pair<std::pair<std::uint8_t, std::uint8_t>, std::pair<std::uint16_t, std::uint16_t>>>;

std::string TableOf(const Rows& rows) {
  std::map<std::pair<std::uint8_t, std::uint8_t>, std::pair<std::int64_t, std::int64_t>> sums;
  for (const auto& [key, counts] : rows) {
    sums[key].first += counts.first;
    sums[key].second += counts.first + counts.second;
  }
  std::string text;
  for (const auto& [key, counts] : sums) {
    text +=
        fmt::format("{}\t{}\tA\tC\t{}\t{}\n", key.first, key.second, counts.first, counts.second);
  }
  return TestTable(text);
}

// All but the last two columns, which tell how the data were spread.
std::string WithoutCompleteness(const std::string& table) {
  std::string text;
  for (std::string_view line : Split(table, '\n')) {
    const auto cells = Split(line, '\t');
    for (std::size_t i = 0; i + 2 < cells.size(); ++i) text += fmt::format("{}\t", cells[i]);
    text += '\n';
  }
  return text;
}

TEST(MergeTables, GivesTheTableOfThePooledDataForEveryPartition) {
  EXPECT_TRUE(rc::check([](const Rows& rows, const std::vector<std::uint8_t>& owners) {
    constexpr std::size_t kNodes = 4;
    std::vector<Rows> shares(kNodes);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::size_t owner = owners.empty() ? 0 : owners[i % owners.size()] % kNodes;
      shares[owner].push_back(rows[i]);
    }
    std::vector<NodeTable> tables;
    for (std::size_t i = 0; i < kNodes; ++i)
      tables.push_back({fmt::format("n{}", i), TableOf(shares[i])});
    const auto merged = MergeTables(AlleleCounts(), tables);
    const auto pooled = MergeTables(AlleleCounts(), {{"all", TableOf(rows)}});
    RC_ASSERT(merged.ok() && pooled.ok());
    RC_ASSERT(WithoutCompleteness(*merged) == WithoutCompleteness(*pooled));
    std::reverse(tables.begin(), tables.end());
    RC_ASSERT(*MergeTables(AlleleCounts(), tables) == *merged);
  }));
}

TEST(CheckTable, NeverBreaks) {
  EXPECT_TRUE(rc::check(
      [](const std::string& bytes) { (void)CheckTable(AlleleCounts(), TestTable(bytes)); }));
}

}  // namespace
}  // namespace genofed::dispatcher
