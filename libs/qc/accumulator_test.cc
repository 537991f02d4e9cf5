// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/accumulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <sstream>

#include "libs/genomics/vcf_reader.h"
#include "libs/qc/evaluate.h"
#include "libs/qc/qc_stage.h"
#include "libs/qc/testing_cohort.h"
#include "rapidcheck.h"

namespace genofed::qc {
namespace {

using Rows = std::vector<std::uint32_t>;

constexpr std::uint32_t kPeople = 6;

SiteFacts At(std::string_view contig, std::int64_t pos, std::string_view alt) {
  return DescribeSite(contig, pos, "A", alt, kParGrch38);
}

std::uint64_t Of(const Accumulator& counts, std::uint32_t row, Region region, AlleleKind kind,
                 Zygosity zygosity) {
  return counts.Carried(row, region, kind, zygosity);
}

TEST(Accumulator, CountsASite) {
  Accumulator counts(kPeople);
  const Rows het = {0, 2}, hom = {1}, hemi = {3}, single = {4}, nocall = {5};
  counts.AddSite(At("3", 100, "G"), {het, hom, hemi, single, nocall});
  EXPECT_EQ(Of(counts, 0, Region::kDiploid, AlleleKind::kTransition, Zygosity::kHet), 1U);
  EXPECT_EQ(Of(counts, 1, Region::kDiploid, AlleleKind::kTransition, Zygosity::kHom), 1U);
  EXPECT_EQ(Of(counts, 3, Region::kDiploid, AlleleKind::kTransition, Zygosity::kHemi), 1U);
  EXPECT_EQ(Of(counts, 0, Region::kX, AlleleKind::kTransition, Zygosity::kHet), 0U);
  EXPECT_EQ(counts.NoCalls(5, Region::kDiploid), 1U);
  EXPECT_EQ(counts.HalfCalls(3), 1U);
  EXPECT_EQ(counts.HalfCalls(4), 1U);
  EXPECT_EQ(counts.HalfCalls(5), 0U);
  EXPECT_EQ(counts.cohort().Sites(Region::kDiploid), 1U);
  EXPECT_EQ(counts.cohort().carried_sites[0], 1U);
  // 5 of 8 called alleles.
  EXPECT_EQ(counts.cohort().spectrum[kSpectrumBins - 1], 1U);
}

TEST(Accumulator, HaploidCallsOutsideOfDiploidRegionsAreWhole) {
  Accumulator counts(kPeople);
  const Rows hemi = {1}, single = {2};
  counts.AddSite(At("X", 5'000'000, "G"), {{}, {}, hemi, single, {}});
  EXPECT_EQ(counts.HalfCalls(1), 0U);
  EXPECT_EQ(counts.HalfCalls(2), 0U);
}

TEST(Accumulator, ASingletonHasOneCarrier) {
  Accumulator counts(kPeople);
  const Rows zero = {0}, one = {1};
  counts.AddSite(At("1", 1, "G"), {zero, {}, {}, {}, {}});
  counts.AddSite(At("1", 2, "G"), {{}, zero, {}, {}, {}});
  counts.AddSite(At("X", 5'000'000, "G"), {{}, {}, one, {}, {}});
  counts.AddSite(At("1", 3, "G"), {zero, {}, one, {}, {}});
  EXPECT_EQ(counts.Singletons(0), 2U);
  EXPECT_EQ(counts.Singletons(1), 1U);
  EXPECT_EQ(counts.cohort().spectrum[1], 2U);
  EXPECT_EQ(counts.cohort().spectrum[2], 2U);
}

// The classes: 3 of 3,000 alleles are 0.1 %, 4 are more.
TEST(Accumulator, PutsFrequenciesIntoClasses) {
  Accumulator counts(1500);
  const auto spectrum = [&](std::uint32_t carriers) {
    Rows rows(carriers);
    std::iota(rows.begin(), rows.end(), 0U);
    Accumulator one(1500);
    one.AddSite(At("1", 1, "G"), {rows, {}, {}, {}, {}});
    const auto& bins = one.cohort().spectrum;
    return std::string(SpectrumLabel(
        static_cast<std::size_t>(std::find(bins.begin(), bins.end(), 1U) - bins.begin())));
  };
  EXPECT_EQ(spectrum(0), "not carried");
  EXPECT_EQ(spectrum(3), "≤ 0.1 %");
  EXPECT_EQ(spectrum(4), "0.1–1 %");
  EXPECT_EQ(spectrum(30), "0.1–1 %");
  EXPECT_EQ(spectrum(31), "1–5 %");
  EXPECT_EQ(spectrum(1500), "40–50 %");
}

// CHARR (Lu et al. 2023): the mean of (reference reads / reads) / reference allele frequency. With
// 2 of 6 people homozygous for the allele the other alleles have frequency 8/12.
TEST(Accumulator, AddsUpCharr) {
  Accumulator counts(kPeople);
  const Rows hom = {0, 1};
  counts.AddSite(At("1", 1, "G"), {{}, hom, {}, {}, {}});
  counts.AddAlleleDepths(0, Zygosity::kHom, 2, 18);
  counts.AddSite(At("1", 2, "C"), {{}, hom, {}, {}, {}});
  counts.AddAlleleDepths(0, Zygosity::kHom, 0, 20);
  const Accumulator::Depths depths = counts.DepthsOf(0);
  EXPECT_EQ(depths.homs, 2U);
  EXPECT_NEAR(static_cast<double>(depths.charr_sum) / Accumulator::kRatioUnit / 2,
              (0.1 / (8.0 / 12) + 0) / 2, 1e-7);
}

TEST(Accumulator, IgnoresDepthsThatSayNothing) {
  Accumulator counts(kPeople);
  const Rows hom = {0}, het = {1, 2, 3};
  counts.AddSite(At("1", 1, "G"), {het, hom, {}, {}, {}});
  counts.AddAlleleDepths(0, Zygosity::kHom, 1, 8);    // below 10 reads
  counts.AddAlleleDepths(0, Zygosity::kHom, 1, 100);  // above 100
  counts.AddAlleleDepths(1, Zygosity::kHet, 10, 10);
  counts.AddAlleleDepths(2, Zygosity::kHet, 16, 4);  // 20 %
  counts.AddSite(At("1", 9, "AT"), {het, hom, {}, {}, {}});
  counts.AddAlleleDepths(0, Zygosity::kHom, 5, 20);  // not an SNV
  counts.AddSite(At("X", 5'000'000, "G"), {het, hom, {}, {}, {}});
  counts.AddAlleleDepths(0, Zygosity::kHom, 5, 20);
  EXPECT_EQ(counts.DepthsOf(0), Accumulator::Depths());
  EXPECT_EQ(counts.DepthsOf(1).hets, 1U);
  EXPECT_EQ(counts.DepthsOf(1).unbalanced, 0U);
  EXPECT_EQ(counts.DepthsOf(2).unbalanced, 1U);
}

QualityResult Judged(const Accumulator& counts, const std::vector<SimulatedPerson>& people) {
  Findings findings;
  const Fingerprints panel = counts.panel().Genotypes();
  return Evaluate({}, counts, Declared(people), CompareWithin(panel), {}, "variants", findings);
}

const std::vector<SimulatedPerson>& SmallCohort() {
  static const auto people = [] {
    std::vector<SimulatedPerson> out = Founders(40);
    out.push_back({.sex = Sex::kMale, .mother = 0, .father = 1, .missing = 0.05});
    return out;
  }();
  return people;
}

const std::vector<SimulatedSite>& SmallSites() {
  static const auto sites = Simulation(SmallCohort(), 7).Sites(30, 80, 60, true);
  return sites;
}

TEST(Accumulator, DoesNotDependOnTheOrderOfSites) {
  const auto& sites = SmallSites();
  const auto rows = static_cast<std::uint32_t>(SmallCohort().size());
  const Accumulator ordered = Count(rows, sites);
  const QualityResult expected = Judged(ordered, SmallCohort());
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    std::vector<std::size_t> order(sites.size());
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
    Accumulator shuffled(rows);
    for (std::size_t i : order) Feed(shuffled, sites[i]);
    RC_ASSERT(Judged(shuffled, SmallCohort()) == expected);
    RC_ASSERT(shuffled.panel().Genotypes() == ordered.panel().Genotypes());
  }));
}

