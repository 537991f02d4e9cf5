// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/frequency_table.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;

std::string DigestOf(std::string_view text) { return HexEncode(crypto::Sha256(text)); }

FrequencyTable Example() {
  FrequencyTable table;
  table.source = "network";
  table.number = 7;
  table.chromosomes = 1'000;
  table.least = 20;
  table.from = {{"es", DigestOf("es")}, {"fi", DigestOf("fi")}};
  table.pages = {{"20", 0, 2, 30, DigestOf("a")},
                 {"20", 3, 1, 15, DigestOf("b")},
                 {"20", 3, 1, 16, DigestOf("c")},
                 {"X", 1, 1, 12, DigestOf("d")}};
  return table;
}

TEST(FrequencyTableText, IsWhatTheHeaderSays) {
  const FrequencyTable table = Example();
  const std::string text = FormatTable(table);
  EXPECT_EQ(text.substr(0, text.find("from")),
            "genofed-frequencies 1\nassembly GRCh38\nsource network\nnumber 7\nchromosomes 1000\n"
            "least 20\n");
  EXPECT_EQ(*ParseTable(text), table);
  EXPECT_EQ(table.Resolution(), 0.02);
  EXPECT_EQ(table.PagesOf("20", 3).size(), 2U);
  EXPECT_EQ(table.PagesOf("20", 1).size(), 0U);
  EXPECT_EQ(table.PagesOf("X", 1).size(), 1U);
}

TEST(FrequencyTableText, RefusesAllOtherForms) {
  const std::string good = FormatTable(Example());
  auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    GF_CHECK(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       std::vector<std::string>{"",
                                good.substr(0, good.size() - 1),
                                good.substr(0, good.size() / 2),
                                good + "\n",
                                good + "page 1 0 1 5 " + DigestOf("e") + "\n",  // out of order
                                with("number 7", "number 07"),
                                with("number 7", "number 0"),
                                with("number 7", "number -7"),
                                with("network", "fi"),
                                with("GRCh38", "hg38"),
                                with("GRCh38", "T2T"),
                                with("chromosomes 1000", "chromosomes 9999999999"),
                                with("least 20", "least x"),
                                with("from es", "from fi"),
                                with("from es", "from E"),
                                with("page 20 0 2 30", "page 20 0 2 99999999"),
                                with("page 20 0 2 30", "page 20 0 0 30"),
                                with("page 20 0 2 30", "page chr20 0 2 30"),
                                with(DigestOf("a"), ToUpper(DigestOf("a"))),
                                with("least 20\n", ""),
                                with("\n", "\r\n")}) {
    EXPECT_THAT(ParseTable(bad), HasReason("TABLE_INVALID")) << bad;
  }
  EXPECT_THAT(ParseTable(good + std::string(kMaxTableText, 'x') + "\n"),
              HasReason("TABLE_INVALID"));
}

TEST(FrequencyPage, RefusesAllOtherForms) {
  const std::string good = "3000001\tA\tC\t12\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n";
  const TablePage page{"20", 3, 3, good.size(), DigestOf(good)};
  const auto sites = ParsePage(good, page, 1'000);
  ASSERT_TRUE(sites.ok()) << Describe(sites.status());
  EXPECT_EQ(sites->front(), (TableSite{3'000'000, "A", "C", 12}));
  EXPECT_EQ(FormatPage(*sites), good);
  EXPECT_THAT(ParsePage(good, page, 999), HasReason("TABLE_INVALID"));
  for (const std::string& bad : std::vector<std::string>{
           "3000001\tA\tC\t12\n3000001\tA\tT\t1000\n",                       // one is missing
           "3000001\tA\tT\t12\n3000001\tA\tC\t1000\n3000009\tACC\tA\t1\n",   // order
           "3000001\tA\tC\t12\n3000001\tA\tC\t1000\n3000009\tACC\tA\t1\n",   // twice
           "2000001\tA\tC\t12\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n",   // elsewhere
           "3000001\tA\tA\t12\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n",   // no change
           "3000001\ta\tC\t12\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n",   // case
           "3000001\tA\tC\t0\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n",    // nobody
           "3000001\tA\tC\t12\n3000001\tA\tT\t1000\n3000009\tACC\tA\t01\n",  // a zero
           "3000001\tA\tC\t12\t\n3000001\tA\tT\t1000\n3000009\tACC\tA\t1\n", ""}) {
    TablePage of = page;
    of.bytes = bad.size();
    EXPECT_THAT(ParsePage(bad, of, 1'000), HasReason("TABLE_INVALID")) << bad;
  }
  EXPECT_THAT(ParsePage(good.substr(0, good.size() - 1), page, 1'000), HasReason("TABLE_INVALID"));
}

// Adding up and cutting into pages, against sums in a map.
RC_GTEST_PROP(FrequencyTable, MergeIsTheSumOfAll, (std::uint32_t seed)) {
  std::mt19937 random(seed);
  std::map<std::tuple<std::uint32_t, std::string, std::string>, std::int64_t> expected;
  std::vector<std::vector<TableSite>> lists;
  for (std::uint32_t node = 0; node < 1 + seed % 4; ++node) {
    std::map<std::tuple<std::uint32_t, std::string, std::string>, std::int64_t> own;
    for (std::uint32_t i = 0; i < random() % 60; ++i) {
      const char* alts[] = {"C", "G", "T", "AC"};
      own[{static_cast<std::uint32_t>(random() % 40), "A", alts[random() % 4]}] =
          1 + static_cast<std::int64_t>(random() % 90);
    }
    std::vector<TableSite> list;
    for (const auto& [key, copies] : own) {
      list.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), copies});
      expected[key] += copies;
    }
    lists.push_back(std::move(list));
  }
  const auto sum = AddUp(lists);
  RC_ASSERT(sum.size() == expected.size());
  auto next = expected.begin();
  for (const TableSite& site : sum) {
    RC_ASSERT(next->first == std::tuple(site.position, site.ref, site.alt));
    RC_ASSERT(next->second == site.copies);
    ++next;
  }
  std::map<std::string, std::string> written;
  PageCutter cutter([&](const std::string& sha256, const std::string& content) {
    written[sha256] = content;
    return absl::OkStatus();
  });
  RC_ASSERT(cutter.Add("20", 0, sum).ok());
  std::vector<TableSite> read;
  for (const TablePage& page : std::move(cutter).pages()) {
    const auto sites = ParsePage(written.at(page.sha256), page, 1'000);
    RC_ASSERT(sites.ok());
    read.insert(read.end(), sites->begin(), sites->end());
  }
  RC_ASSERT(read == sum);
}

TEST(PageCutterTest, PagesAreNeverTooLarge) {
  std::vector<TableSite> sites;
  const std::string longest(kMaxTableAllele, 'A');
  for (std::uint32_t i = 0; i < kMaxSitesOfPage + 5; ++i)
    sites.push_back({999'000'000 + i, longest, "T" + longest.substr(1), 2'000'000'000});
  sites.push_back({999'900'000, longest + "A", "A", 7});  // too long for any table
  std::size_t largest = 0;
  PageCutter cutter([&](const std::string&, const std::string& content) {
    largest = std::max(largest, content.size());
    return absl::OkStatus();
  });
  ASSERT_TRUE(cutter.Add("1", 999, sites).ok());
  const auto pages = std::move(cutter).pages();
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0].sites, kMaxSitesOfPage);
  EXPECT_EQ(pages[1].sites, 5U);
  EXPECT_LE(largest, kMaxPageBytes);
}

}  // namespace
}  // namespace genofed::discovery
