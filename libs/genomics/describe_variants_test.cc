// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/describe_variants.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <stop_token>

#include "libs/genomics/norm_test_support.h"

namespace genofed::genomics {
namespace {

using testing::ElementsAre;

struct Answer {
  Status status;
  std::vector<DescribedVariant> variants;
  DescribeReport report;

  std::vector<std::string> Codes() const {
    std::vector<std::string> codes;
    for (const Finding& finding : report.findings) codes.push_back(finding.code);
    return codes;
  }
};

// Describes a VCF whose records have their fields separated by spaces.
Answer Describe(std::string_view contigs, std::string columns, std::vector<std::string> records,
                const DescribeOptions& options) {
  std::string text = "##fileformat=VCFv4.2\n" + std::string(contigs);
  records.insert(records.begin(), "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT " + columns);
  for (std::string& record : records) {
    std::replace(record.begin(), record.end(), ' ', '\t');
    text += record + "\n";
  }
  TempDir temp;
  auto path = WriteText(temp / "patient.vcf", text);
  Answer answer;
  auto report = DescribeVariants(Context::Background(), ::open(path.c_str(), O_RDONLY | O_CLOEXEC), "patient.vcf", options,
                                 [&](const DescribedVariant& one) {
                                   answer.variants.push_back(one);
                                   return absl::OkStatus();
                                 });
  answer.status = report.status();
  if (report.ok()) answer.report = *std::move(report);
  return answer;
}

constexpr char kGrch38[] = "##contig=<ID=chr19,length=58617616>\n";

// Identifiers as vrs-python gives them (vrs_test.cc).
TEST(DescribeVariants, WithoutReferenceNamesSubstitutionsOnly) {
  auto got =
      Describe(kGrch38, "s",
               {"chr19 28946400 . T C 50 PASS . GT:DP 1/1:9",
                "chr19 54220024 . G *,A 50 q10 . GT 1|2", "chr19 54220030 . CA C 50 PASS . GT 0/1"},
               {});
  ASSERT_TRUE(got.status.ok()) << genofed::Describe(got.status);
  ASSERT_EQ(got.variants.size(), 3U);
  const DescribedVariant& first = got.variants[0];
  EXPECT_EQ(FormatVariant(first.variant), "19-28946400-T-C");
  EXPECT_EQ(first.hgvs, "NC_000019.10:g.28946400T>C");
  EXPECT_EQ(first.vrs_1_3, "ga4gh:VA.RV4gnaEgTH5jghr1mEutXUQAwYLlmDn2");
  EXPECT_EQ(first.vrs_2_0, "ga4gh:VA.uV5O4M9zpiwk6sftOd-EDvtw_pkSAvdf");
  EXPECT_EQ(first.zygosity, Zygosity::kHomozygous);
  EXPECT_EQ(first.genotype, "1/1");
  EXPECT_EQ(first.line, 4U);
  const DescribedVariant& second = got.variants[1];
  EXPECT_EQ(second.vrs_2_0, "ga4gh:VA.I7J3i1B36BACEUINcTwEh7uMv3I-PXT1");
  EXPECT_EQ(second.zygosity, Zygosity::kHeterozygous);
  EXPECT_EQ(second.genotype, "1|2");
  EXPECT_EQ(second.filter, "q10");
  EXPECT_EQ(got.variants[2].hgvs, "");
  EXPECT_EQ(got.variants[2].vrs_2_0, "");
  EXPECT_EQ(got.variants[2].not_given, "REFERENCE_NEEDED");
  EXPECT_THAT(got.Codes(), ElementsAre("NOT_LEFT_ALIGNED", "ALLELE_NOT_DESCRIBED"));
}

TEST(DescribeVariants, CountsCopies) {
  auto got = Describe(
      kGrch38, "s",
      {"chr19 10 . T C . . . GT 0/0", "chr19 11 . T C . . . GT ./.", "chr19 12 . T C . . . GT 1",
       "chr19 13 . T C,G . . . GT 1/2", "chr19 14 . T C . . . GT ./1"},
      {});
  ASSERT_EQ(got.variants.size(), 4U);
  EXPECT_EQ(got.variants[0].zygosity, Zygosity::kHemizygous);
  EXPECT_EQ(FormatVariant(got.variants[1].variant), "19-13-T-C");
  EXPECT_EQ(FormatVariant(got.variants[2].variant), "19-13-T-G");
  EXPECT_EQ(got.variants[2].zygosity, Zygosity::kHeterozygous);
  EXPECT_THAT(got.Codes(), ElementsAre("NOT_LEFT_ALIGNED", "HALF_CALLED"));
}

// m.9 to m.12 are four C: VCF writes their deletion at the first, HGVS at the last.
TEST(DescribeVariants, WithReferenceAlignsAndCompares) {
  SparseReference reference("MT", 16569, {{0, "GATCACAGCCCCT"}});
  DescribeOptions options;
  options.assembly = Assembly::kGrch38;
  options.reference = &reference;
  auto got = Describe(
      "", "s", {"MT 10 . CC C . . . GT 0/1", "MT 11 . G C . . . GT 0/1", "MT 12 . C CC . . . GT 1"},
      options);
  ASSERT_TRUE(got.status.ok()) << genofed::Describe(got.status);
  ASSERT_EQ(got.variants.size(), 2U);
  EXPECT_EQ(FormatVariant(got.variants[0].variant), "MT-8-GC-G");
  EXPECT_EQ(got.variants[0].hgvs, "NC_012920.1:m.12del");
  EXPECT_EQ(FormatVariant(got.variants[1].variant), "MT-8-G-GC");
  EXPECT_EQ(got.variants[1].hgvs, "NC_012920.1:m.12dup");
  EXPECT_TRUE(got.variants[1].vrs_2_0.starts_with("ga4gh:VA."));
  // The other bases of this reference are not those of the mitochondrial genome.
  EXPECT_THAT(got.Codes(), ElementsAre("REF_MISMATCH", "REFERENCE_NOT_OF_ASSEMBLY"));
}

TEST(DescribeVariants, GivesNoNamesOfAnAssemblyItDoesNotKnow) {
  auto unknown = Describe("", "s", {"chr19 10 . T C . . . GT 0/1"}, {});
  ASSERT_EQ(unknown.variants.size(), 1U);
  EXPECT_EQ(unknown.variants[0].hgvs, "");
  EXPECT_EQ(unknown.variants[0].not_given, "ASSEMBLY_UNKNOWN");
  // hg19 has a mitochondrial genome of its own, two bases longer.
  DescribeOptions options;
  options.assembly = Assembly::kGrch37;
  auto hg19 =
      Describe("##contig=<ID=chrM,length=16571>\n", "s", {"chrM 10 . T C . . . GT 0/1"}, options);
  ASSERT_EQ(hg19.variants.size(), 1U) << genofed::Describe(hg19.status);
  EXPECT_EQ(hg19.variants[0].hgvs, "");
  EXPECT_EQ(hg19.variants[0].vrs_2_0, "");
  EXPECT_EQ(hg19.variants[0].not_given, "SEQUENCE_UNKNOWN");
  EXPECT_THAT(hg19.Codes(), ElementsAre("NOT_LEFT_ALIGNED", "CONTIG_NOT_OF_ASSEMBLY"));
}

TEST(DescribeVariants, RefusesOtherFiles) {
  EXPECT_EQ(Reason(Describe(kGrch38, "a b", {}, {}).status), "SAMPLES_NOT_ONE");
  DescribeOptions options;
  options.assembly = Assembly::kGrch37;
  EXPECT_EQ(Reason(Describe(kGrch38, "s", {}, options).status), "ASSEMBLY_CONFLICT");
  TempDir temp;
  auto path = WriteText(temp / "note.txt", "hello");
  auto report = DescribeVariants(Context::Background(), ::open(path.c_str(), O_RDONLY | O_CLOEXEC), "note.txt", {},
                                 [](const DescribedVariant&) { return absl::OkStatus(); });
  EXPECT_EQ(Reason(report.status()), "NOT_VCF");
}

// Also where no record is of interest: a small file may hold very many of them.
TEST(DescribeVariants, EndsWhenNobodyWaits) {
  std::stop_source stop;
  stop.request_stop();
  const Context gone = Context::Background().WithStop(stop.get_token());
  for (const char* record : {"chr19\t10\t.\tT\tC\t.\t.\t.\tGT\t0/0\n",
                             "HLA-A\t10\t.\tT\tC\t.\t.\t.\tGT\t0/0\n"}) {
    std::string text = "##fileformat=VCFv4.2\n" + std::string(kGrch38) +
                       "##contig=<ID=HLA-A,length=100>\n"
                       "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts\n";
    for (int i = 0; i < 5000; ++i) text += record;
    TempDir temp;
    auto path = WriteText(temp / "patient.vcf", text);
    std::atomic<std::int64_t> read = 0;
    DescribeOptions options;
    options.records_read = &read;
    auto report = DescribeVariants(gone, ::open(path.c_str(), O_RDONLY | O_CLOEXEC), "patient.vcf",
                                   options, [](const DescribedVariant&) { return absl::OkStatus(); });
    EXPECT_EQ(report.status().code(), StatusCode::kCancelled) << record;
    EXPECT_LT(read, 5000);
  }
}

// The form is a promise to programs.
TEST(DescribeVariants, AsJson) {
  DescribedVariant one;
  one.line = 4;
  one.variant = {"19", 28946399, "T", "C"};
  one.genotype = "1/1";
  one.zygosity = Zygosity::kHomozygous;
  one.filter = "q\"10\xff";
  one.hgvs = "NC_000019.10:g.28946400T>C";
  EXPECT_EQ(VariantJson(one),
            R"({"line":4,"contig":"19","position":28946400,"ref":"T","alt":"C","genotype":"1/1",)"
            R"("zygosity":"homozygous","filter":"q\"10�","hgvs":"NC_000019.10:g.28946400T>C",)"
            R"("vrs_1_3":null,"vrs_2_0":null,"not_given":null})");
  DescribeReport report;
  report.records = 9;
  report.variants = 5;
  report.findings = {{Severity::kWarning, "REF_MISMATCH", "patient.vcf", 7, "REF", "differs", 2}};
  EXPECT_EQ(SummaryJson("patient.vcf", report),
            R"({"summary":{"file":"patient.vcf","assembly":null,"reference":false,"records":9,"variants":5,)"
            R"("findings":[{"severity":"warning","code":"REF_MISMATCH","line":7,"field":"REF",)"
            R"("message":"differs","count":2}]}})");
}

}  // namespace
}  // namespace genofed::genomics
