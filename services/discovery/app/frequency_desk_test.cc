// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/frequency_desk.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"
#include "services/discovery/frequency_test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;

struct Made {
  std::string text;
  std::vector<std::string> pages;
};

// A node's table: sites of megabases of chromosome 20.
Made TableOf(const std::string& site, std::int64_t chromosomes, std::int64_t least,
             const std::map<std::uint32_t, std::vector<TableSite>>& by_megabase,
             genomics::Assembly assembly = genomics::Assembly::kGrch38) {
  Made made;
  PageCutter cutter([&](const std::string&, const std::string& content) {
    made.pages.push_back(content);
    return absl::OkStatus();
  });
  for (const auto& [megabase, sites] : by_megabase)
    GF_CHECK(cutter.Add("20", megabase, sites).ok());
  FrequencyTable table;
  table.assembly = assembly;
  table.source = site;
  table.chromosomes = chromosomes;
  table.least = least;
  table.pages = std::move(cutter).pages();
  made.text = FormatTable(table);
  return made;
}

class DeskTest : public ::testing::Test {
 protected:
  void Deliver(const std::string& site, const Made& made) {
    const auto first = desk_.Deliver(site, made.text);
    ASSERT_TRUE(first.ok()) << Describe(first.status());
    EXPECT_EQ(first->missing.size(), made.pages.size());
    for (const std::string& page : made.pages) ASSERT_TRUE(desk_.DeliverPage(site, page).ok());
    const auto second = desk_.Deliver(site, made.text);
    ASSERT_TRUE(second.ok()) << Describe(second.status());
    EXPECT_TRUE(second->missing.empty());
  }
  StoredTable Current() { return *ReadTable(store_, desk_.Current().at("GRCh38").digest); }

  const Context ctx_ = Context::Background();
  MemoryTables store_;
  FrequencyDesk desk_{store_, {"es", "fi"}};
  const Made fi_ =
      TableOf("fi", 200, 10,
              {{0, {{10, "A", "C", 12}, {10, "A", "G", 50}}}, {2, {{2'000'000, "T", "C", 11}}}});
  const Made es_ = TableOf("es", 300, 15, {{0, {{10, "A", "G", 70}, {11, "A", "G", 20}}}});
};

TEST_F(DeskTest, AddsUpWhatNodesTold) {
  Deliver("fi", fi_);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_EQ(Current().table.number, 1);
  EXPECT_EQ(Current().table.chromosomes, 200);
  Deliver("es", es_);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const StoredTable sum = Current();
  EXPECT_EQ(sum.table.number, 2);
  EXPECT_EQ(sum.table.chromosomes, 500);
  EXPECT_EQ(sum.table.least, 25);
  EXPECT_EQ(sum.Name().resolution, 0.05);
  ASSERT_EQ(sum.table.from.size(), 2U);
  EXPECT_EQ(sum.table.from[0], std::pair(std::string("es"), DigestOf(es_.text)));
  EXPECT_EQ(*ReadSites(store_, sum.table, "20", 0),
            (std::vector<TableSite>{{10, "A", "C", 12}, {10, "A", "G", 120}, {11, "A", "G", 20}}));
  EXPECT_EQ(*ReadSites(store_, sum.table, "20", 2),
            (std::vector<TableSite>{{2'000'000, "T", "C", 11}}));
  // Nothing changed: no new version, and a restart finds the same.
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_EQ(Current().digest, sum.digest);
  FrequencyDesk again(store_, {"es", "fi"});
  ASSERT_TRUE(again.MergeAll(ctx_).ok());
  EXPECT_EQ(again.Current().at("GRCh38"), sum.Name());
}

TEST_F(DeskTest, AssembliesAreApartAndANodeThatLeftCountsNoMore) {
  Deliver("fi", fi_);
  Deliver("es", TableOf("es", 40, 4, {{0, {{5, "A", "C", 9}}}}, genomics::Assembly::kGrch37));
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_EQ(desk_.Current().size(), 2U);
  EXPECT_EQ(desk_.Current().at("GRCh37").resolution, 0.1);
  EXPECT_EQ(Current().table.chromosomes, 200);
  FrequencyDesk without(store_, {"es"});
  ASSERT_TRUE(without.MergeAll(ctx_).ok());
  EXPECT_EQ(without.Current().at("GRCh38").number, 2);
  EXPECT_TRUE(ReadTable(store_, without.Current().at("GRCh38").digest)->table.from.empty());
}

