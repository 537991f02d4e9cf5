// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_vcf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "libs/genomics/norm_test_support.h"

namespace genofed::genomics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHeader[] =
    "##fileformat=VCFv4.3\n##contig=<ID=1>\n"
    "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"x, \"\">\n"
    "##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n"
    "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"x\">\n"
    "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n"
    "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n"
    "##FORMAT=<ID=PL,Number=G,Type=Integer,Description=\"x\">\n";

// Records with their fields separated by spaces.
std::string Vcf(int samples, const std::vector<std::string>& records) {
  std::string text = std::string(kHeader) + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (samples > 0) text += "\tFORMAT";
  for (int i = 0; i < samples; ++i) text += "\ts" + std::to_string(i);
  text += "\n";
  for (std::string record : records) {
    std::replace(record.begin(), record.end(), ' ', '\t');
    text += record + "\n";
  }
  return text;
}

std::vector<std::string> Spaced(std::vector<std::string> records) {
  for (std::string& record : records) std::replace(record.begin(), record.end(), '\t', ' ');
  return records;
}

NormaliseOptions Splitting() {
  NormaliseOptions options;
  options.multiallelics = Multiallelics::kSplit;
  return options;
}

TEST(NormVcf, LeavesAloneWhatNeedsNothing) {
  std::string record = "1 5 rs1 A C . q10 AC=;DB;X=1,2 GT:AD 0/1:1,2 .";
  auto got = NormaliseText(Vcf(2, {record}), NormaliseOptions());
  EXPECT_TRUE(got.status.ok());
  EXPECT_THAT(Spaced(got.records), ElementsAre(record));
  EXPECT_EQ(got.report.records, 1U);
  EXPECT_EQ(got.report.written, 1U);
}

// AN and AC of the original genotypes: alleles 0, 1, 2 are called 1, 3, 2 times of 6.
TEST(NormVcf, CountsOnTheOriginalRecord) {
  NormaliseOptions options = Splitting();
  options.count_alleles = true;
  auto got = NormaliseText(Vcf(4, {"1 5 . A C,G . . . GT 1/2 0|1 2/1 ./."}), options);
  EXPECT_THAT(Spaced(got.records), ElementsAre("1 5 . A C . . AC=3;AN=6 GT 1/0 0|1 0/1 ./.",
                                               "1 5 . A G . . AC=2;AN=6 GT 0/1 0|0 1/0 ./."));
  options.other_allele = OtherAllele::kMissing;
  got = NormaliseText(Vcf(4, {"1 5 . A C,G . . . GT 1/2 0|1 2/1 ./."}), options);
  EXPECT_THAT(Spaced(got.records), ElementsAre("1 5 . A C . . AC=3;AN=6 GT 1/. 0|1 ./1 ./.",
                                               "1 5 . A G . . AC=2;AN=6 GT ./1 0|. 1/. ./."));
}

TEST(NormVcf, SplitsOnlyTheKindsAskedFor) {
  NormaliseOptions options = Splitting();
  options.multiallelic_kinds = ChangeKinds::kIndels;
  std::string snvs = "1 5 . A C,G . . .";
  auto got = NormaliseText(Vcf(0, {snvs, "1 6 . A AC,G . . ."}), options);
  EXPECT_THAT(Spaced(got.records), ElementsAre(snvs, "1 6 . A AC . . .", "1 6 . A G . . ."));
}

// When REF and ALT change places so do depths and likelihoods: PL is in the order 00, 01, 11.
TEST(NormVcf, SwapsValuesWithTheAlleles) {
  TextReference reference("1", "GGGGCGG");
  NormaliseOptions options;
  options.on_mismatch = ReferenceMismatch::kSet;
  auto got = NormaliseText(Vcf(1, {"1 5 . T C . . AC=1;AN=2;AF=0.25 GT:AD:PL 0|1:7,9:10,0,30"}),
                           options, &reference);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 5 . C T . . AC=1;AN=2;AF=. GT:AD:PL 1|0:9,7:30,0,10"));
  EXPECT_EQ(got.report.reference_set, 1U);
}

