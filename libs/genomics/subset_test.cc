// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/subset.h"

#include <gmock/gmock.h>

#include <array>
#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/check_vcf.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

class SubsetTest : public ::testing::Test {
 protected:
  SubsetTest()
      : input_(WriteText(dir_ / "in.vcf",
                         MakeVcf("anna ben carl", {"chr20 100 rs7 A C,G 50 PASS AC=9;SECRET=anna "
                                                   "GT:NOTE:DP 1/2:hello:3 0/0:x:4 ./.:y:5",
                                                   "chr20 200 . A C . q10 . GT 0/0 1/1 0/1",
                                                   "chrX 300 . A <DEL> . zz;q10 . GT 0 1 .",
                                                   "chrX 310 . A C . . . GT 0/7 1 ."}))) {}

  std::string Run(const std::string& name, std::vector<SampleRename> keep,
                  const SubsetOptions& options = {}) {
    auto report = SubsetVcf(input_, keep, dir_ / name, options);
    EXPECT_TRUE(report.ok()) << Describe(report.status());
    if (report.ok()) report_ = *report;
    return Output("bcftools view -H " + (dir_ / name).string());
  }

  TempDir dir_;
  std::filesystem::path input_;
  SubsetReport report_;
};

constexpr const char* kExpected =
    "chr20\t100\trs7\tA\tC,G\t50\tPASS\tAC=1,1;AF=0.5,0.5;AN=2\tGT:DP\t./.:5\t1/2:3\n"
    "chr20\t200\t.\tA\tC\t.\tq10\tAC=1;AF=0.25;AN=4\tGT\t0/1\t0/0\n"
    "chrX\t300\t.\tA\t<DEL>\t.\tq10\tAC=0;AF=0;AN=1\tGT\t.\t0\n";

TEST_F(SubsetTest, KeepsRenamesReordersAndRecounts) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools to read the output";
  std::vector<SampleRename> keep = {{"carl", "p1"}, {"anna", "p2"}};
  EXPECT_EQ(Run("out.vcf.gz", keep), kExpected);
  EXPECT_EQ(report_.records, 3U);
  EXPECT_EQ(report_.rejected.at("ALLELE_INDEX"), 1U);
  EXPECT_EQ(Run("out.bcf", keep), kExpected);
  for (const char* name : {"out.vcf.gz", "out.bcf"}) {
    EXPECT_EQ(Output("bcftools query -l " + (dir_ / name).string()), "p1\np2\n");
    std::string all = Output("bcftools view --no-version " + (dir_ / name).string());
    for (const char* leak : {"anna", "ben", "carl", "SECRET", "hello", "NOTE"}) {
      EXPECT_EQ(all.find(leak), std::string::npos) << leak;
    }
    VcfReport report = CheckVcf(dir_ / name);
    EXPECT_TRUE(report.findings.empty()) << report.findings[0].message;
    EXPECT_EQ(report.assembly, Assembly::kGrch38);
    std::string bytes = ReadText(dir_ / name);
    Run(name, keep);
    EXPECT_EQ(ReadText(dir_ / name), bytes) << "same input, same bytes";
  }
}

TEST_F(SubsetTest, RegionAndUnobservedAlleles) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools to read the output";
  std::vector<SampleRename> keep = {{"anna", "p2"}};
  std::string out =
      Run("out.vcf.gz", keep, {.region = Region{"20", 150, 1000}, .drop_unobserved = false});
  EXPECT_EQ(out, "chr20\t200\t.\tA\tC\t.\tq10\tAC=0;AF=0;AN=2\tGT\t0/0\n");
  out = Run("out.vcf.gz", keep, {.region = std::nullopt, .drop_unobserved = true});
  EXPECT_EQ(out, "chr20\t100\trs7\tA\tC,G\t50\tPASS\tAC=1,1;AF=0.5,0.5;AN=2\tGT:DP\t1/2:3\n");
  EXPECT_EQ(report_.outside, 2U);
}

// Of five alleles ben carries one; the others say that somebody else does.
TEST_F(SubsetTest, UnobservedAllelesOfARecordHaveNoNames) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools to read the output";
  input_ = WriteText(dir_ / "all.vcf",
                     MakeVcf("anna ben", {"chr20 100 . A C,G,T,AT,AG . . . GT 1/2 4/0",
                                          "chr20 200 . A C,<UNOBSERVED_1>,T,TT . . . GT ./. 1/1"}));
  EXPECT_EQ(Run("out.vcf.gz", {{"ben", "p1"}}, {.region = std::nullopt, .drop_unobserved = true}),
            "chr20\t100\t.\tA\t<*>,<NON_REF>,<UNOBSERVED_1>,AT,<UNOBSERVED_2>\t.\t.\t"
            "AC=0,0,0,1,0;AF=0,0,0,0.5,0;AN=2\tGT\t4/0\n"
            "chr20\t200\t.\tA\tC,<*>,<NON_REF>,<UNOBSERVED_2>\t.\t.\t"
            "AC=2,0,0,0;AF=1,0,0,0;AN=2\tGT\t1/1\n");
}