TEST_F(DeskTest, ATableCountsWhenItIsWhole) {
  Deliver("fi", fi_);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const Made next = TableOf("fi", 220, 10, {{0, {{10, "A", "C", 99}}}});
  EXPECT_EQ(desk_.Deliver("fi", next.text)->missing.size(), 1U);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_EQ(Current().table.chromosomes, 200);
  ASSERT_TRUE(desk_.DeliverPage("fi", next.pages[0]).ok());
  ASSERT_TRUE(desk_.Deliver("fi", next.text).ok());
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_EQ(Current().table.chromosomes, 220);
}

TEST_F(DeskTest, WhatIsDamagedIsMadeOrAskedForAgain) {
  Deliver("fi", fi_);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const StoredTable sum = Current();
  // A page of the sum, which is found out when somebody reads it.
  const Made next = TableOf("es", 100, 10, {{0, {{10, "A", "C", 40}}}});
  Deliver("es", next);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const StoredTable both = Current();
  const std::string page = both.table.pages[0].sha256;
  store_.content[page] += "x";
  EXPECT_THAT(desk_.Page(both.digest, page), HasReason("TABLE_CORRUPT"));
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  EXPECT_TRUE(desk_.Page(both.digest, page).ok());
  EXPECT_EQ(Current().digest, both.digest);
  // The text of the sum, after a restart: made again from the one before.
  store_.content[both.digest] += "x";
  FrequencyDesk again(store_, {"es", "fi"});
  ASSERT_TRUE(again.MergeAll(ctx_).ok());
  EXPECT_EQ(again.Current().at("GRCh38").digest, both.digest);
  // A node's page.
  store_.content.erase(DigestOf(next.pages[0]));
  EXPECT_TRUE(desk_.Of("es")->empty());
  EXPECT_EQ(desk_.Of("fi")->size(), 1U);
  EXPECT_EQ(desk_.Deliver("es", next.text)->missing, std::vector{DigestOf(next.pages[0])});
}

TEST_F(DeskTest, RefusesWhatANodeMayNotSay) {
  EXPECT_THAT(desk_.Deliver("fi", es_.text), HasReason("TABLE_INVALID"));
  EXPECT_THAT(desk_.Deliver("xx", fi_.text), HasReason("SITE_UNKNOWN"));
  EXPECT_THAT(desk_.Deliver("fi", fi_.text.substr(0, 80)), HasReason("TABLE_INVALID"));
  EXPECT_THAT(desk_.DeliverPage("fi", fi_.pages[0]), HasReason("PAGE_UNWANTED"));
  ASSERT_TRUE(desk_.Deliver("fi", fi_.text).ok());
  EXPECT_THAT(desk_.DeliverPage("fi", es_.pages[0]), HasReason("PAGE_UNWANTED"));
  EXPECT_THAT(desk_.DeliverPage("es", fi_.pages[0]), HasReason("PAGE_UNWANTED"));
  // More copies than there are chromosomes.
  const Made impossible = TableOf("es", 60, 5, {{0, {{10, "A", "G", 70}}}});
  ASSERT_TRUE(desk_.Deliver("es", impossible.text).ok());
  EXPECT_THAT(desk_.DeliverPage("es", impossible.pages[0]), HasReason("TABLE_INVALID"));
}

TEST_F(DeskTest, PagesOfSingleNodesAreNotHandedOut) {
  Deliver("fi", fi_);
  Deliver("es", es_);
  ASSERT_TRUE(desk_.MergeAll(ctx_).ok());
  const StoredTable sum = Current();
  EXPECT_EQ(*desk_.Text(sum.digest), FormatTable(sum.table));
  EXPECT_THAT(desk_.Text(DigestOf(fi_.text)), HasReason("TABLE_UNKNOWN"));
  EXPECT_THAT(desk_.Page(sum.digest, DigestOf(es_.pages[0])), HasReason("TABLE_UNKNOWN"));
  EXPECT_THAT(desk_.Page(DigestOf(es_.text), DigestOf(es_.pages[0])), HasReason("TABLE_UNKNOWN"));
  EXPECT_THAT(desk_.Page(sum.digest, ""), HasReason("TABLE_UNKNOWN"));
  EXPECT_TRUE(desk_.Page(sum.digest, sum.table.pages[0].sha256).ok());
}

}  // namespace
}  // namespace genofed::discovery
