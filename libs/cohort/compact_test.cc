// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/compact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <random>

#include "libs/cohort/cohort.h"
#include "libs/genomics/segmented_index.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::cohort {
namespace {

using genomics::CarrierSets;
using genomics::CohortIndex;
using genomics::IndexInfo;
using genomics::SegmentBuilder;
using genomics::SegmentedIndex;
using testing::TemporaryDirectory;

// Sites in three megabases; every fourth one is not listed by an input.
Variant SiteAt(std::uint32_t i) {
  return {i % 5 == 4 ? "X" : "20", 999'000 + 150 * std::int64_t{i / 2}, "A",
          i % 2 == 0 ? "C" : "G"};
}

// The oracle is the index that ingest writes, which is checked against VCF and bcftools itself.
RC_GTEST_PROP(CompactProperty, CountsStayTheSame, (std::uint64_t seed)) {
  std::mt19937_64 rng(seed);
  auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  TemporaryDirectory dir;
  std::vector<std::unique_ptr<const CohortIndex>> inputs, again;
  std::vector<const CohortIndex*> borrowed;
  std::uint32_t n_people = 0;
  const std::uint32_t n_sites = 30;
  const std::uint32_t n_inputs = 1 + below(3);
  for (std::uint32_t i = 0; i < n_inputs; ++i) {
    const std::uint32_t n = 1 + below(150);
    n_people += n;
    const auto path = dir / std::to_string(i);
    auto builder =
        SegmentBuilder::Create(path, IndexInfo{"ds", "1", genomics::Assembly::kGrch38, n, 64});
    RC_ASSERT(builder.ok());
    for (const char* contig : {"20", "X"}) {
      for (std::uint32_t row = 0; row < n && below(2) == 0; ++row)
        RC_ASSERT((*builder)
                      ->AddCoverage(contig, row, 999'000 + below(100), 1'000'500 + below(100),
                                    below(3) == 0)
                      .ok());
      for (std::uint32_t s = 0; s < n_sites; ++s) {
        if (SiteAt(s).contig != contig || below(4) == 0) continue;
        CarrierSets sets;
        std::vector<std::uint32_t>* kinds[] = {&sets.het, &sets.hom, &sets.hemi, &sets.single,
                                               &sets.nocall};
        for (std::uint32_t row = 0; row < n; ++row) {
          if (const std::uint32_t kind = below(9); kind < 5) kinds[kind]->push_back(row);
        }
        RC_ASSERT((*builder)->Add(SiteAt(s), sets).ok());
      }
    }
    RC_ASSERT((*builder)->Finish().ok());
    for (auto* list : {&inputs, &again}) list->push_back(*CohortIndex::Open(path));
    borrowed.push_back(inputs.back().get());
  }
  Bitmap live(n_people);
  live.Set(0);
  for (std::uint32_t row = 1; row < n_people; ++row) {
    if (below(5) > 0) live.Set(row);
  }
  const auto report = Compact(Context::Background(), borrowed, live, {}, "", dir / "out");
  RC_ASSERT(report.ok());
  RC_ASSERT(report->people == live.Count() && report->dropped == n_people - live.Count());
  std::vector<std::unique_ptr<Segment>> segments;
  segments.push_back(*Segment::Open(dir / "out", Residence::kRead, report->sha256));
  RC_ASSERT(segments[0]->Verify().ok());
  const auto cohort = *Cohort::Create(std::move(segments));
  const auto oracle = *SegmentedIndex::Create(std::move(again));
  // Some of those who are left.
  const std::vector<std::uint32_t> old_rows = live.ToRows();
  Bitmap before(n_people), after(report->people);
  for (std::uint32_t row = 0; row < report->people; ++row) {
    if (below(3) == 0) continue;
    after.Set(row);
    before.Set(old_rows[row]);
  }
  Workspace work;
  for (std::uint32_t s = 0; s < n_sites; ++s) {
    const auto expected = oracle.FindExact(SiteAt(s));
    const auto counted = *cohort->CountExact(SiteAt(s), after, work);
    RC_ASSERT(counted.has_value() == expected.has_value());
    if (expected) RC_ASSERT(*counted == oracle.Count(*expected, before));
  }
}

TEST(AnnotationsTest, ReadsWhatSplitVepWrites) {
  TemporaryDirectory dir;
  std::ofstream(dir / "a")
      << "chr20\t10\tA\tC\t0.25\tBRCA1\tmissense_variant&splice_region_variant\n"
         "chr20\t10\tA\tC\t0.25\tBRCA1\tstop_gained\n"
         "chr20\t10\tA\tC\t0.25\tNBR2\tintron_variant\n"
         "chr20\t11\tA\tC\t.\t.\t.\n";
  const auto annotations = Annotations::Read(dir / "a");
  ASSERT_TRUE(annotations.ok()) << Describe(annotations.status());
  EXPECT_EQ(annotations->size(), 2U);
  const Annotations::Entry* entry = annotations->Find({"20", 9, "A", "C"});
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->frequency, 0.25);
  ASSERT_EQ(entry->effects.size(), 2U);
  EXPECT_EQ(entry->effects[0].consequence, Consequence::kStopGained);
  EXPECT_EQ(annotations->Find({"20", 9, "A", "G"}), nullptr);
  for (const char* bad : {"20\t1\tA\tC\t0.1\tG\n", "20\t0\tA\tC\t.\t.\t.\n",
                          "20\t1\tA\tC,G\t.\t.\t.\n", "20\t1\tA\tC\t1.5\t.\t.\n"}) {
    std::ofstream(dir / "bad") << bad;
    EXPECT_EQ(Reason(Annotations::Read(dir / "bad").status()), "ANNOTATION_INVALID") << bad;
  }
}

}  // namespace
}  // namespace genofed::cohort
