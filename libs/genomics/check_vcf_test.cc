// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/check_vcf.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "libs/core/strings.h"
#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

std::string Verdict(const VcfReport& report) {
  std::string verdict = "accept";
  for (const Finding& finding : report.findings) {
    if (finding.severity == Severity::kError) return "reject";
    if (finding.severity == Severity::kWarning) verdict = "quarantine";
  }
  return verdict;
}

std::vector<std::string> Codes(const VcfReport& report) {
  std::vector<std::string> codes;
  for (const Finding& finding : report.findings) {
    if (codes.empty() || codes.back() != finding.code) codes.push_back(finding.code);
  }
  return codes;
}

class CheckVcfTest : public ::testing::Test {
 protected:
  VcfReport Check(const std::string& text, const CheckVcfOptions& options = {}) {
    return CheckVcf(WriteText(dir_ / "in.vcf", text), options);
  }
  // A reference with the contigs chr20 and chrM.
  std::unique_ptr<Reference> SmallReference() {
    WriteText(dir_ / "ref.fa", ">chr20\nACGTRACGT\n>chrM\nACGT\n");
    WriteText(dir_ / "ref.fa.fai", "chr20\t9\t7\t9\t10\nchrM\t4\t23\t4\t5\n");
    auto reference = Reference::Open(dir_ / "ref.fa");
    EXPECT_TRUE(reference.ok()) << Describe(reference.status());
    return *std::move(reference);
  }
  std::string Kgp() const {
    return (SharedDir() / "vcf/1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz").string();
  }
  TempDir dir_;
};

// --- The 429 files of EBIvariation/vcf-validator -------------------------------------------------

struct Expected {
  std::string code;
  std::string field;
  std::int64_t line = 0;
};

// What is wrong with a file of `failed`, taken from its name, from the line ##CauseOfFailure that
// most have, and from reading those whose cause does not tell the key.
struct Family {
  const char* prefix;  // of the file name
  const char* cause;   // part of the cause; empty matches all
  const char* code;
  const char* field;  // "*": with the key that the cause names as its second word
  std::int64_t line;  // 0: the first record; -1: the line behind ##CauseOfFailure
};

