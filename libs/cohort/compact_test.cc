// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/compact.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <random>

#include "libs/cohort/cohort.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::cohort {
namespace {

using genomics::CarrierSets;
using genomics::CohortIndex;
using genomics::IndexInfo;
using genomics::SegmentBuilder;
using testing::TemporaryDirectory;

// Sites in three megabases; every fourth one is not listed by an input.
Variant SiteAt(std::uint32_t i) {
  return {i % 5 == 4 ? "X" : "20", 999'000 + 150 * std::int64_t{i / 2}, "A",
          i % 2 == 0 ? "C" : "G"};
}

// What a batch of people is: calls by site and person, and where gVCFs say who was called.
struct Batch {
  enum Call { kReference, kHet, kHom, kHemi, kSingle, kNoCall };
  std::uint32_t n = 0;
  std::vector<std::vector<Call>> sites;  // empty: not listed
  struct Run {
    std::string contig;
    std::int64_t begin = 0, end = 0;
    bool haploid = false;
  };
  std::vector<std::vector<Run>> runs;  // by person; at most one on a contig

  Status Write(const std::filesystem::path& dir) const {
    GF_ASSIGN(auto builder,
              SegmentBuilder::Create(dir, IndexInfo{"ds", "1", genomics::Assembly::kGrch38, n, 64}));
    for (const char* contig : {"20", "X"}) {
      for (std::uint32_t row = 0; row < n; ++row) {
        for (const Run& run : runs[row]) {
          if (run.contig == contig)
            GF_TRY(builder->AddCoverage(contig, row, run.begin, run.end, run.haploid));
        }
      }
      for (std::uint32_t s = 0; s < sites.size(); ++s) {
        if (SiteAt(s).contig != contig || sites[s].empty()) continue;
        CarrierSets sets;
        std::vector<std::uint32_t>* kinds[] = {nullptr,    &sets.het,    &sets.hom,
                                               &sets.hemi, &sets.single, &sets.nocall};
        for (std::uint32_t row = 0; row < n; ++row) {
          if (auto* rows = kinds[sites[s][row]]) rows->push_back(row);
        }
        GF_TRY(builder->Add(SiteAt(s), sets));
      }
    }
    return builder->Finish().status();
  }

