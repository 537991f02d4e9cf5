// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

std::string OnlyCode(const VcfReport& report) {
  return report.counts.size() == 1 ? report.counts.begin()->first
                                   : std::to_string(report.counts.size()) + " codes";
}

class VcfReaderTest : public ::testing::Test {
 protected:
  VcfReport Check(const std::string& text, Reference* reference = nullptr) {
    return CheckVcf(WriteText(dir_ / "in.vcf", text), reference);
  }
  std::filesystem::path Kgp() const { return SharedDir() / "vcf"; }
  TempDir dir_;
};

TEST_F(VcfReaderTest, ReadsGenotypesOfEveryPloidy) {
  auto path = WriteText(
      dir_ / "in.vcf",
      MakeVcf("a b c d e f", {"chr20 5 rs1 a C,<DEL>,* 30 PASS . GT:DP 0/1:3 1|1 ./. 2 .:7 ./1"}));
  auto reader = VcfReader::Open(path);
  ASSERT_TRUE(reader.ok()) << Describe(reader.status());
  EXPECT_THAT((*reader)->header().samples, ElementsAre("a", "b", "c", "d", "e", "f"));
  EXPECT_EQ((*reader)->header().assembly, Assembly::kGrch38);
  VcfRecord record;
  ASSERT_EQ(*(*reader)->Next(record), VcfReader::Outcome::kRecord);
  EXPECT_EQ(record.contig, "20");
  EXPECT_EQ(record.pos, 4);
  EXPECT_EQ(record.ref, "A");
  EXPECT_EQ(record.line, 10U);
  EXPECT_THAT(record.alts, ElementsAre("C", "<DEL>", "*"));
  EXPECT_THAT(record.alleles, ElementsAre(0, 1, 1, 1, -1, -1, 2, -2, -1, -2, -1, 1));
  EXPECT_EQ(*(*reader)->Next(record), VcfReader::Outcome::kEnd);
}

TEST_F(VcfReaderTest, NamesTheReasonLineAndFieldOfABadRecord) {
  struct Case {
    const char* record;
    VcfCode code;
    const char* field;
  };
  const Case cases[] = {
      {"chr21 5 . A C . . . GT 0/0 0/0", VcfCode::kContigNotInHeader, "CHROM"},
      {"chr20 x . A C . . . GT 0/0 0/0", VcfCode::kMalformedRecord, "POS"},
      {"chr20 0 . A C . . . GT 0/0 0/0", VcfCode::kPosOutOfRange, "POS"},
      {"chr20 64444168 . A C . . . GT 0/0 0/0", VcfCode::kPosOutOfRange, "POS"},
      {"chr20 5 . R C . . . GT 0/0 0/0", VcfCode::kBadAllele, "REF"},
      {"chr20 5 . A C,Q . . . GT 0/0 0/0", VcfCode::kBadAllele, "ALT"},
      {"chr20 5 . A A . . . GT 0/0 0/0", VcfCode::kBadAllele, "ALT"},
      {"chr20 5 . A C,C . . . GT 0/0 0/0", VcfCode::kBadAllele, "ALT"},
      {"chr20 5 . A C, . . . GT 0/0 0/0", VcfCode::kBadAllele, "ALT"},
      {"chr20 5 . A C x! . . GT 0/0 0/0", VcfCode::kMalformedRecord, "QUAL"},
      {"chr20 5 . A C . . . DP 1 2", VcfCode::kGtMissing, "FORMAT"},
      {"chr20 5 . A C . . . GT 0/0/0 0/0", VcfCode::kPloidy, "FORMAT/GT"},
      {"chr20 5 . A C . . . GT 0/2 0/0", VcfCode::kAlleleIndex, "FORMAT/GT"},
      {"chr20 5 . A C . . . GT 0/99999999999999 0/0", VcfCode::kAlleleIndex, "FORMAT/GT"},
      {"chr20 5 . A C . . . GT 0/-1 0/0", VcfCode::kMalformedRecord, "FORMAT/GT"},
      {"chr20 5 . A C . . . GT 0/ 0/0", VcfCode::kMalformedRecord, "FORMAT/GT"},
      {"chr20 5 . A C . . . GT 0/0", VcfCode::kMalformedRecord, ""},
      {"chr20 5 . A C . . . GT 0/0 0/0 0/0", VcfCode::kMalformedRecord, ""},
      {"chr20 5 . A", VcfCode::kMalformedRecord, ""},
  };
  for (const Case& c : cases) {
    VcfReport report = Check(MakeVcf("a b", {c.record}));
    EXPECT_FALSE(report.fatal) << c.record;
    ASSERT_EQ(report.reasons.size(), 1U) << c.record;
    EXPECT_EQ(VcfCodeName(report.reasons[0].code), VcfCodeName(c.code)) << c.record;
    EXPECT_EQ(report.reasons[0].field, c.field) << c.record;
    EXPECT_EQ(report.reasons[0].line, 10U);
  }
  std::string alts = "C";
  for (int i = 1; i < 127; ++i) alts += "," + std::string(static_cast<std::size_t>(i) + 1, 'C');
  EXPECT_EQ(OnlyCode(Check(MakeVcf("a", {"chr20 5 . A " + alts + " . . . GT 0/1"}))),
            "TOO_MANY_ALLELES");
}