// The first that matches counts.
const Family kFamilies[] = {
    {"failed_fileformat", "", "BAD_HEADER", "##fileformat", 1},
    {"failed_header", "", "BAD_HEADER", "#CHROM", 2},
    {"failed_body_alt", "", "BAD_ALLELE", "ALT", 0},
    {"failed_body_chrom", "", "BAD_CONTIG", "CHROM", 0},
    {"failed_body_contiguous", "", "UNSORTED", "CHROM", 9},
    {"failed_body_duplicated_001", "", "DUPLICATE_RECORD", "ALT", 6},
    {"failed_body_duplicated", "", "DUPLICATE_RECORD", "ALT", 5},
    {"failed_body_filter", "", "BAD_FILTER", "FILTER", 0},
    {"failed_body_format_004", "", "BAD_GENOTYPE", "FORMAT/GT", 0},
    {"failed_body_format", "", "BAD_FORMAT", "FORMAT", 0},
    {"failed_body_id", "", "BAD_ID", "ID", 0},
    {"failed_body_info_036", "", "INFO_RANGE", "INFO/AC", 5},
    {"failed_body_info_029", "Number", "INFO_TYPE", "INFO/MY", 0},
    {"failed_body_info", "whitespace", "BAD_INFO", "INFO", 0},
    {"failed_body_info", "Number definition", "INFO_COUNT", "INFO/MY", 0},
    {"failed_body_info", "Type definition", "INFO_TYPE", "INFO/MY", 0},
    {"failed_body_info", "comma", "INFO_COUNT", "INFO/*", 0},
    {"failed_body_info", "negative", "INFO_RANGE", "INFO/*", 0},
    {"failed_body_info", "CIGAR", "INFO_RANGE", "INFO/*", 0},
    {"failed_body_info", "", "INFO_TYPE", "INFO/*", 0},
    {"failed_body_pos", "", "BAD_POS", "POS", 0},
    {"failed_body_qual", "", "BAD_QUAL", "QUAL", 0},
    {"failed_body_ref", "", "BAD_ALLELE", "REF", 0},
    {"failed_body_samples_ploidy", "", "SAMPLE_VALUE_COUNT", "FORMAT/PL", 0},
    {"failed_body_sample_", "not unique", "DUPLICATE_SAMPLE", "#CHROM", 3},
    {"failed_body_sample_001", "", "ALLELE_INDEX", "FORMAT/GT", 0},
    {"failed_body_sample_", "genotype", "BAD_GENOTYPE", "FORMAT/GT", 0},
    {"failed_body_sample_003", "", "MALFORMED_RECORD", "FORMAT", 0},
    {"failed_body_sample_004", "", "SAMPLE_VALUE_COUNT", "FORMAT/DS", 0},
    {"failed_body_sample_", "Number definition", "SAMPLE_VALUE_COUNT", "FORMAT/AL", 0},
    {"failed_body_sample_", "Type definition", "SAMPLE_VALUE_TYPE", "FORMAT/DS", 0},
    {"failed_body_unsorted", "", "UNSORTED", "POS", 8},
    {"failed_meta_000", "", "BAD_META_LINE", "##", -1},
    {"failed_meta_003", "", "BAD_META_LINE", "##INFO", -1},
    {"failed_meta_004", "", "BAD_HEADER", "", -1},
    {"failed_meta_005", "", "BAD_HEADER", "", -1},
    {"failed_meta_007", "", "BAD_META_LINE", "##FORMAT", -1},
    {"failed_meta_008", "", "BAD_META_LINE", "##INFO", -1},
    {"failed_meta_009", "", "BAD_META_LINE", "##reference", -1},
    {"failed_meta_0", "", "BAD_META_LINE", "##ALT", -1},
    {"failed_meta_alt", "comma", "BAD_META_LINE", "##ALT", -1},
    {"failed_meta_alt", "angle bracket", "BAD_META_LINE", "##ALT", -1},
    {"failed_meta_alt", "", "BAD_DEFINITION", "##ALT", -1},
    {"failed_meta_assembly", "", "BAD_META_LINE", "##assembly", -1},
    {"failed_meta_contig", "comma", "BAD_META_LINE", "##contig", -1},
    {"failed_meta_contig", "", "BAD_DEFINITION", "##contig", -1},
    {"failed_meta_format", "GLE Type", "BAD_DEFINITION", "##FORMAT", -1},  // it is Flag
    {"failed_meta_format", " is not ", "RESERVED_KEY_MISDECLARED", "##FORMAT/*", -1},
    {"failed_meta_format_004", "", "RESERVED_KEY_MISDECLARED", "##FORMAT/DP", -1},
    {"failed_meta_format", "", "BAD_DEFINITION", "##FORMAT", -1},
    {"failed_meta_info", " is not ", "RESERVED_KEY_MISDECLARED", "##INFO/*", -1},
    {"failed_meta_info_004", "", "RESERVED_KEY_MISDECLARED", "##INFO/DP", -1},
    {"failed_meta_info", "", "BAD_DEFINITION", "##INFO", -1},
    {"failed_meta_pedigree_", "", "BAD_DEFINITION", "##PEDIGREE", -1},
    {"failed_meta_pedigreedb", "", "BAD_META_LINE", "##pedigreeDB", -1},
    {"failed_meta_sample", "", "BAD_DEFINITION", "##SAMPLE", -1},
};