  // By the definition of AC and AN.
  void Count(std::uint32_t site, std::uint32_t row, genomics::AlleleCounts& counts) const {
    if (sites[site].empty()) {
      const Variant variant = SiteAt(site);
      for (const Run& run : runs[row]) {
        if (run.contig == variant.contig && run.begin <= variant.pos && variant.pos < run.end)
          counts.an += run.haploid ? 1 : 2;
      }
      return;
    }
    const Call call = sites[site][row];
    counts.n_het += call == kHet ? 1 : 0;
    counts.n_hom += call == kHom ? 1 : 0;
    counts.n_hemi += call == kHemi ? 1 : 0;
    counts.an += call == kNoCall ? 0 : call == kHemi || call == kSingle ? 1 : 2;
    counts.ac = counts.n_het + 2 * counts.n_hom + counts.n_hemi;
    counts.n_individuals = counts.n_het + counts.n_hom + counts.n_hemi;
  }
};

// Whatever way batches become segments, questions about the people who are left have one answer:
// all at once, one segment each, or segments of segments.
RC_GTEST_PROP(CompactProperty, CountsAreThoseOfThePeople, (std::uint64_t seed)) {
  std::mt19937_64 rng(seed);
  auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  const Context ctx = Context::Background();
  TemporaryDirectory dir;
  const std::uint32_t n_sites = 30;
  std::vector<Batch> batches(1 + below(3));
  std::vector<std::unique_ptr<CohortIndex>> indices;
  std::vector<CompactInput> inputs;
  std::uint32_t n_people = 0;
  for (Batch& batch : batches) {
    batch.n = 1 + below(150);
    n_people += batch.n;
    for (std::uint32_t s = 0; s < n_sites; ++s) {
      auto& calls = batch.sites.emplace_back();
      if (below(4) == 0) continue;
      for (std::uint32_t row = 0; row < batch.n; ++row)
        calls.push_back(static_cast<Batch::Call>(std::max(0, static_cast<int>(below(10)) - 4)));
    }
    batch.runs.resize(batch.n);
    for (auto& runs : batch.runs) {
      for (const char* contig : {"20", "X"}) {
        if (below(2) == 0)
          runs.push_back({contig, 999'000 + below(1000), 1'000'500 + below(1000), below(3) == 0});
      }
    }
    const auto path = dir / std::to_string(indices.size());
    RC_ASSERT(batch.Write(path).ok());
    inputs.emplace_back(indices.emplace_back(*CohortIndex::Open(path)).get());
  }
  std::vector<std::unique_ptr<Segment>> kept;
  auto compact = [&](std::span<const CompactInput> from, const Bitmap& live) -> CompactInput {
    const auto path = dir / fmt::format("segment-{}", kept.size());
    const auto report = Compact(ctx, from, live, nullptr, "", path);
    RC_ASSERT(report.ok());
    RC_ASSERT(report->people == live.Count() && report->dropped == live.size() - live.Count());
    kept.push_back(*Segment::Open(path, Residence::kRead, report->sha256));
    RC_ASSERT(kept.back()->Verify().ok());
    return kept.back().get();
  };
  Bitmap live(n_people);
  for (std::uint32_t row = 0; row < n_people; ++row) {
    if (row == 0 || below(5) > 0) live.Set(row);
  }
  // People who withdrew go last, when segments of everybody are compacted.
  std::vector<CompactInput> each;
  for (std::size_t i = 0; i < batches.size(); ++i)
    each.push_back(compact({&inputs[i], 1}, Bitmap(batches[i].n, true)));
  compact(inputs, live);
  const std::size_t at_once = kept.size() - 1;
  compact(each, live);
  const std::size_t twice = kept.size() - 1;

  std::vector<std::unique_ptr<Cohort>> cohorts;
  for (const std::vector<std::size_t>& parts : {std::vector<std::size_t>{at_once}, {twice}}) {
    std::vector<std::unique_ptr<Segment>> segments;
    for (const std::size_t part : parts) segments.push_back(std::move(kept[part]));
    cohorts.push_back(*Cohort::Create(std::move(segments)));
  }
  std::vector<std::unique_ptr<Segment>> separate;
  for (std::size_t i = 0; i < batches.size(); ++i) separate.push_back(std::move(kept[i]));
  const auto apart = *Cohort::Create(std::move(separate));

  const std::vector<std::uint32_t> old_rows = live.ToRows();
  Bitmap before(n_people), after(static_cast<std::uint32_t>(old_rows.size()));
  for (std::uint32_t row = 0; row < old_rows.size(); ++row) {
    if (below(3) == 0) continue;
    after.Set(row);
    before.Set(old_rows[row]);
  }
  Workspace work;
  for (std::uint32_t s = 0; s < n_sites; ++s) {
    genomics::AlleleCounts expected;
    bool known = false;
    std::uint32_t first = 0;
    for (const Batch& batch : batches) {
      known = known || !batch.sites[s].empty();
      for (std::uint32_t row = 0; row < batch.n; ++row) {
        if (before.Test(first + row)) batch.Count(s, row, expected);
      }
      first += batch.n;
    }
    for (const auto& cohort : cohorts) {
      const auto counted = *cohort->CountExact(SiteAt(s), after, work);
      RC_ASSERT(counted.has_value() == known);
      if (known) RC_ASSERT(*counted == expected);
    }
    const auto counted = *apart->CountExact(SiteAt(s), before, work);
    RC_ASSERT(counted.has_value() == known);
    if (known) RC_ASSERT(*counted == expected);
    const auto by_live = *apart->CountExact(SiteAt(s), *apart->MakeLive(before, 1), work);
    RC_ASSERT(by_live == counted);
  }
}

TEST(CompactTest, SegmentsKeepTheirAnnotationsAndFrequencies) {
  TemporaryDirectory dir;
  std::ofstream(dir / "table") << "20\t1001\tA\tC\t0.25\tBRCA1\tmissense_variant\tENSP1.2:p.Gly12Asp\n"
                                  "20\t1001\tA\tC\t0.25\tNBR2\tintron_variant\t.\n";
  const auto annotations = *Annotations::Read(dir / "table");
  auto builder = *SegmentBuilder::Create(
      dir / "index", IndexInfo{"ds", "1", genomics::Assembly::kGrch38, 4, 64});
  CarrierSets sets;
  sets.het = {1, 3};
  ASSERT_TRUE(builder->Add({"20", 1000, "A", "C"}, sets).ok());
  ASSERT_TRUE(builder->Finish().ok());
  const auto index = *CohortIndex::Open(dir / "index");
  const CompactInput from_index[] = {index.get()};
  const Context ctx = Context::Background();
  ASSERT_TRUE(Compact(ctx, from_index, Bitmap(4, true), &annotations, "t1", dir / "a").ok());
  const auto first = *Segment::Open(dir / "a");
  const CompactInput from_segment[] = {first.get()};
  const std::uint32_t some[] = {0, 1, 2};
  ASSERT_TRUE(
      Compact(ctx, from_segment, Bitmap::FromRows(4, some), nullptr, "", dir / "b").ok());
  std::vector<std::unique_ptr<Segment>> segments;
  segments.push_back(*Segment::Open(dir / "b"));
  EXPECT_EQ(segments[0]->info().frequencies, "t1");
  const auto cohort = *Cohort::Create(std::move(segments));
  Workspace work;
  auto carriers = [&](const VariantFilter& filter) {
    return cohort->Carriers(ctx, filter, Bitmap(3, true), work)->ToRows();
  };
  const std::vector<std::uint32_t> one = {1}, nobody;
  VariantFilter filter;
  filter.gene = "brca1";
  filter.below_frequency = 0.26;
  EXPECT_EQ(carriers(filter), one);
  filter.below_frequency = 0.25;  // it is not below
  EXPECT_EQ(carriers(filter), nobody);
  filter = {};
  filter.gene = "NBR2";
  filter.consequences = Of(Consequence::kIntron);
  EXPECT_EQ(carriers(filter), one);
  filter.consequences = kLossOfFunction;
  EXPECT_EQ(carriers(filter), nobody);
  filter = {};
  filter.change = "G12D";
  EXPECT_EQ(carriers(filter), one);
  filter.gene = "BRCA1";
  EXPECT_EQ(carriers(filter), one);
  filter.change = "G12V";
  EXPECT_EQ(carriers(filter), nobody);
}

TEST(CompactTest, RefusesWhatDoesNotFitTogether) {
  TemporaryDirectory dir;
  std::vector<std::unique_ptr<CohortIndex>> indices;
  for (const auto assembly : {genomics::Assembly::kGrch37, genomics::Assembly::kGrch38}) {
    const auto path = dir / std::to_string(indices.size());
    ASSERT_TRUE((*SegmentBuilder::Create(path, IndexInfo{"ds", "1", assembly, 2, 64}))->Finish().ok());
    indices.push_back(*CohortIndex::Open(path));
  }
  const CompactInput both[] = {indices[0].get(), indices[1].get()};
  const Context ctx = Context::Background();
  EXPECT_EQ(Reason(Compact(ctx, both, Bitmap(4, true), nullptr, "", dir / "out").status()),
            "INDEX_MISMATCH");
  EXPECT_EQ(Reason(Compact(ctx, {both, 1}, Bitmap(3, true), nullptr, "", dir / "out").status()),
            "INDEX_MISMATCH");
  EXPECT_EQ(Reason(Compact(ctx, {}, Bitmap(0), nullptr, "", dir / "out").status()),
            "INDEX_MISMATCH");
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
  EXPECT_EQ(annotations->frequencies().size(), 16U);
  const auto some = Annotations::Read(dir / "a", [](const Variant& v) { return v.pos == 10; });
  EXPECT_EQ(some->size(), 1U);
  EXPECT_EQ(some->frequencies(), annotations->frequencies()) << "it is the same table";
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