TEST(NormVcf, ReportsMismatchesWithoutQuotingThem) {
  TextReference reference("1", "GGGGCGG");
  std::string vcf =
      Vcf(0, {"1 5 . T A . . .", "1 6 . G X . . .", "9 1 . A C . . .", "1 7 . G T . . ."});
  NormaliseOptions options;
  auto failed = NormaliseText(vcf, options, &reference);
  EXPECT_EQ(Reason(failed.status), "REF_MISMATCH");
  EXPECT_EQ(Fields(failed.status)[0].field, "line 10, REF");
  options.on_mismatch = ReferenceMismatch::kKeep;
  auto kept = NormaliseText(vcf, options, &reference);
  EXPECT_EQ(kept.records, RecordsOf(vcf));
  EXPECT_EQ(kept.report.findings.size(), 3U);
  options.on_mismatch = ReferenceMismatch::kExclude;
  auto excluded = NormaliseText(vcf, options, &reference);
  EXPECT_THAT(Spaced(excluded.records), ElementsAre("1 7 . G T . . ."));
  EXPECT_EQ(excluded.report.excluded, 3U);
  ASSERT_EQ(excluded.report.findings.size(), 3U);
  EXPECT_EQ(excluded.report.findings[0].code, "REF_MISMATCH");
  EXPECT_EQ(excluded.report.findings[0].line, 10);
  EXPECT_EQ(excluded.report.findings[1].code, "BAD_ALLELE");
  EXPECT_EQ(excluded.report.findings[2].code, "CONTIG_UNKNOWN");
}

// GCA to TCG is two single changes; C to CA is one of its own. Depths of alleles with the same
// change are added up.
TEST(NormVcf, Atomises) {
  NormaliseOptions options;
  options.atomise = true;
  auto got = NormaliseText(Vcf(1, {"1 5 . GCA TCG,TCA . . . GT:AD 1|2:1,2,4"}), options);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 5 . G T . . . GT:AD 1|1:1,6", "1 7 . A G . . . GT:AD 1|0:1,2"));
  // A deletion over the place of a single change: its carriers read "*", or missing.
  got = NormaliseText(Vcf(1, {"1 5 . ACA AGA,A . . . GT 1/2"}), options);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 5 . ACA A,* . . . GT 2/1", "1 6 . C G,* . . . GT 1/2"));
  options.atom_overlap_missing = true;
  got = NormaliseText(Vcf(1, {"1 5 . ACA AGA,A . . . GT 1/2"}), options);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 5 . ACA A . . . GT ./1", "1 6 . C G . . . GT 1/."));
  got = NormaliseText(Vcf(0, {"1 5 . A <DEL>,C . . ."}), options);
  EXPECT_THAT(Spaced(got.records), ElementsAre("1 5 . A <DEL>,C . . ."));
}

TEST(NormVcf, JoinsWithTheLongestReference) {
  NormaliseOptions options;
  options.multiallelics = Multiallelics::kJoin;
  options.multiallelic_kinds = ChangeKinds::kAny;
  auto got = NormaliseText(Vcf(2, {"1 5 a C T 10 PASS . GT:AD 0|1:3,4 .:.",
                                   "1 5 b CA C 20 q10 DB GT:PL 1|0:1,2,3 1/1:4,5,6"}),
                           options);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 5 a;b CA TA,C 20 q10 DB GT:AD:PL 2|1:3,4,.:1,.,.,2,.,3 "
                          "2/2:.:4,.,.,5,.,6"));
  EXPECT_EQ(got.report.joined, 1U);
  auto conflict = NormaliseText(Vcf(0, {"1 5 a C T . . .", "1 5 b G T . . ."}), options);
  EXPECT_EQ(Reason(conflict.status), "REF_CONFLICT");
}