Expected ExpectedOf(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::string cause;
  std::int64_t cause_line = 0;
  std::int64_t first_record = 0;
  std::int64_t number = 0;
  std::string text = ReadText(path);
  for (std::string_view line : Split(text, '\n')) {
    ++number;
    if (line.starts_with("##CauseOfFailure=")) {
      cause = line.substr(17);
      cause_line = number;
    }
    if (!line.starts_with('#') && first_record == 0) first_record = number;
  }
  for (const Family& family : kFamilies) {
    if (!name.starts_with(family.prefix) || cause.find(family.cause) == std::string::npos) continue;
    Expected expected{family.code, family.field, family.line};
    if (expected.line == 0) expected.line = first_record;
    if (expected.line == -1) expected.line = cause_line + 1;
    if (expected.field.ends_with('*')) {
      expected.field.pop_back();
      expected.field += Split(cause, ' ')[1];
    }
    return expected;
  }
  return {};
}

TEST_F(CheckVcfTest, JudgesTheValidatorCorpusRightly) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the vcf-validator corpus";
  int valid = 0;
  int invalid = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(SharedDir() / "vcf" / "validator")) {
    if (entry.path().extension() != ".vcf") continue;
    SCOPED_TRACE(entry.path().string());
    VcfReport report = CheckVcf(entry.path());
    if (entry.path().parent_path().filename() == "passed") {
      ++valid;
      EXPECT_EQ(Verdict(report), "accept") << ::testing::PrintToString(Codes(report));
      continue;
    }
    ++invalid;
    EXPECT_NE(Verdict(report), "accept");
    Expected expected = ExpectedOf(entry.path());
    bool found =
        std::any_of(report.findings.begin(), report.findings.end(), [&](const Finding& finding) {
          return finding.severity != Severity::kNote && finding.code == expected.code &&
                 finding.field == expected.field && finding.line == expected.line;
        });
    EXPECT_TRUE(found) << "expected " << expected.code << " " << expected.field << " in line "
                       << expected.line;
  }
  EXPECT_EQ(valid, 48);
  EXPECT_EQ(invalid, 381);
}

// --- Files that hospitals have -------------------------------------------------------------------

TEST_F(CheckVcfTest, AcceptsRealFiles) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR";
  VcfReport kgp = CheckVcf(Kgp());
  EXPECT_EQ(Verdict(kgp), "accept");
  EXPECT_EQ(kgp.accepted, 24'990U);
  EXPECT_EQ(kgp.samples.size(), 300U);
  EXPECT_THAT(Codes(kgp),
              ::testing::ElementsAre("RESERVED_KEY_LOOSE"));  // AC is declared with Number=1
  EXPECT_EQ(Verdict(CheckVcf(SharedDir() / "etl-equivalence/cohort.vcf")), "accept");
  for (const auto& entry : std::filesystem::directory_iterator(SharedDir() / "vcf/norm")) {
    if (entry.path().extension() != ".vcf") continue;
    EXPECT_NE(Verdict(CheckVcf(entry.path())), "reject") << entry.path();
  }
  auto htsget = SharedDir().parent_path() / "specs/crypt4gh/htsget-rs";
  for (const char* file : {"vcf/sample1-bcbio-cancer.vcf.gz", "vcf/spec-v4.3.vcf.gz",
                           "bcf/sample1-bcbio-cancer.bcf", "bcf/spec-v4.3.bcf"}) {
    EXPECT_EQ(Verdict(CheckVcf(htsget / file)), "accept") << file;
  }
}

TEST_F(CheckVcfTest, JudgesBcfLikeItsText) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools";
  std::string vcf =
      MakeVcf("a b", {"chr20 5 rs1 A C,<DEL> 30.5 PASS . GT:DP:NOTE 0/1:3:x 1|2:.:.",
                      "chr20 6 . AT A . q10 . GT:DP 1:-7 ./.:300",
                      "chr20 7 . A C . . . GT 0/1/1 0/0", "chr20 8 . A . . . . GT 0/0 ."});
  std::string file = WriteText(dir_ / "x.vcf", vcf).string();
  for (std::string mode : {"u", "b0", "b", "b9"}) {
    VcfReport report = Check(Output("bcftools view --no-version -O" + mode + " " + file));
    EXPECT_EQ(Verdict(report), "accept") << mode;
    EXPECT_EQ(report.accepted, 4U);
    EXPECT_THAT(Codes(report), ::testing::ElementsAre("PLOIDY"));
    EXPECT_EQ(report.findings[0].line,
              CheckVcf(file).findings[0].line + 1);  // bcftools adds a line for PASS
  }
  std::string bcf = Output("bcftools view -Ou " + file);
  // Not compressed, so without an end-of-file block: cut inside of the last record.
  EXPECT_THAT(Codes(Check(bcf.substr(0, bcf.size() - 10))),
              ::testing::ElementsAre("CORRUPT_BCF", "PLOIDY"));
}

