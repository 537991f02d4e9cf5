// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_reader.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "libs/genomics/check_vcf.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

class VcfReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<VcfReader> Open(const std::string& text, Reference* reference = nullptr) {
    auto reader = VcfReader::Open(WriteText(dir_ / "in.vcf", text), reference);
    EXPECT_TRUE(reader.ok()) << Describe(reader.status());
    return reader.ok() ? *std::move(reader) : nullptr;
  }
  TempDir dir_;
};

TEST_F(VcfReaderTest, ReadsGenotypesOfEveryPloidy) {
  auto reader =
      Open(MakeVcf("a b c d e f g", {"chr20 5 rs1 a C,<DEL>,* 30 PASS . GT:DP 0/1:3 1|1 ./. 2 .:7 "
                                     "./1 0/1/1:4"}));
  EXPECT_THAT(reader->header().samples, ElementsAre("a", "b", "c", "d", "e", "f", "g"));
  EXPECT_EQ(reader->header().assembly, Assembly::kGrch38);
  EXPECT_EQ(reader->header().assembly_evidence, "contig lengths");
  VcfRecord record;
  ASSERT_EQ(*reader->Next(record), VcfReader::Outcome::kRecord);
  EXPECT_EQ(record.contig, "20");
  EXPECT_EQ(record.pos, 4);
  EXPECT_EQ(record.ref, "A");
  EXPECT_EQ(record.line, 10U);
  EXPECT_THAT(record.alts, ElementsAre("C", "<DEL>", "*"));
  EXPECT_THAT(record.alleles, ElementsAre(0, 1, 1, 1, -1, -1, 2, -2, -1, -2, -1, 1, -1, -1));
  EXPECT_EQ(*reader->Next(record), VcfReader::Outcome::kEnd);
}

TEST_F(VcfReaderTest, TakesAnAlleleOfAMissingAltAsNotCalled) {
  auto reader = Open(MakeVcf("a b", {"chr20 5 . A . . . . GT 0|1 0|0"}));
  VcfRecord record;
  ASSERT_EQ(*reader->Next(record), VcfReader::Outcome::kRecord);
  EXPECT_THAT(record.alts, ElementsAre());
  EXPECT_THAT(record.alleles, ElementsAre(0, -1, 0, 0));
}

TEST_F(VcfReaderTest, SkipsWhatHasNoPlaceAndRejectsWhatIsWrong) {
  auto reader = Open(MakeVcf("a", {"chr20 0 . N A . . . GT 0/1", "chr20 7 . A C . . . GT 0/2",
                                   "chr20 8 . A C . . . DP 3", "chr20 9 . A C . . . GT 0/1"}));
  VcfRecord record;
  ASSERT_EQ(*reader->Next(record), VcfReader::Outcome::kRejected);
  EXPECT_EQ(reader->problem().code, "ALLELE_INDEX");
  EXPECT_EQ(reader->problem().line, 11);
  EXPECT_EQ(reader->problem().field, "FORMAT/GT");
  EXPECT_EQ(reader->line(), "chr20\t7\t.\tA\tC\t.\t.\t.\tGT\t0/2");
  ASSERT_EQ(*reader->Next(record), VcfReader::Outcome::kRecord);
  EXPECT_EQ(record.pos, 8);
  EXPECT_EQ(*reader->Next(record), VcfReader::Outcome::kEnd);
  EXPECT_EQ(reader->left_out(), 2U);
}

TEST_F(VcfReaderTest, OpensAFileWithoutSamples) {
  auto reader = Open(
      "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t5\t.\tA\tC\t.\t.\t."
      "\n");
  VcfRecord record;
  ASSERT_EQ(*reader->Next(record), VcfReader::Outcome::kRecord);
  EXPECT_THAT(record.alleles, ElementsAre());
}

TEST_F(VcfReaderTest, AFileThatCannotBeUsedHasAReason) {
  EXPECT_EQ(Reason(VcfReader::Open(dir_ / "missing.vcf").status()), "READ_FAILED");
  EXPECT_EQ(Reason(VcfReader::Open(dir_.path()).status()), "NOT_VCF");
  EXPECT_EQ(Reason(VcfReader::Open(WriteText(dir_ / "a", "x")).status()), "NOT_VCF");
  EXPECT_EQ(Reason(VcfReader::Open(WriteText(dir_ / "a", "#\n")).status()), "BAD_HEADER");
  EXPECT_EQ(Reason(VcfReader::Open(WriteText(dir_ / "a", MakeVcf("a a", {}))).status()),
            "DUPLICATE_SAMPLE");
}