TEST(NormVcf, PutsMovedRecordsIntoOrder) {
  TextReference reference("1", "GATTTTTTTTTTC");
  std::vector<std::string> records = {"1 3 . T G . . .", "1 12 . TC T . . .", "1 12 . TC C . . ."};
  NormaliseOptions options;
  auto got = NormaliseText(Vcf(0, records), options, &reference);
  EXPECT_THAT(Spaced(got.records),
              ElementsAre("1 2 . AT A . . .", "1 3 . T G . . .", "1 12 . TC T . . ."));
  EXPECT_EQ(got.report.out_of_order, 0U);
  EXPECT_EQ(got.report.moved, 1U);
  // A window that is too small is owned up to.
  options.window = 1;
  got = NormaliseText(Vcf(0, records), options, &reference);
  EXPECT_EQ(got.report.out_of_order, 1U);
}

TEST(NormVcf, BoundsItsMemory) {
  NormaliseOptions options;
  options.max_window_bytes = 1 << 20;
  std::vector<std::string> records(3000, "1 5 . A C . . .");
  auto got = NormaliseText(Vcf(0, records), options);
  EXPECT_EQ(Reason(got.status), "WINDOW_TOO_LARGE");
  for (std::size_t i = 0; i < records.size(); ++i)
    records[i] = "1 " + std::to_string(5 + 2000 * i) + " . A C . . .";
  EXPECT_TRUE(NormaliseText(Vcf(0, records), options).status.ok());
}

TEST(NormVcf, BadInputGetsLineAndField) {
  NormaliseOptions join;
  join.multiallelics = Multiallelics::kJoin;
  NormaliseOptions sum = Splitting();
  sum.keep_depth_sum = true;
  struct Case {
    std::string record;
    NormaliseOptions options;
    std::string reason, field;
  };
  const Case cases[] = {
      {"1 5 . A C . .", {}, "MALFORMED_RECORD", "line 10, record"},
      {"1 5 . A C . . . GT", {}, "MALFORMED_RECORD", "line 10, record"},
      {"1 x . A C . . . GT 0/1", {}, "MALFORMED_RECORD", "line 10, POS"},
      {"1 -5 . A C . . . GT 0/1", {}, "MALFORMED_RECORD", "line 10, POS"},
      {"1 5 . A C,,G . . . GT 0/1", {}, "MALFORMED_RECORD", "line 10, REF/ALT"},
      {"1 5 . A C,G . . AF=1 GT 0/1", Splitting(), "VECTOR_LENGTH", "line 10, INFO/AF"},
      {"1 5 . A C,G . . . GT:AD 0/1:1,2", Splitting(), "VECTOR_LENGTH", "line 10, FORMAT/AD"},
      {"1 5 . A C,G . . . GT:PL 0/1:1,2,3,4", Splitting(), "VECTOR_LENGTH", "line 10, FORMAT/PL"},
      {"1 5 . A C,G . . . GT:AD 0/1:1,x,3", sum, "MALFORMED_RECORD", "line 10, FORMAT/AD"},
      {"1 5 . A C,G . . . GT 0/3", Splitting(), "ALLELE_INDEX", "line 10, FORMAT/GT"},
      {"1 5 . A C,G . . . GT 0/99999", Splitting(), "MALFORMED_RECORD", "line 10, FORMAT/GT"},
      {"1 5 . A C,G . . . GT 0//1", Splitting(), "MALFORMED_RECORD", "line 10, FORMAT/GT"},
      {"1 5 . A C,G . . . GT 0/1:3", Splitting(), "MALFORMED_RECORD", "line 10, FORMAT"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.record);
    auto got = NormaliseText(Vcf(1, {one.record}), one.options);
    EXPECT_EQ(Reason(got.status), one.reason) << Describe(got.status);
    ASSERT_FALSE(Fields(got.status).empty());
    EXPECT_EQ(Fields(got.status)[0].field, one.field);
  }
  EXPECT_EQ(Reason(NormaliseText("1\t5\n", {}).status), "BAD_HEADER");
  EXPECT_EQ(Reason(NormaliseText("##fileformat=VCFv4.2\n", {}).status), "BAD_HEADER");
  NormaliseOptions tag;
  tag.original_field = "A;B";
  EXPECT_EQ(Reason(NormaliseText(Vcf(0, {}), tag).status), "OPTIONS_INVALID");
}

}  // namespace
}  // namespace genofed::genomics