TEST_F(CheckVcfTest, ABcfCannotForgeColumnsOrTakeMemory) {
  if (!HasBcftools()) GTEST_SKIP() << "needs /usr/bin/bcftools";
  std::string file =
      WriteText(dir_ / "x.vcf",
                MakeVcf("a", {"chr20 5 rsX A C . . . GT 0/1", "chr20 6 . A C . . . GT 0/1"}))
          .string();
  std::string bcf = Output("bcftools view --no-version -Ou " + file);
  std::size_t id = bcf.find("rsX");
  ASSERT_NE(id, std::string::npos);
  std::string forged = bcf;
  forged[id] = '\t';
  std::string raw;
  VcfReport report =
      Check(forged, {.on_set_aside = [&](const Finding& finding, std::string_view bytes) {
              EXPECT_EQ(finding.code, "MALFORMED_RECORD");
              EXPECT_EQ(finding.line, 11);  // bcftools adds a line for PASS
              raw = bytes;
            }});
  EXPECT_EQ(report.set_aside, 1U);
  EXPECT_EQ(report.accepted, 1U);
  EXPECT_NE(raw.find("\tsX"), std::string::npos);
  // The record's lengths (BCF 2.2: l_shared, l_indiv) stand behind magic, l_text and text.
  std::uint32_t text = 0;
  std::memcpy(&text, bcf.data() + 5, sizeof text);
  std::string greedy = bcf;
  greedy.replace(9 + text, 8, "\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F");
  EXPECT_THAT(Codes(Check(greedy)), ::testing::ElementsAre("LINE_TOO_LONG"));
  greedy = bcf;
  greedy.replace(5, 4, "\xFF\xFF\xFF\x7F");
  EXPECT_THAT(Codes(Check(greedy)), ::testing::ElementsAre("BAD_HEADER"));
}

