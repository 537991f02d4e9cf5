// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/segmented_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "libs/genomics/test_support.h"

namespace genofed::genomics {
namespace {

// One person's genotype at a site, or that their segment does not know the site.
enum Call { kReference, kHet, kHom, kHemi, kSingle, kNoCall, kUnknownSite };

Variant SiteAt(std::size_t i) {
  return {"20", static_cast<std::int64_t>(1000 + 10 * (i / 2)), "A", i % 2 == 0 ? "C" : "G"};
}

std::unique_ptr<const CohortIndex> Build(const std::filesystem::path& dir, std::uint32_t n,
                                         const std::vector<std::vector<Call>>& sites) {
  auto builder = SegmentBuilder::Create(dir, IndexInfo{"ds", "1", Assembly::kGrch38, n, 64});
  GF_CHECK(builder.ok());
  for (std::size_t s = 0; s < sites.size(); ++s) {
    if (std::ranges::count(sites[s], kUnknownSite) != 0) continue;
    CarrierSets sets;
    for (std::uint32_t row = 0; row < n; ++row) {
      switch (sites[s][row]) {
        case kHet:
          sets.het.push_back(row);
          break;
        case kHom:
          sets.hom.push_back(row);
          break;
        case kHemi:
          sets.hemi.push_back(row);
          break;
        case kSingle:
          sets.single.push_back(row);
          break;
        case kNoCall:
          sets.nocall.push_back(row);
          break;
        default:
          break;
      }
    }
    GF_CHECK((*builder)->Add(SiteAt(s), sets).ok());
  }
  GF_CHECK((*builder)->Finish().ok());
  auto index = CohortIndex::Open(dir);
  GF_CHECK(index.ok());
  return *std::move(index);
}

// What the definition of AC and AN gives for the people of `live`.
AlleleCounts BruteForce(const std::vector<Call>& calls, const Bitmap& live) {
  AlleleCounts counts;
  for (std::size_t row = 0; row < calls.size(); ++row) {
    if (!live.Test(row)) continue;
    const Call call = calls[row];
    counts.n_het += call == kHet ? 1U : 0U;
    counts.n_hom += call == kHom ? 1U : 0U;
    counts.n_hemi += call == kHemi ? 1U : 0U;
    counts.an += call == kReference || call == kHet || call == kHom ? 2U
                 : call == kHemi || call == kSingle                 ? 1U
                                                                    : 0U;
  }
  counts.ac = counts.n_het + 2 * counts.n_hom + counts.n_hemi;
  counts.n_individuals = counts.n_het + counts.n_hom + counts.n_hemi;
  return counts;
}

RC_GTEST_PROP(SegmentedIndexProperty, CountsEqualBruteForceOverAllSegments, ()) {
  auto sizes = *rc::gen::container<std::vector<std::uint32_t>>(
      *rc::gen::inRange<std::size_t>(1, 4), rc::gen::inRange<std::uint32_t>(1, 150));
  const std::size_t n_sites = 6;
  TempDir dir;
  std::vector<std::unique_ptr<const CohortIndex>> segments;
  std::vector<std::vector<Call>> all(n_sites);  // by site, then person
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::vector<std::vector<Call>> sites;
    for (std::size_t s = 0; s < n_sites; ++s) {
      const bool known = *rc::gen::inRange(0, 4) != 0;
      auto calls = *rc::gen::container<std::vector<Call>>(
          sizes[i], rc::gen::element(kReference, kReference, kHet, kHom, kHemi, kSingle, kNoCall));
      if (!known) calls.assign(sizes[i], kUnknownSite);
      all[s].insert(all[s].end(), calls.begin(), calls.end());
      sites.push_back(std::move(calls));
    }
    segments.push_back(Build(dir / std::to_string(i), sizes[i], sites));
  }
  auto index = SegmentedIndex::Create(std::move(segments));
  RC_ASSERT(index.ok());
  Bitmap live(index->n_people());
  for (std::uint32_t row = 0; row < index->n_people(); ++row) {
    if (*rc::gen::inRange(0, 3) != 0) live.Set(row);
  }
  auto range = index->FindRange({"20", 0, 100'000, std::nullopt, std::nullopt});
  RC_ASSERT(range.ok());
  std::size_t known_sites = 0;
  Bitmap anybody(index->n_people());
  for (std::size_t s = 0; s < n_sites; ++s) {
    auto site = index->FindExact(SiteAt(s));
    const bool known = std::ranges::any_of(all[s], [](Call call) { return call != kUnknownSite; });
    RC_ASSERT(site.has_value() == known);
    if (!known) continue;
    RC_ASSERT(range->at(known_sites++).variant == SiteAt(s));
    RC_ASSERT(index->Count(*site, live) == BruteForce(all[s], live));
    Bitmap carriers(index->n_people());
    for (std::uint32_t row = 0; row < index->n_people(); ++row) {
      if (all[s][row] == kHet || all[s][row] == kHom || all[s][row] == kHemi) carriers.Set(row);
    }
    RC_ASSERT(index->Carriers(*site) == carriers);
    anybody.Or(carriers);
  }
  RC_ASSERT(range->size() == known_sites);
  RC_ASSERT(index->CarriersInRange({"20", 0, 100'000, std::nullopt, std::nullopt}) == anybody);
}

// The second segment does not have the allele. Its gVCFs say that two people were called there, one
// of them with one allele: AN has 4 alleles of the first segment and 3 of those.
TEST(SegmentedIndexTest, CoverageCountsWhereASegmentLacksTheAllele) {
  TempDir dir;
  std::vector<std::unique_ptr<const CohortIndex>> segments;
  segments.push_back(Build(dir / "a", 2, {{kHet, kReference}}));
  auto builder = SegmentBuilder::Create(dir / "b", IndexInfo{"ds", "1", Assembly::kGrch38, 3, 64});
  ASSERT_TRUE((*builder)->AddCoverage("20", 0, 900, 1001, false).ok());
  ASSERT_TRUE((*builder)->AddCoverage("20", 2, 1000, 2000, true).ok());
  ASSERT_TRUE((*builder)->AddCoverage("20", 1, 1001, 2000, false).ok());
  ASSERT_TRUE((*builder)->Finish().ok());
  segments.push_back(*CohortIndex::Open(dir / "b"));
  auto index = *SegmentedIndex::Create(std::move(segments));
  auto site = index.FindExact(SiteAt(0));
  ASSERT_TRUE(site.has_value());
  EXPECT_EQ(index.Count(*site, Bitmap(5, true)), (AlleleCounts{1, 7, 1, 0, 0, 1}));
  const std::uint32_t some[] = {0, 3, 4};
  EXPECT_EQ(index.Count(*site, Bitmap::FromRows(5, some)), (AlleleCounts{1, 3, 1, 0, 0, 1}));
  EXPECT_EQ(index.CoveredAt("20", 1500).CalledAlleles(Bitmap(5, true)), 3U);
  EXPECT_EQ(index.CoveredAt("20", 1500).diploid.ToRows(), std::vector<std::uint32_t>{3});
  EXPECT_EQ(index.CoveredAt("21", 1500).CalledAlleles(Bitmap(5, true)), 0U);
}

TEST(SegmentedIndexTest, SegmentsAreOfOneAssembly) {
  TempDir dir;
  std::vector<std::unique_ptr<const CohortIndex>> segments;
  EXPECT_EQ(Reason(SegmentedIndex::Create({}).status()), "INDEX_MISMATCH");
  segments.push_back(Build(dir / "a", 3, {}));
  auto builder = SegmentBuilder::Create(dir / "b", IndexInfo{"ds", "1", Assembly::kGrch37, 3, 64});
  ASSERT_TRUE((*builder)->Finish().ok());
  segments.push_back(*CohortIndex::Open(dir / "b"));
  EXPECT_EQ(Reason(SegmentedIndex::Create(std::move(segments)).status()), "INDEX_MISMATCH");
}

}  // namespace
}  // namespace genofed::genomics
