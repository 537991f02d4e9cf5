// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/merge_vcf.h"

#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "libs/genomics/subset.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

// A file as the pipeline makes it: the samples of a VCF under other names.
std::filesystem::path Subset(const TempDir& dir, const std::string& name, const std::string& vcf,
                             const std::vector<SampleRename>& keep) {
  auto source = WriteText(dir / (name + ".source.vcf"), vcf);
  auto out = dir / (name + ".vcf.gz");
  auto report = SubsetVcf(source, keep, out);
  EXPECT_TRUE(report.ok()) << Message(report.status());
  return out;
}

std::vector<std::string> Records(const std::filesystem::path& path) {
  std::vector<std::string> records;
  const std::string text = Output("bgzip -dc " + path.string());
  for (std::string_view line : Split(text, '\n')) {
    if (!line.empty() && !line.starts_with("##")) records.emplace_back(line);
  }
  return records;
}

TEST(MergeVcfTest, PutsSamplesSideBySideAndSaysWhereAFileIsSilent) {
  TempDir dir;
  auto first =
      Subset(dir, "first",
             MakeVcf("A B", {"chr20 100 . A C 50 PASS . GT 0/1 1/1",
                             "chr20 100 . A G 50 PASS . GT 0/0 0/1", "chrX 7 . G T . . . GT 0 1"}),
             {{"A", "a"}, {"B", "b"}});
  auto second = Subset(
      dir, "second",
      MakeVcf("C", {"chr20 90 rs1 T C . q10 . GT:DP 0/1:7", "chr20 100 . A G . PASS . GT:DP 1/1:9",
                    "chr20 100 . A T,TT . PASS . GT:DP 1/2:3"}),
      {{"C", "c"}});
  auto out = dir / "merged.vcf.gz";
  const std::vector<std::filesystem::path> inputs = {first, second};
  ASSERT_TRUE(MergeVcf(inputs, out).ok());
  // Worked out by hand.
  EXPECT_EQ(Records(out),
            (std::vector<std::string>{
                "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\tc",
                "chr20\t90\trs1\tT\tC\t.\tq10\tAC=1;AF=0.5;AN=2\tGT:DP\t./.\t./.\t0/1:7",
                "chr20\t100\t.\tA\tC\t.\tPASS\tAC=3;AF=0.75;AN=4\tGT\t0/1\t1/1\t./.",
                "chr20\t100\t.\tA\tG\t.\tPASS\tAC=3;AF=0.5;AN=6\tGT\t0/0\t0/1\t1/1",
                "chr20\t100\t.\tA\tT,TT\t.\tPASS\tAC=1,1;AF=0.5,0.5;AN=2\tGT:DP\t./.\t./.\t1/2:3",
                "chrX\t7\t.\tG\tT\t.\t.\tAC=1;AF=0.5;AN=2\tGT\t0\t1\t./."}));
}

TEST(MergeVcfTest, ContigsMayComeInAnotherOrder) {
  TempDir dir;
  auto first = Subset(dir, "first",
                      MakeVcf("A", {"chrX 5 . G T . . . GT 0/1", "chr20 9 . A C . . . GT 1/1"}),
                      {{"A", "a"}});
  auto second = Subset(dir, "second",
                       MakeVcf("B", {"chr20 9 . A C . . . GT 0/1", "chrX 5 . G T . . . GT 1/1"}),
                       {{"B", "b"}});
  auto out = dir / "merged.vcf.gz";
  const std::vector<std::filesystem::path> inputs = {first, second};
  ASSERT_TRUE(MergeVcf(inputs, out).ok());
  auto records = Records(out);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1], "chr20\t9\t.\tA\tC\t.\t.\tAC=3;AF=0.75;AN=4\tGT\t1/1\t0/1");
  EXPECT_EQ(records[2], "chrX\t5\t.\tG\tT\t.\t.\tAC=3;AF=0.75;AN=4\tGT\t0/1\t1/1");
}

TEST(MergeVcfTest, ASampleMayHaveAFileForEachChromosome) {
  TempDir dir;
  const std::vector<SampleRename> both = {{"A", "a"}, {"B", "b"}};
  auto first =
      Subset(dir, "first", MakeVcf("A B", {"chr20 9 . A C . . . GT:DP 0/1:3 1/1:4"}), both);
  auto second = Subset(dir, "second", MakeVcf("B A", {"chrX 5 . G T . . . GT 0/1 1/1"}),
                       {{"B", "b"}, {"A", "a"}});
  auto third =
      Subset(dir, "third", MakeVcf("C", {"chrX 5 . G T . . . GT 0/0", "chrX 8 . G A . . . GT 0/1"}),
             {{"C", "c"}});
  auto out = dir / "merged.vcf.gz";
  const std::vector<std::filesystem::path> inputs = {first, second, third};
  // As where the variants of a file are all that its people have.
  auto absent = [](std::size_t, std::string_view contig, std::int64_t pos) -> std::string_view {
    return contig == "chrX" && pos == 7 ? "0/0" : "./.";
  };
  ASSERT_TRUE(MergeVcf(inputs, out, {.samples = {"c", "a", "b"}, .absent = absent}).ok());
  EXPECT_EQ(Records(out),
            (std::vector<std::string>{
                "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tc\ta\tb",
                "chr20\t9\t.\tA\tC\t.\t.\tAC=3;AF=0.75;AN=4\tGT:DP\t./.\t0/1:3\t1/1:4",
                "chrX\t5\t.\tG\tT\t.\t.\tAC=3;AF=0.5;AN=6\tGT\t0/0\t1/1\t0/1",
                "chrX\t8\t.\tG\tA\t.\t.\tAC=1;AF=0.166667;AN=6\tGT\t0/1\t0/0\t0/0"}));
}

TEST(MergeVcfTest, RefusesWhatCannotStandSideBySide) {
  TempDir dir;
  const std::string vcf = MakeVcf("A", {"chr20 9 . A C . . . GT 1/1"});
  auto first = Subset(dir, "first", vcf, {{"A", "a"}});
  auto second = Subset(dir, "second", vcf, {{"A", "a"}});
  const std::vector<std::filesystem::path> same = {first, second};
  EXPECT_EQ(Reason(MergeVcf(same, dir / "out.vcf.gz")), "MERGE_INVALID");
  EXPECT_EQ(Reason(MergeVcf({}, dir / "out.vcf.gz")), "MERGE_INVALID");
  const std::vector<std::filesystem::path> none = {dir / "missing.vcf.gz"};
  EXPECT_EQ(Reason(MergeVcf(none, dir / "out.vcf.gz")), "MERGE_INVALID");
  EXPECT_FALSE(std::filesystem::exists(dir / "out.vcf.gz"));
}

}  // namespace
}  // namespace genofed::genomics