TEST_F(CheckVcfTest, RecognisesDamagedFiles) {
  if (SharedDir().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: the 1000 Genomes file";
  std::string whole = ReadText(Kgp());
  ASSERT_GT(whole.size(), 100'000U);
  // The end-of-file block has 28 bytes.
  EXPECT_THAT(Codes(Check(whole.substr(0, whole.size() - 28))),
              ::testing::ElementsAre("TRUNCATED_BGZIP"));
  EXPECT_THAT(Codes(Check(whole.substr(0, whole.size() / 2))),
              ::testing::ElementsAre("TRUNCATED_BGZIP"));
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  VcfReport report = Check(damaged);
  EXPECT_EQ(report.findings[0].code, "CORRUPT_BGZIP_BLOCK");
  EXPECT_GT(report.findings[0].line, 1'000);  // behind the last line that could be read
  EXPECT_GT(report.accepted, 1'000U);
}

TEST_F(CheckVcfTest, ReadsPlainGzipWithANote) {
  std::string file =
      WriteText(dir_ / "x.vcf", MakeVcf("a", {"chr20 9 . A C . . . GT 0/1"})).string();
  std::string gzip = Output("gzip -c " + file);
  ASSERT_GT(gzip.size(), 30U);
  VcfReport report = Check(gzip);
  EXPECT_THAT(Codes(report), ::testing::ElementsAre("PLAIN_GZIP"));
  EXPECT_EQ(report.accepted, 1U);
  EXPECT_EQ(Check(gzip.substr(0, gzip.size() - 20)).findings[0].code, "CORRUPT_BGZIP_BLOCK");
}

TEST_F(CheckVcfTest, ALineWithoutEndIsRefused) {
  std::string text = MakeVcf("a", {});
  text.append(65U << 20, 'A');
  VcfReport report = Check(text);
  EXPECT_EQ(report.findings[0].code, "LINE_TOO_LONG");
  EXPECT_EQ(report.findings[0].line, 10);
  EXPECT_EQ(Check("#" + text).findings[0].code, "BAD_HEADER");
}

TEST_F(CheckVcfTest, AnUnreadableFileIsAReportToo) {
  EXPECT_THAT(Codes(CheckVcf(dir_ / "missing.vcf")), ::testing::ElementsAre("READ_FAILED"));
  EXPECT_THAT(Codes(CheckVcf(dir_.path())), ::testing::ElementsAre("NOT_VCF"));
}

// --- The report ----------------------------------------------------------------------------------

TEST_F(CheckVcfTest, KeepsTheFirstFindingsAndCountsAll) {
  std::vector<std::string> records(100, "chr20 5 . A <INS> . . . GT 0/7");
  std::vector<std::string> lines;
  VcfReport report = Check(
      MakeVcf("a", records),
      {.file = "cohort.vcf", .on_set_aside = [&](const Finding& finding, std::string_view line) {
         EXPECT_EQ(finding.code, "ALLELE_INDEX");
         EXPECT_EQ(finding.line, 10 + static_cast<std::int64_t>(lines.size()));
         lines.emplace_back(line);
       }});
  EXPECT_EQ(lines, std::vector<std::string>(100, "chr20\t5\t.\tA\t<INS>\t.\t.\t.\tGT\t0/7"));
  EXPECT_EQ(report.set_aside, 100U);
  EXPECT_EQ(report.accepted, 0U);
  EXPECT_EQ(report.findings[0].code, "NO_RECORDS");
  EXPECT_EQ(report.findings[0].file, "cohort.vcf");
  std::int64_t counted = 0;
  for (const Finding& finding : report.findings)
    counted += finding.code == "ALLELE_INDEX" ? finding.count : 0;
  EXPECT_EQ(counted, 100);
  EXPECT_EQ(report.findings.size(), 1 + Findings::kMaxPerCode + 1);
}

TEST_F(CheckVcfTest, TellsWhatTheFileIs) {
  VcfReport report =
      Check(MakeVcf("a b", {"chr20 5 . A C,<NON_REF> . . . GT 0/1 0/0",
                            "chrX 7 . A C . . . GT 0 0/1", "chrX 8 . A C . . . DP 1 1"}));
  EXPECT_EQ(report.version, "VCFv4.2");
  EXPECT_EQ(report.samples, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(report.assembly, Assembly::kGrch38);
  EXPECT_EQ(report.assembly_evidence, "contig lengths");
  EXPECT_TRUE(report.is_gvcf);
  EXPECT_EQ(report.accepted, 2U);
  EXPECT_EQ(report.left_out, 1U);
  ASSERT_EQ(report.contigs.size(), 2U);
  EXPECT_EQ(report.contigs[1].name, "X");
  EXPECT_EQ(report.contigs[1].records, 2U);
  auto evidence = [&](const std::string& line) {
    std::string text =
        "##fileformat=VCFv4.2\n" + line + "\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
    return Check(text).assembly_evidence;
  };
  EXPECT_EQ(evidence("##contig=<ID=20,assembly=b37>"), "##contig assembly");
  EXPECT_EQ(evidence("##contig=<ID=CM000682.2>"), "contig accessions");
  EXPECT_EQ(evidence("##reference=file:///data/hg38.fa"), "##reference");
  EXPECT_EQ(evidence("##assembly=GRCh37"), "##assembly");
  EXPECT_EQ(evidence("##reference=hg19\n##assembly=GRCh38"), "");
}

TEST_F(CheckVcfTest, NeverQuotesTheFile) {
  VcfReport report = Check(
      MakeVcf("SECRETA SECRETB", {"SECRETC x SECRETD SECRETE C . SECRETF SECRETG=1 GT 0/1 0/0",
                                  "chr20 5 . A C . SECRETF SECRETG=1 GT:SECRETH 0/1:SECRETI 0/9"}));
  ASSERT_GE(report.findings.size(), 4U);
  for (const Finding& finding : report.findings) {
    EXPECT_EQ((finding.field + finding.message + finding.code).find("SECRET"), std::string::npos)
        << finding.message;
  }
}

// --- The reference genome ------------------------------------------------------------------------

TEST_F(CheckVcfTest, SetsAsideRecordsThatDifferFromTheReference) {
  auto reference = SmallReference();
  EXPECT_EQ(reference->Length("20"), 9);
  EXPECT_EQ(*reference->Fetch("20", 7, 100), "GT");
  // The R of the reference is A or G; the file says 20 and N where the FASTA says chr20 and C.
  VcfReport report = Check(MakeVcf("a", {"20 1 . AC A . . . GT 0/1", "20 2 . N A . . . GT 0/1",
                                         "20 3 . C A . . . GT 0/1", "20 5 . G A . . . GT 0/1",
                                         "20 9 . TT A . . . GT 0/1"}),
                           {.reference = reference.get()});
  EXPECT_EQ(Verdict(report), "quarantine");
  EXPECT_EQ(report.accepted, 3U);
  EXPECT_EQ(report.findings[0].code, "REF_MISMATCH");
  EXPECT_EQ(report.findings[0].line, 12);
  EXPECT_EQ(report.findings[0].field, "REF");
  EXPECT_EQ(report.findings[1].line, 14);
  EXPECT_EQ(report.contigs[0].compared, 5U);
  EXPECT_EQ(report.contigs[0].agreed, 3U);
}

TEST_F(CheckVcfTest, AnotherAssemblyIsOneFinding) {
  auto reference = SmallReference();
  VcfReport report =
      Check(MakeVcf("a", {"chr20 1 . G A . . . GT 0/1", "chr20 2 . C A . . . GT 0/1",
                          "chr20 3 . T A . . . GT 0/1", "chrX 3 . T A . . . GT 0/1"}),
            {.reference = reference.get()});
  EXPECT_EQ(Verdict(report), "reject");
  EXPECT_THAT(Codes(report), ::testing::ElementsAre("ASSEMBLY_MISMATCH", "NOT_IN_REFERENCE"));
  EXPECT_THAT(report.findings[0].message, ::testing::HasSubstr("1 of 3 records (33 %)"));
}

TEST_F(CheckVcfTest, AnotherMitochondrionIsNamed) {
  auto reference = SmallReference();
  VcfReport report = Check(MakeVcf("a", {"chr20 1 . A C . . . GT 0/1", "chr20 2 . C A . . . GT 0/1",
                                         "chr20 3 . G A . . . GT 0/1", "chrM 1 . T A . . . GT 1",
                                         "chrM 2 . A G . . . GT 1"}),
                           {.reference = reference.get()});
  EXPECT_EQ(Verdict(report), "quarantine");
  EXPECT_TRUE(
      std::any_of(report.findings.begin(), report.findings.end(), [](const Finding& finding) {
        return finding.code == "REF_MISMATCH" && finding.field == "CHROM" &&
               finding.message.find("0 of 2 records of contig MT") != std::string::npos;
      }));
}

TEST_F(CheckVcfTest, AReferenceThatCannotBeReadHasAReason) {
  EXPECT_EQ(Reason(Reference::Open(dir_ / "no.fa").status()), "REFERENCE_FAILED");
}

}  // namespace
}  // namespace genofed::genomics