// Carl alone has the T, the second of 100's alleles and the only one of 500: nothing of him stays.
TEST_F(SubsetTest, NothingTellsOfForgottenPeople) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools to read the output";
  input_ = WriteText(dir_ / "all.vcf",
                     MakeVcf("carl anna ben", {"chr20 100 . A C,T 50 PASS . GT:DP 1/2:3 0/1:4 0/0:5",
                                               "chr20 200 . A C,<*> . . . GT 1/1 0/2 0/0",
                                               "chr20 300 . A C . . . GT 0/0 0/0 0/0",
                                               "chr20 400 . A C . . . GT ./. 0/1 ./1",
                                               "chr20 500 . A C . . . GT 0/1 0/0 ./.",
                                               "chr20 600 . A C,G,T,TA . . . GT 2/3 0/1 0/0",
                                               "chr20 700 . A C,G,T,TA . . . GT 2/3 0/1 0/4",
                                               "chr20 800 . A C,G,T,TA,TT . . . GT 2/3 0/1 5/5",
                                               "chrX 310 . A C . . . GT 1 0 1"}));
  SubsetOptions options;
  options.forgotten = {"carl"};
  EXPECT_EQ(Run("out.vcf.gz", {{"ben", "p1"}, {"anna", "p2"}}, options),
            "chr20\t100\t.\tA\tC,<*>\t50\tPASS\tAC=1,0;AF=0.25,0;AN=4\tGT:DP\t0/0:5\t0/1:4\n"
            "chr20\t200\t.\tA\t<NON_REF>,<*>\t.\t.\tAC=0,1;AF=0,0.25;AN=4\tGT\t0/0\t0/2\n"
            "chr20\t300\t.\tA\tC\t.\t.\tAC=0;AF=0;AN=4\tGT\t0/0\t0/0\n"
            "chr20\t400\t.\tA\tC\t.\t.\tAC=2;AF=0.666667;AN=3\tGT\t./1\t0/1\n"
            "chr20\t600\t.\tA\tC,<*>,<NON_REF>,TA\t.\t.\tAC=1,0,0,0;AF=0.25,0,0,0;AN=4\tGT\t0/0\t0/1\n"
            "chr20\t700\t.\tA\tC,<*>,<NON_REF>,TA\t.\t.\tAC=1,0,0,1;AF=0.25,0,0,0.25;AN=4\tGT\t0/4\t0/1\n"
            "chr20\t800\t.\tA\tC,<*>,<NON_REF>,TA,TT\t.\t.\tAC=1,0,0,0,2;AF=0.25,0,0,0,0.5;AN=4\tGT\t5/5\t0/1\n"
            "chrX\t310\t.\tA\tC\t.\t.\tAC=1;AF=0.5;AN=2\tGT\t1\t0\n");
  // What would need a third unspecified allele is left out.
  input_ = WriteText(dir_ / "again.vcf", MakeVcf("carl anna", {"chr20 600 . A C,<*>,<NON_REF>,TA . . . GT 1/1 0/4"}));
  EXPECT_EQ(Run("again.vcf.gz", {{"anna", "p2"}}, options), "");
}

TEST_F(SubsetTest, ReadsFromAPipe) {
  std::string text = ReadText(input_);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  std::vector<SampleRename> keep = {{"anna", "p"}};
  auto report = SubsetVcf(ends[0], keep, dir_ / "out.bcf");
  ASSERT_TRUE(report.ok()) << Describe(report.status());
  EXPECT_EQ(report->records, 3U);
}

TEST_F(SubsetTest, RefusesWrongNamesAndLeavesNothingBehind) {
  auto reason = [&](std::vector<SampleRename> keep, const char* output) {
    return Reason(SubsetVcf(input_, keep, dir_ / output).status());
  };
  EXPECT_EQ(reason({{"nobody", "p"}}, "o.vcf.gz"), "SAMPLE_UNKNOWN");
  EXPECT_EQ(reason({}, "o.vcf.gz"), "NO_SAMPLES");
  EXPECT_EQ(reason({{"anna", "p"}, {"ben", "p"}}, "o.vcf.gz"), "SAMPLE_INVALID");
  EXPECT_EQ(reason({{"anna", "p"}, {"anna", "q"}}, "o.vcf.gz"), "SAMPLE_INVALID");
  EXPECT_EQ(reason({{"anna", "p\tq"}}, "o.vcf.gz"), "SAMPLE_INVALID");
  EXPECT_EQ(reason({{"anna", "p"}}, "o.txt"), "OUTPUT_INVALID");
  WriteText(input_, "not a VCF");
  EXPECT_EQ(reason({{"anna", "p"}}, "o.vcf.gz"), "NOT_VCF");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_.path()), {}), 1);
}

TEST_F(SubsetTest, CountsOfRealPeopleEqualBcftools) {
  if (SharedDir().empty() || !HasBcftools())
    GTEST_SKIP() << "needs GENOFED_SHARED_DIR and bcftools";
  auto vcf = SharedDir() / "vcf/1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz";
  std::vector<SampleRename> keep;
  std::string names;
  std::size_t number = 0;
  std::string listed = Output("bcftools query -l " + vcf.string());
  for (std::string_view name : Split(listed, '\n')) {
    if (name.empty() || number++ % 3 != 0) continue;
    keep.push_back({std::string(name), fmt::format("p{:03}", number)});
    names += (names.empty() ? "" : ",") + std::string(name);
  }
  constexpr const char* kQuery =
      " | bcftools query -f '%CHROM %POS %ID %REF %ALT %INFO/AC %INFO/AN[ %GT]\\n'";
  std::string expected = Output("bcftools view -Ou -s " + names + " " + vcf.string() + kQuery);
  ASSERT_GT(expected.size(), 1'000'000U);
  for (const char* name : {"out.vcf.gz", "out.bcf"}) {
    auto report = SubsetVcf(vcf, keep, dir_ / name);
    ASSERT_TRUE(report.ok()) << Describe(report.status());
    EXPECT_TRUE(Output("bcftools view -Ou " + (dir_ / name).string() + kQuery) == expected) << name;
  }
}

}  // namespace
}  // namespace genofed::genomics