TEST(Accumulator, PartsMergedEqualTheWhole) {
  const auto& sites = SmallSites();
  const auto rows = static_cast<std::uint32_t>(SmallCohort().size());
  // A small panel: its windows have to double, in the parts at other times than in the whole.
  const PanelOptions few = {.max_sites = 64};
  Accumulator whole(rows, few);
  for (const SimulatedSite& site : sites) Feed(whole, site);
  const QualityResult expected = Judged(whole, SmallCohort());
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    std::mt19937_64 random(seed);
    Accumulator a(rows, few), b(rows, few);
    for (const SimulatedSite& site : sites) Feed(random() % 3 == 0 ? a : b, site);
    a.Merge(b);
    RC_ASSERT(a.panel().Genotypes() == whole.panel().Genotypes());
    RC_ASSERT(Judged(a, SmallCohort()) == expected);
  }));
}

TEST(SnvPanel, KeepsTheBoundAndOneSiteForEachWindow) {
  const auto sites = Simulation(Founders(60), 9).Sites(200, 0, 0, false);
  SnvPanel panel(60, {.max_sites = 100});
  std::size_t common = 0;
  for (const SimulatedSite& site : sites) {
    if (site.facts.snv_key == 0) continue;
    panel.Offer(site.facts, site.carriers());
    common += panel.size() > 100 ? 1U : 0U;
  }
  EXPECT_EQ(common, 0U);
  EXPECT_GT(panel.size(), 40U);
  const Fingerprints genotypes = panel.Genotypes();
  EXPECT_EQ(genotypes.sites().size(), panel.size());
  for (std::uint64_t key : genotypes.sites()) {
    const auto site = std::find_if(sites.begin(), sites.end(),
                                   [&](const SimulatedSite& s) { return s.facts.snv_key == key; });
    ASSERT_NE(site, sites.end());
    const std::size_t alternate = site->het.size() + 2 * site->hom.size();
    const std::size_t called = 2 * (60 - site->nocall.size());
    EXPECT_GE(std::min(alternate, called - alternate) * 20, called);
  }
}