TEST_F(VcfReaderTest, ReadsAPipeToItsEnd) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools";
  auto file = WriteText(dir_ / "x.vcf", MakeVcf("a", {"chr20 9 . A C . . . GT 0/1"}));
  for (std::string mode : {"v", "z", "b", "u"}) {
    std::string bytes = Output("bcftools view -O" + mode + " " + file.string());
    for (bool cut : {false, true}) {
      if (cut && (mode == "v" || mode == "u")) continue;
      int ends[2];
      ASSERT_EQ(::pipe(ends), 0);
      std::size_t size =
          cut ? bytes.size() - 28 : bytes.size();  // the end-of-file block has 28 bytes
      ASSERT_EQ(::write(ends[1], bytes.data(), size), static_cast<ssize_t>(size));
      ::close(ends[1]);
      auto reader = VcfReader::OpenFd(ends[0]);
      ASSERT_TRUE(reader.ok()) << mode << Describe(reader.status());
      VcfRecord record;
      EXPECT_EQ(*(*reader)->Next(record), VcfReader::Outcome::kRecord);
      auto end = (*reader)->Next(record);
      if (cut) {
        EXPECT_EQ(Reason(end.status()), "TRUNCATED_BGZIP") << mode;
      } else {
        EXPECT_EQ(*end, VcfReader::Outcome::kEnd) << mode;
      }
    }
  }
}

// The checker and the reader say the same of every record, whatever the file.
void ExpectAgreement(const std::filesystem::path& path) {
  std::vector<std::int64_t> checked;
  VcfReport report = CheckVcf(path, {.on_set_aside = [&](const Finding& finding, std::string_view) {
                                checked.push_back(finding.line);
                              }});
  auto reader = VcfReader::Open(path);
  if (!reader.ok()) {
    EXPECT_TRUE(report.HasError()) << path;
    return;
  }
  std::vector<std::int64_t> rejected;
  std::uint64_t records = 0;
  VcfRecord record;
  auto outcome = (*reader)->Next(record);
  for (; outcome.ok() && *outcome != VcfReader::Outcome::kEnd; outcome = (*reader)->Next(record)) {
    if (*outcome == VcfReader::Outcome::kRejected) {
      rejected.push_back((*reader)->problem().line);
    } else {
      ++records;
    }
  }
  EXPECT_EQ(rejected, checked) << path;
  EXPECT_EQ(records, report.accepted) << path;
  EXPECT_EQ((*reader)->left_out(), report.left_out) << path;
  if (!outcome.ok()) {
    EXPECT_TRUE(report.HasError()) << path;
  }
}

TEST_F(VcfReaderTest, RejectsExactlyWhatTheCheckerSetsAside) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the vcf-validator corpus";
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(SharedDir() / "vcf" / "validator")) {
    if (entry.path().extension() == ".vcf") ExpectAgreement(entry.path());
  }
}

TEST_F(VcfReaderTest, SurvivesMutatedFiles) {
  // Deterministic bit flips in a BCF and a VCF: every outcome is fine except a crash or a quarrel.
  std::string vcf = MakeVcf(
      "a b", {"chr20 9 . A C,G . PASS . GT:DP 0/1:3 1|2:4", "chr20 19 . AT A 7 q10 . GT .:1 1"});
  std::vector<std::string> seeds = {vcf};
  if (HasBcftools())
    seeds.push_back(Output("bcftools view -Ou " + WriteText(dir_ / "x.vcf", vcf).string()));
  std::uint64_t state = 42;
  for (const std::string& seed : seeds) {
    for (int i = 0; i < 500; ++i) {
      std::string mutated = seed;
      for (int flips = 0; flips < 3; ++flips) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        std::size_t at = (state >> 33) % mutated.size();
        mutated[at] = static_cast<char>(static_cast<unsigned char>(mutated[at]) ^
                                        (1U << ((state >> 20) % 8)));
      }
      ExpectAgreement(WriteText(dir_ / "in.vcf", mutated));
    }
  }
}

}  // namespace
}  // namespace genofed::genomics