TEST_F(VcfReaderTest, ProblemsOfTheWholeFileAreFatal) {
  auto expect = [&](const std::string& text, std::string_view code) {
    VcfReport report = Check(text);
    EXPECT_TRUE(report.fatal) << code;
    EXPECT_EQ(OnlyCode(report), code);
  };
  expect("hello\n", "NOT_VCF");
  expect("", "NOT_VCF");
  expect("##fileformat=VCFv9\n", "NOT_VCF");
  expect("##fileformat=VCFv4.2\n", "BAD_HEADER");
  expect("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\n", "BAD_HEADER");
  expect("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n", "NO_SAMPLES");
  expect(MakeVcf("a b a", {}), "DUPLICATE_SAMPLE");
  expect(MakeVcf("a", {"chr20 9 . A C . . . GT 0/1", "chr20 8 . A C . . . GT 0/1"}), "UNSORTED");
  expect(MakeVcf("a", {"chr20 9 . A C . . . GT 0", "chrX 9 . A C . . . GT 0",
                       "chr20 10 . A C . . . GT 0"}),
         "UNSORTED");
  EXPECT_EQ(OnlyCode(CheckVcf(dir_ / "missing.vcf")), "READ_FAILED");
  EXPECT_EQ(OnlyCode(CheckVcf(dir_.path())), "NOT_VCF");
}

TEST_F(VcfReaderTest, KeepsTheFirstReasonsAndCountsAll) {
  std::vector<std::string> records(100, "chr20 5 . A C . . . GT 0/7");
  VcfReport report = Check(MakeVcf("a", records));
  EXPECT_EQ(report.records, 100U);
  EXPECT_EQ(report.rejected, 100U);
  EXPECT_EQ(report.reasons.size(), kMaxReasonsPerCode);
  EXPECT_EQ(report.counts.at("ALLELE_INDEX"), 100U);
}

TEST_F(VcfReaderTest, ComparesRefWithTheReference) {
  WriteText(dir_ / "ref.fa", ">chr20\nACGTRACGT\n");
  WriteText(dir_ / "ref.fa.fai", "chr20\t9\t7\t9\t10\n");
  auto reference = Reference::Open(dir_ / "ref.fa");
  ASSERT_TRUE(reference.ok()) << Describe(reference.status());
  EXPECT_EQ((*reference)->Length("20"), 9);
  EXPECT_EQ(*(*reference)->Fetch("20", 7, 100), "GT");
  VcfReport report =
      Check(MakeVcf("a", {"chr20 1 . AC A . . . GT 0/1", "chr20 5 . G A . . . GT 0/1",
                          "chr20 6 . C A . . . GT 0/1", "chr20 9 . TT A . . . GT 0/1"}),
            reference->get());
  EXPECT_EQ(report.counts.at("REF_MISMATCH"), 2U);
  EXPECT_EQ(report.reasons[0].line, 12U);
  EXPECT_TRUE(report.fatal);
  EXPECT_EQ(Reason(Reference::Open(dir_ / "no.fa").status()), "REFERENCE_FAILED");
}

TEST_F(VcfReaderTest, RecognisesDamagedBgzip) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the 1000 Genomes file";
  std::string whole = ReadText(Kgp() / "1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz");
  ASSERT_GT(whole.size(), 100'000U);
  EXPECT_EQ(OnlyCode(Check(whole.substr(0, whole.size() - 28))),
            "TRUNCATED_BGZIP");  // the EOF block has 28 bytes
  EXPECT_EQ(OnlyCode(Check(whole.substr(0, whole.size() / 2))), "TRUNCATED_BGZIP");
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  EXPECT_EQ(OnlyCode(Check(damaged)), "CORRUPT_BGZIP_BLOCK");
  if (HasBcftools()) {
    std::string file = (dir_ / "x.vcf").string();
    WriteText(file, MakeVcf("a", {"chr20 9 . A C . . . GT 0/1"}));
    EXPECT_EQ(OnlyCode(Check(Output("gzip -c " + file))), "NOT_VCF");
    std::string bcf = Output("bcftools view -Ob " + file);
    EXPECT_EQ(Check(bcf).records, 1U);
    EXPECT_EQ(OnlyCode(Check(bcf)), "0 codes");
    EXPECT_EQ(OnlyCode(Check(bcf.substr(0, bcf.size() - 28))), "TRUNCATED_BGZIP");
    EXPECT_EQ(Check(Output("bcftools view -Ou " + file)).records, 1U);
  }
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
      std::size_t size = cut ? bytes.size() - 28 : bytes.size();
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

TEST_F(VcfReaderTest, SurvivesTheValidatorCorpus) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the vcf-validator corpus";
  int read = 0;
  int failed = 0;
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Kgp() / "validator")) {
    if (entry.path().extension() != ".vcf") continue;
    ++read;
    VcfReport report = CheckVcf(entry.path());
    bool bad = entry.path().string().find("failed") != std::string::npos;
    failed += bad ? 1 : 0;
    found += bad && !report.counts.empty() ? 1 : 0;
    // Valid files may have what genofed does not take: no samples, polyploid genotypes, telomeric
    // POS 0, contig names with other signs. The corpus's passed_body_alt.vcf has the genotype 0|1
    // without any ALT.
    if (!bad) {
      for (const auto& [code, count] : report.counts) {
        EXPECT_THAT(code, ::testing::AnyOf("NO_SAMPLES", "GT_MISSING", "PLOIDY", "ALLELE_INDEX",
                                           "BAD_CONTIG", "POS_OUT_OF_RANGE"))
            << entry.path() << " " << report.reasons[0].message << " " << report.reasons[0].line;
      }
    }
  }
  RecordProperty("invalid_files", failed);
  RecordProperty("invalid_files_with_reason", found);
  std::printf("%d of %d invalid files have a reason\n", found, failed);
  EXPECT_EQ(read, 429);  // 48 valid and 381 invalid ones
}

TEST_F(VcfReaderTest, SurvivesMutatedFiles) {
  // Deterministic bit flips in a BCF and a VCF: every outcome is fine except a crash.
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
      Check(mutated);
    }
  }
}

}  // namespace
}  // namespace genofed::genomics