TEST(SnvPanel, HoldsTheGenotypesItWasGiven) {
  SnvPanel panel(5);
  const Rows het = {1}, hom = {3}, nocall = {};
  panel.Offer(At("4", 77, "G"), {het, hom, {}, {}, nocall});
  const Fingerprints genotypes = panel.Genotypes();
  ASSERT_EQ(genotypes.sites().size(), 1U);
  EXPECT_EQ(genotypes.Person(0).ref[0], 1U);
  EXPECT_EQ(genotypes.Person(1).het[0], 1U);
  EXPECT_EQ(genotypes.Person(3).hom[0], 1U);
  EXPECT_EQ(genotypes.Person(3).ref[0], 0U);
}

TEST(SnvPanel, KeepsFewerSitesForVeryManyPeople) {
  // A site takes 16 bytes for 64 rows: 1,600 for 6,400.
  SnvPanel panel(6400, {.max_bytes = 1600 * 50});
  Rows het(3200);
  std::iota(het.begin(), het.end(), 0U);
  for (int i = 0; i < 300; ++i) panel.Offer(At("1", i * 100'000, "G"), {het, {}, {}, {}, {}});
  EXPECT_LE(panel.size(), 50U);
}

// --- 1000 Genomes, chr20:1-4 Mb, 300 people, against bcftools and plink2 ---

std::string Thousand() {
  const char* shared = std::getenv("GENOFED_SHARED_DIR");
  return shared == nullptr || *shared == '\0'
             ? ""
             : std::string(shared) +
                   "/data/vcf/1000g-chr20/kgp_chr20_1-4Mb.300samples.phased.vcf.gz";
}

// Feeds all sites; returns the samples.
std::vector<std::string> ReadThousand(Accumulator& counts) {
  auto reader = genomics::VcfReader::Open(Thousand());
  EXPECT_TRUE(reader.ok()) << reader.status();
  const std::vector<std::string> samples = (*reader)->header().samples;
  QcStage stage(counts, genomics::Assembly::kGrch37);
  genomics::SiteConsumer* stages[] = {&stage};
  const auto report = genomics::RunPass(Thousand(), samples, {}, stages);
  EXPECT_TRUE(report.ok()) << report.status();
  return samples;
}

std::vector<std::vector<std::string>> Lines(const std::string& command, const std::string& prefix) {
  std::vector<std::vector<std::string>> lines;
  FILE* pipe = ::popen(command.c_str(), "r");
  char buffer[4096];
  while (pipe != nullptr && std::fgets(buffer, sizeof buffer, pipe) != nullptr) {
    if (std::string_view(buffer).substr(0, prefix.size()) != prefix) continue;
    std::istringstream cells(buffer);
    std::vector<std::string> line;
    for (std::string cell; std::getline(cells, cell, '\t');) line.push_back(cell);
    lines.push_back(std::move(line));
  }
  if (pipe != nullptr) ::pclose(pipe);
  return lines;
}

TEST(ThousandGenomes, EverySampleAgreesWithBcftoolsStats) {
  if (Thousand().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: data/vcf/1000g-chr20";
  // PSC: id, sample, nRefHom, nNonRefHom, nHets, nTransitions, nTransversions, nIndels, depth,
  // nSingletons, nHapRef, nHapAlt, nMissing; the genotype counts are of SNPs only.
  const auto lines = Lines("bcftools stats -s - " + Thousand() + " 2>/dev/null", "PSC\t");
  if (lines.empty()) GTEST_SKIP() << "needs bcftools";
  Accumulator counts(300);
  ReadThousand(counts);
  const std::vector<SampleIdentity> samples(300);
  Findings findings;
  const QualityResult result = Evaluate({}, counts, samples, {}, {}, "variants", findings);
  ASSERT_EQ(lines.size(), 300U);
  for (std::uint32_t row = 0; row < 300; ++row) {
    const auto number = [&](std::size_t column) { return std::stoull(lines[row][column]); };
    const auto snvs = [&](Zygosity zygosity) {
      return counts.Carried(row, Region::kDiploid, AlleleKind::kTransition, zygosity) +
             counts.Carried(row, Region::kDiploid, AlleleKind::kTransversion, zygosity);
    };
    EXPECT_EQ(snvs(Zygosity::kHom), number(4)) << row;
    EXPECT_EQ(snvs(Zygosity::kHet), number(5)) << row;
    EXPECT_EQ(result.samples[row].indels, number(8)) << row;
    EXPECT_EQ(result.samples[row].singletons, number(10)) << row;
    EXPECT_EQ(result.samples[row].missing, number(13)) << row;
    EXPECT_DOUBLE_EQ(result.samples[row].titv.value(),
                     static_cast<double>(number(6)) / static_cast<double>(number(7)));
  }
  // SN of the same command; TSTV of `bcftools view -c1 | bcftools stats`.
  EXPECT_EQ(result.cohort.snv_sites, 23'670U);
  EXPECT_EQ(result.cohort.indel_sites, 1'320U);
  EXPECT_DOUBLE_EQ(result.cohort.titv.value(), 13'425.0 / 5'366.0);
}

// plink2 --hardy: 44 variants with P < 1e-6, of which 9 have more heterozygotes than expected.
// plink2 --snps-only --maf 0.05 --make-king-table: 6,722 SNVs.
TEST(ThousandGenomes, HardyWeinbergAndKinshipAgreeWithPlink) {
  if (Thousand().empty()) GTEST_SKIP() << "needs GENOFED_SHARED_DIR: data/vcf/1000g-chr20";
  Accumulator counts(300, {.min_window_bits = 0});  // every common SNV has a window of its own
  const std::vector<std::string> samples = ReadThousand(counts);
  EXPECT_EQ(counts.cohort().hwe_too_many_hets, 9U);
  EXPECT_EQ(counts.cohort().hwe_too_few_hets, 35U);

  const Fingerprints people = counts.panel().Genotypes();
  ASSERT_EQ(people.sites().size(), 6'722U);
  EXPECT_EQ(people.Megabases(), 3U);
  const auto row = [&](const char* name) {
    return static_cast<std::size_t>(std::find(samples.begin(), samples.end(), name) -
                                    samples.begin());
  };
  const struct {
    const char *a, *b;
    double het_het, opposite, kinship;
  } kTable[] = {{"HG00097", "HG00096", 0.055787, 0.0690271, -0.24968},
                {"HG00099", "HG00096", 0.0806308, 0.0606962, -0.176903},
                {"HG00099", "HG00097", 0.117525, 0.0507289, 0.013999},
                {"HG00120", "HG00116", 0.209015, 0.00029753, 0.260125},
                {"HG02224", "HG00264", 0.263017, 0.0168105, 0.276053},
                {"HG00182", "HG00101", 0.0560845, 0.198007, -1.3718}};
  for (const auto& line : kTable) {
    const PairCounts pair = CountPair(people.Person(row(line.a)), people.Person(row(line.b)));
    EXPECT_EQ(pair.sites, 6'722U);
    EXPECT_NEAR(static_cast<double>(pair.het_het) / 6722, line.het_het, 1e-6);
    EXPECT_NEAR(static_cast<double>(pair.opposite) / 6722, line.opposite, 1e-6);
    EXPECT_NEAR(Kinship(pair).value(), line.kinship, 1e-5) << line.a << " " << line.b;
  }
  double sum = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    for (std::size_t j = i + 1; j < 300; ++j) {
      sum += Kinship(CountPair(people.Person(i), people.Person(j))).value();
    }
  }
  EXPECT_NEAR(sum / 44'850, -0.0837739, 1e-6);
  // 172 pairs would pass for first-degree relatives: three megabases tell nothing about relatives.
  const Comparison within = CompareWithin(people);
  EXPECT_FALSE(within.relatives);
  EXPECT_TRUE(within.found.empty());
  EXPECT_EQ(within.compared, 44'850U);
}

}  // namespace
}  // namespace genofed::qc
