// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/site.h"

#include <gtest/gtest.h>

#include "libs/qc/hardy_weinberg.h"
#include "rapidcheck.h"

namespace genofed::qc {
namespace {

Region RegionAt(std::string_view contig, std::int64_t one_based,
                const PseudoautosomalRegions& par) {
  return DescribeSite(contig, one_based - 1, "A", "G", par).region;
}

// The first and last bases of the regions on https://www.ncbi.nlm.nih.gov/grc/human.
TEST(Site, KnowsTheBoundsOfThePseudoautosomalRegions) {
  EXPECT_EQ(RegionAt("X", 60'000, kParGrch37), Region::kX);
  EXPECT_EQ(RegionAt("X", 60'001, kParGrch37), Region::kDiploid);
  EXPECT_EQ(RegionAt("X", 2'699'520, kParGrch37), Region::kDiploid);
  EXPECT_EQ(RegionAt("X", 2'699'521, kParGrch37), Region::kX);
  EXPECT_EQ(RegionAt("X", 154'931'044, kParGrch37), Region::kDiploid);
  EXPECT_EQ(RegionAt("X", 155'260'560, kParGrch37), Region::kDiploid);
  EXPECT_EQ(RegionAt("Y", 59'034'050, kParGrch37), Region::kDiploid);
  EXPECT_EQ(RegionAt("Y", 2'649'521, kParGrch37), Region::kY);

  EXPECT_EQ(RegionAt("X", 10'001, kParGrch38), Region::kDiploid);
  EXPECT_EQ(RegionAt("X", 2'781'479, kParGrch38), Region::kDiploid);
  EXPECT_EQ(RegionAt("X", 2'781'480, kParGrch38), Region::kX);
  EXPECT_EQ(RegionAt("X", 155'701'382, kParGrch38), Region::kX);
  EXPECT_EQ(RegionAt("X", 155'701'383, kParGrch38), Region::kDiploid);
  EXPECT_EQ(RegionAt("Y", 56'887'903, kParGrch38), Region::kDiploid);
  EXPECT_EQ(RegionAt("Y", 57'217'415, kParGrch38), Region::kDiploid);
  EXPECT_EQ(RegionAt("Y", 57'217'416, kParGrch38), Region::kY);
}

TEST(Site, PutsContigsWhereTheirPloidyIs) {
  for (const char* contig : {"1", "9", "10", "22"}) {
    EXPECT_EQ(RegionAt(contig, 5, kParGrch38), Region::kDiploid) << contig;
  }
  for (const char* contig : {"MT", "0", "23", "01", "1x", "GL000191.1", ""}) {
    EXPECT_EQ(RegionAt(contig, 5, kParGrch38), Region::kOther) << contig;
  }
}

TEST(Site, TellsTransitionsFromTransversions) {
  const auto kind = [](std::string_view ref, std::string_view alt) {
    return DescribeSite("1", 0, ref, alt, kParGrch38).kind;
  };
  for (const char* pair : {"AG", "GA", "CT", "TC"}) {
    EXPECT_EQ(kind({pair, 1}, {pair + 1, 1}), AlleleKind::kTransition) << pair;
  }
  for (const char* pair : {"AC", "CA", "AT", "TA", "CG", "GC", "GT", "TG"}) {
    EXPECT_EQ(kind({pair, 1}, {pair + 1, 1}), AlleleKind::kTransversion) << pair;
  }
  EXPECT_EQ(kind("A", "AT"), AlleleKind::kOther);
  EXPECT_EQ(kind("AC", "GT"), AlleleKind::kOther);
  EXPECT_EQ(kind("A", "N"), AlleleKind::kOther);
}

TEST(Site, KeysAutosomalSnvsInTheOrderOfTheGenome) {
  const auto key = [](std::string_view contig, std::int64_t pos, std::string_view alt) {
    return DescribeSite(contig, pos, "A", alt, kParGrch38).snv_key;
  };
  EXPECT_LT(key("2", 248'000'000, "G"), key("10", 5, "G"));
  EXPECT_LT(key("10", 5, "T"), key("10", 6, "C"));
  EXPECT_NE(key("10", 5, "T"), key("10", 5, "C"));
  EXPECT_EQ(ChromosomeOf(key("22", 17'000'000, "G")), 22U);
  EXPECT_EQ(PositionOf(key("22", 17'000'000, "G")), 17'000'000U);
  EXPECT_EQ(key("X", 5, "G"), 0U);
  EXPECT_EQ(key("1", 5, "AT"), 0U);
}

// Wigginton, Cutler, Abecasis 2005, table 1: 100 people, 21 copies of the rarer allele; the digits
// beyond the paper's are from exact fractions.
TEST(HardyWeinberg, AgreesWithThePaper) {
  const struct {
    std::uint64_t het;
    double p;
  } kTable[] = {
      {5, 2.130704312e-08},  {7, 1.424784346e-06},  {9, 4.836330303e-05},  {11, 9.188594677e-04},
      {13, 1.029343355e-02}, {15, 6.957645441e-02}, {17, 2.840415004e-01}, {19, 1.0},
      {21, 5.936451759e-01}};
  for (const auto& [het, p] : kTable) {
    const std::uint64_t rare = (21 - het) / 2;
    EXPECT_NEAR(HardyWeinbergExact(het, rare, 100 - het - rare), p, p * 1e-8) << het;
    EXPECT_EQ(HardyWeinbergExact(het, rare, 100 - het - rare),
              HardyWeinbergExact(het, 100 - het - rare, rare));
  }
}

// plink2 --hardy on the 300 people of 1000 Genomes chr20.
TEST(HardyWeinberg, AgreesWithPlink) {
  EXPECT_NEAR(HardyWeinbergExact(154, 3, 143), 2.80333e-09, 1e-14);
  EXPECT_NEAR(HardyWeinbergExact(49, 57, 194), 5.84398e-23, 1e-28);
  EXPECT_EQ(HardyWeinbergExact(1, 0, 299), 1.0);
  EXPECT_EQ(HardyWeinbergExact(0, 0, 300), 1.0);
  EXPECT_EQ(HardyWeinbergExact(0, 0, 0), 1.0);
}

TEST(HardyWeinberg, ScreeningByPearsonMissesNoOutlier) {
  EXPECT_TRUE(rc::check([] {
    // Around equilibrium and far from it, for cohorts of up to 200,000.
    const auto n =
        *rc::gen::inRange<std::uint64_t>(2, *rc::gen::element<std::uint64_t>(50, 2000, 200'000));
    const auto a = *rc::gen::inRange<std::uint64_t>(0, n + 1);
    const double p = static_cast<double>(a) / static_cast<double>(2 * n);
    const double spread = *rc::gen::inRange(0, 2000) / 1000.0;
    auto het = static_cast<std::uint64_t>(2 * p * (1 - p) * static_cast<double>(n) * spread);
    het = std::min(het, a);
    const std::uint64_t hom = (a - het) / 2;
    const HardyWeinberg fit = JudgeHardyWeinberg(het, hom, n - het - hom);
    RC_ASSERT((fit != HardyWeinberg::kFits) ==
              (HardyWeinbergExact(het, hom, n - het - hom) < kHardyWeinbergOutlier));
  }));
}

}  // namespace
}  // namespace genofed::qc
