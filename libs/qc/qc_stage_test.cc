// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/qc_stage.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "libs/genomics/build_segment.h"
#include "libs/genomics/slow_cohort.h"
#include "libs/genomics/test_support.h"
#include "rapidcheck.h"

namespace genofed::qc {
namespace {

using genomics::MakeVcf;
using genomics::TempDir;
using genomics::WriteText;

// Everything that an accumulator was told, allele depths apart.
void ExpectSame(const Accumulator& a, const Accumulator& b) {
  RC_ASSERT(a.rows() == b.rows());
  RC_ASSERT(a.cohort() == b.cohort());
  RC_ASSERT(a.panel().Genotypes() == b.panel().Genotypes());
  for (std::uint32_t row = 0; row < a.rows(); ++row) {
    RC_ASSERT(a.HalfCalls(row) == b.HalfCalls(row));
    RC_ASSERT(a.Singletons(row) == b.Singletons(row));
    for (std::size_t region = 0; region < kRegions; ++region) {
      const auto at = static_cast<Region>(region);
      RC_ASSERT(a.NoCalls(row, at) == b.NoCalls(row, at));
      for (std::size_t kind = 0; kind < kAlleleKinds; ++kind) {
        for (Zygosity zygosity : {Zygosity::kHet, Zygosity::kHom, Zygosity::kHemi}) {
          const auto of = static_cast<AlleleKind>(kind);
          RC_ASSERT(a.Carried(row, at, of, zygosity) == b.Carried(row, at, of, zygosity));
        }
      }
    }
  }
}

// The definition: each allele of each record, person by person.
Accumulator Slowly(const std::filesystem::path& vcf, std::span<const std::int32_t> columns) {
  Accumulator counts(static_cast<std::uint32_t>(columns.size()));
  auto reader = *genomics::VcfReader::Open(vcf);
  genomics::VcfRecord record;
  while (*reader->Next(record) == genomics::VcfReader::Outcome::kRecord) {
    for (const genomics::SplitAllele& split : genomics::SplitRecord(record, nullptr)) {
      const auto sets = genomics::SlowCarriersOf(record, split.index, columns);
      const genomics::Variant& v = split.variant;
      counts.AddSite(DescribeSite(v.contig, v.pos, v.ref, v.alt, kParGrch38),
                     {sets.het, sets.hom, sets.hemi, sets.single, sets.nocall});
    }
  }
  return counts;
}

TEST(QcStage, OnePassCountsWhatTheDefinitionCounts) {
  EXPECT_TRUE(rc::check([](std::uint32_t seed) {
    std::mt19937 random(seed);
    constexpr std::array kGenotypes = {"0/0", "0/0", "0|1", "1/1", "1/2", "./.", "./1", "1", "0"};
    constexpr std::array kAlts = {"G", "C,G", "AT", "G,*", "C,<NON_REF>"};
    std::vector<std::string> records;
    for (std::uint32_t pos = 1000; pos < 900'000;
         pos += 1 + static_cast<std::uint32_t>(random() % 90'000)) {
      const bool x = pos > 600'000;
      const std::string alt = kAlts[random() % kAlts.size()];
      std::string line = fmt::format("chr{} {} . A {} . . . GT", x ? "X" : "20", pos * 4, alt);
      const std::size_t choices = kGenotypes.size() - (x ? 0 : 2);
      for (int i = 0; i < 5; ++i) {
        std::string genotype = kGenotypes[random() % choices];
        if (alt.find(',') == std::string::npos && genotype == "1/2") genotype = "0/1";
        line += " " + genotype;
      }
      records.push_back(line);
    }
    TempDir dir;
    const auto vcf = WriteText(dir / "in.vcf", MakeVcf("a b c d e", records));
    // In another order, without d, and with somebody whom the file lacks.
    const std::vector<std::string> rows = {"c", "a", "nobody", "e", "b"};
    const std::vector<std::int32_t> columns = {2, 0, -1, 4, 1};
    Accumulator counts(5);
    QcStage stage(counts, genomics::Assembly::kGrch38);
    genomics::SiteConsumer* stages[] = {&stage};
    RC_ASSERT(genomics::RunPass(vcf, rows, {}, stages).ok());
    ExpectSame(counts, Slowly(vcf, columns));
  }));
}

TEST(QcStage, JoinedFilesCountAsOneFileOfAll) {
  EXPECT_TRUE(rc::check([](std::uint32_t seed) {
    std::mt19937 random(seed);
    constexpr std::array kGenotypes = {"0/0", "0/0", "0/1", "1/1", "1/2", "./.", "./1"};
    std::vector<std::vector<std::string>> own(4);
    std::vector<std::string> all;
    for (std::uint32_t pos = 1000; pos < 900'000;
         pos += 1 + static_cast<std::uint32_t>(random() % 90'000)) {
      const std::string site =
          fmt::format("chr{} {} . A C,G . . . GT", pos > 700'000 ? "X" : "20", pos * 4);
      std::string line = site;
      bool listed = false;
      for (auto& lines : own) {
        const std::string genotype = kGenotypes[random() % kGenotypes.size()];
        line += " " + genotype;
        if (genotype == "0/0") continue;
        lines.push_back(site + " " + genotype);
        listed = true;
      }
      if (listed) all.push_back(line);
    }
    TempDir dir;
    std::vector<genomics::SegmentInput> inputs;
    for (std::uint32_t row = 0; row < own.size(); ++row) {
      const auto vcf = WriteText(dir / fmt::format("{}.vcf", row), MakeVcf("SAMPLE", own[row]));
      inputs.push_back({vcf, {{"SAMPLE", row}}, ""});
    }
    Accumulator counts(4);
    QcStage stage(counts, genomics::Assembly::kGrch38);
    genomics::SiteConsumer* stages[] = {&stage};
    const genomics::IndexInfo info{"ds", "1", genomics::Assembly::kGrch38, 4};
    const auto report = genomics::BuildSegment(dir / "index", info, inputs, {}, stages);
    RC_ASSERT(report.ok() && report->joined);
    const auto one = WriteText(dir / "all.vcf", MakeVcf("a b c d", all));
    ExpectSame(counts, Slowly(one, std::vector<std::int32_t>{0, 1, 2, 3}));
  }));
}

TEST(QcStage, LeavesOutWhatTheIndexLeavesOut) {
  TempDir dir;
  const auto vcf = WriteText(dir / "in.vcf", MakeVcf("a", {"chr20 100 . A G . q10 . GT 0/1",
                                                           "chr20 200 . A G . PASS . GT 0/1",
                                                           "chr20 300 . A G . . . GT 0/1"}));
  Accumulator counts(1);
  QcStage stage(counts, genomics::Assembly::kGrch38, {.pass_only = true});
  genomics::SiteConsumer* stages[] = {&stage};
  const std::vector<std::string> rows = {"a"};
  ASSERT_TRUE(genomics::RunPass(vcf, rows, {}, stages).ok());
  EXPECT_EQ(counts.cohort().Sites(Region::kDiploid), 2U);
}

// By hand. Depths count of biallelic SNVs with genotype quality 20 or unknown; as in
// Accumulator.AddsUpCharr, CHARR is the share of other reads by the frequency of other alleles.
TEST(QcStage, ReadsAlleleDepthsOfCarriers) {
  TempDir dir;
  std::string text = MakeVcf(
      "a b c d e", {"chr20 100 . A G . . . GT:GQ:AD 0/1:50:16,4 1/1:50:2,18 0/0:50:20,0 "
                    "1/1:19:9,11 0/1:.:10,10",
                    "chr20 200 . A G,<NON_REF> . . . GT:AD 0/1:10,10,0 1/1 0/0:20,0,0 0/0 ./.",
                    "chr20 300 . A G,T . . . GT:AD 1/2:0,10,10 1/1:5,15,0 0/0 0/0 0/0",
                    "chr20 400 . A AG . . . GT:AD 0/1:15,5 0/0 0/0 0/0 0/0",
                    "chr20 500 . A G . . . GT 0/1 0/0 0/0 0/0 0/0"});
  text.insert(text.find("##FORMAT=<ID=DP"),
              "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"d\">\n"
              "##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"d\">\n");
  const auto vcf = WriteText(dir / "in.vcf", text);
  Accumulator counts(5);
  QcStage stage(counts, genomics::Assembly::kGrch38, {.allele_depths = true});
  genomics::SiteConsumer* stages[] = {&stage};
  const std::vector<std::string> rows = {"e", "d", "c", "b", "a"};
  const auto report = genomics::RunPass(vcf, rows, {}, stages);
  ASSERT_TRUE(report.ok()) << report.status();
  ASSERT_TRUE(report->set_aside.empty()) << report->set_aside.begin()->first;
  EXPECT_EQ(counts.DepthsOf(4).hets, 2U);        // a
  EXPECT_EQ(counts.DepthsOf(4).unbalanced, 1U);  // 4 of 20
  EXPECT_EQ(counts.DepthsOf(3).homs, 1U);  // b: 2 of 20 are others, 4 of 10 alleles are others
  EXPECT_NEAR(static_cast<double>(counts.DepthsOf(3).charr_sum) / Accumulator::kRatioUnit,
              0.1 / 0.4, 1e-6);
  EXPECT_EQ(counts.DepthsOf(1), Accumulator::Depths());  // d: low quality
  EXPECT_EQ(counts.DepthsOf(0).hets, 1U);                // e: quality unknown
}

}  // namespace
}  // namespace genofed::qc
