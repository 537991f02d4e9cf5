// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_index.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/genomics/test_support.h"
#include "libs/genomics/vcf_reader.h"
#include "libs/genomics/vcf_writer.h"

namespace genofed::genomics {
namespace {

struct Site {
  std::string contig;
  std::int64_t pos = 0;  // 0-based
  std::int64_t end = 0;
  auto operator<=>(const Site&) const = default;
};

// Two contigs with records and one without; long lines, so that there are many blocks. Every
// fiftieth record covers 40,000 bases.
class VcfIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string header = "##fileformat=VCFv4.2\n";
    for (const char* name : {"chr1", "chr2", "chr3"}) {
      header += std::string("##contig=<ID=") + name + ",length=1000000>\n";
    }
    header +=
        "##INFO=<ID=END,Number=1,Type=Integer,Description=\"end\">\n"
        "##INFO=<ID=PAD,Number=1,Type=String,Description=\"padding\">\n"
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n";
    auto writer = VcfWriter::Create(path_, header);
    ASSERT_TRUE(writer.ok());
    std::uint32_t random = 1;
    for (const char* contig : {"chr1", "chr3"}) {
      for (int i = 0; i < 2000; ++i) {
        const std::int64_t pos = i * 397;
        const bool long_one = i % 50 == 7;
        std::string pad;
        // Some records are longer than a block.
        for (int j = 0; j < (i % 400 == 13 ? 150'000 : 300); ++j)
          pad += static_cast<char>('a' + ((random = random * 1664525 + 1013904223) >> 24) % 26);
        std::string line = std::string(contig) + "\t" + std::to_string(pos + 1) + "\t.\tA\t" +
                           (long_one ? "<*>" : "C") + "\t.\tPASS\tPAD=" + pad;
        if (long_one) line += ";END=" + std::to_string(pos + 40000);
        line += "\tGT\t0/1";
        ASSERT_TRUE((*writer)->Write(line).ok());
        sites_.insert({contig, pos, long_one ? pos + 40000 : pos + 1});
      }
    }
    ASSERT_TRUE((*writer)->Commit().ok());
    ASSERT_TRUE(BuildVcfIndex(path_, csi_).ok());
    file_ = ReadText(path_);
    auto index = VcfIndex::Parse(ReadText(csi_), file_.size());
    ASSERT_TRUE(index.ok()) << Describe(index.status());
    index_ = *std::move(index);
  }

  // The sites in the file that the planned bytes make.
  std::set<Site> Read(const std::vector<FileRange>& ranges) {
    std::string joined;
    for (const FileRange& range : ranges)
      joined += file_.substr(range.begin, range.end - range.begin);
    const auto path = directory_ / "joined.vcf.gz";
    WriteText(path, joined);
    auto reader = VcfReader::Open(path);
    EXPECT_TRUE(reader.ok()) << Describe(reader.status());
    std::set<Site> sites;
    if (!reader.ok()) return sites;
    EXPECT_EQ((*reader)->header().samples, std::vector<std::string>{"S1"});
    VcfRecord record;
    while (true) {
      auto outcome = (*reader)->Next(record);
      EXPECT_TRUE(outcome.ok()) << Describe(outcome.status());
      if (!outcome.ok() || *outcome == VcfReader::Outcome::kEnd) return sites;
      // Blocks are cut between records: none is torn.
      EXPECT_EQ(*outcome, VcfReader::Outcome::kRecord) << reader.value()->problem().line;
      const std::string line((*reader)->line());
      const auto end = line.find("END=");
      sites.insert({line.substr(0, line.find('\t')), record.pos,
                    end == std::string::npos ? record.pos + 1 : std::stoll(line.substr(end + 4))});
    }
  }

  std::set<Site> Overlapping(const IndexRegion& region) const {
    std::set<Site> found;
    for (const Site& site : sites_) {
      if (site.contig == region.reference && site.end > region.start &&
          site.pos < region.end.value_or(1 << 30))
        found.insert(site);
    }
    return found;
  }

  TempDir directory_;
  const std::filesystem::path path_ = directory_ / "a.vcf.gz";
  const std::filesystem::path csi_ = directory_ / "a.vcf.gz.csi";
  std::string file_;
  std::set<Site> sites_;
  VcfIndex index_;
};

TEST_F(VcfIndexTest, ARegionHasAllItsRecordsAndNotTheWholeFile) {
  std::uint32_t random = 7;
  for (int i = 0; i < 60; ++i) {
    random = random * 1664525 + 1013904223;
    IndexRegion region{i % 2 == 0 ? "chr1" : "chr3", random % 800000, {}};
    if (i % 5 != 0)
      region.end = region.start + 1 + static_cast<std::int64_t>(random % 997) * (i % 7);
    auto ranges = index_.Plan({&region, 1});
    ASSERT_TRUE(ranges.ok());
    const std::set<Site> read = Read(*ranges);
    for (const Site& site : Overlapping(region)) EXPECT_TRUE(read.contains(site)) << site.pos;
    std::uint64_t bytes = 0;
    for (const FileRange& range : *ranges) bytes += range.end - range.begin;
    EXPECT_TRUE(!region.end || bytes < file_.size() / 2) << region.start;
  }
}

TEST_F(VcfIndexTest, SeveralRegionsAreMergedInTheOrderOfTheFile) {
  const std::vector<IndexRegion> regions = {
      {"chr3", 100000, 100400}, {"chr1", 500000, 500400}, {"chr1", 500200, 510000}};
  auto ranges = index_.Plan(regions);
  ASSERT_TRUE(ranges.ok());
  for (std::size_t i = 1; i < ranges->size(); ++i)
    EXPECT_GT((*ranges)[i].begin, (*ranges)[i - 1].end);
  const std::set<Site> read = Read(*ranges);
  for (const IndexRegion& region : regions) {
    for (const Site& site : Overlapping(region)) EXPECT_TRUE(read.contains(site)) << site.pos;
  }
  auto coarse = index_.Plan(regions, file_.size());
  ASSERT_TRUE(coarse.ok());
  EXPECT_EQ(*coarse, (std::vector<FileRange>{{0, file_.size()}}));
}

TEST_F(VcfIndexTest, TheHeaderAloneIsAValidFileWithoutRecords) {
  auto ranges = index_.Plan({});
  ASSERT_TRUE(ranges.ok());
  ASSERT_EQ(ranges->size(), 2u);
  EXPECT_TRUE(Read(*ranges).empty());
  EXPECT_EQ(ranges->back(), (FileRange{file_.size() - 28, file_.size()}));
}

TEST_F(VcfIndexTest, AContigWithoutRecordsIsEmptyAndAnUnknownOneRefused) {
  EXPECT_EQ(index_.references(), (std::vector<std::string>{"chr1", "chr3", "chr2"}));
  const IndexRegion empty{"chr2", 0, {}};
  EXPECT_TRUE(Read(*index_.Plan({&empty, 1})).empty());
  const IndexRegion nothing{"chr1", 500000, 500000};
  EXPECT_TRUE(Read(*index_.Plan({&nothing, 1})).empty());
  const IndexRegion behind{"chr1", 999999999, {}};
  EXPECT_TRUE(Read(*index_.Plan({&behind, 1})).empty());
  const IndexRegion unknown{"1", 0, {}};
  EXPECT_EQ(Reason(index_.Plan({&unknown, 1}).status()), "REFERENCE_UNKNOWN");
}

// htslib's own reader of the index finds what it should.
TEST_F(VcfIndexTest, BcftoolsReadsTheIndex) {
  if (!HasBcftools()) GTEST_SKIP() << "needs bcftools";
  const std::string out = Output("bcftools view -H -r chr3:100001-100400,chr1:500001-500400,chr2 " +
                                 path_.string() + " | cut -f 1,2");
  std::set<std::string> expected;
  for (const IndexRegion& region :
       {IndexRegion{"chr3", 100000, 100400}, IndexRegion{"chr1", 500000, 500400}}) {
    for (const Site& site : Overlapping(region))
      expected.insert(site.contig + "\t" + std::to_string(site.pos + 1));
  }
  std::set<std::string> found;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = out.find('\n', at);
    found.insert(out.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_EQ(found, expected);
}

// As bgzip writes: blocks end wherever they are full.
TEST_F(VcfIndexTest, AFileWhoseBlocksTearRecordsIsNotIndexed) {
  if (!HasBcftools()) GTEST_SKIP() << "needs bgzip, which comes with tabix";
  const auto torn = directory_ / "torn.vcf.gz";
  Output("bgzip -dc " + path_.string() + " | bgzip -c > " + torn.string());
  ASSERT_GT(ReadText(torn).size(), 100'000u);
  EXPECT_EQ(Reason(BuildVcfIndex(torn, directory_ / "torn.csi")), "INDEX_FAILED");
}

TEST_F(VcfIndexTest, WhatIsNoIndexIsRefused) {
  const std::string good = ReadText(csi_);
  for (const std::string& bad :
       {std::string(), std::string("CSI\1"), file_, good.substr(0, good.size() / 2)}) {
    EXPECT_EQ(Reason(VcfIndex::Parse(bad, file_.size()).status()), "INDEX_INVALID");
  }
  EXPECT_EQ(Reason(VcfIndex::Parse(good, 1000).status()), "INDEX_INVALID");  // of another file
  WriteText(directory_ / "plain.vcf", "##fileformat=VCFv4.2\n");
  EXPECT_EQ(Reason(BuildVcfIndex(directory_ / "plain.vcf", directory_ / "plain.csi")),
            "INDEX_FAILED");
}

}  // namespace
}  // namespace genofed::genomics
