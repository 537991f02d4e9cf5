// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/cohort.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "libs/cohort/site_frequencies.h"
#include "libs/core/file.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/tile_file.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::cohort {
namespace {

using testing::TemporaryDirectory;

// One person at one site: copies of the allele, and how many alleles were called.
struct Call {
  int copies = 0;
  int called = 2;
};
struct ModelSite {
  Variant variant;
  std::vector<Effect> effects;
  std::optional<double> frequency;
  std::vector<Call> calls;  // of everybody
};
struct ModelSegment {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  Unlisted unlisted = Unlisted::kIsNotCalled;
  std::vector<bool> lists;  // by site
};
// The definition of every answer, person by person.
struct Model {
  std::vector<ModelSite> sites;
  std::vector<ModelSegment> segments;
  // A table that came later, by site: none where it does not know the site.
  std::vector<std::optional<double>> table;
  double resolution = 0;

  std::uint32_t n() const { return segments.back().end; }

  // None where the person's segment does not list the site.
  const Call* CallOf(std::size_t site, std::uint32_t row) const {
    for (const ModelSegment& segment : segments) {
      if (row >= segment.begin && row < segment.end)
        return segment.lists[site] ? &sites[site].calls[row] : nullptr;
    }
    return nullptr;
  }
  AlleleCounts Count(std::size_t site, const Bitmap& rows) const {
    AlleleCounts counts;
    for (const ModelSegment& segment : segments) {
      for (std::uint32_t row = segment.begin; row < segment.end; ++row) {
        if (!rows.Test(row)) continue;
        if (!segment.lists[site]) {
          counts.an += segment.unlisted == Unlisted::kIsReference ? 2 : 0;
          continue;
        }
        const Call& call = sites[site].calls[row];
        counts.an += static_cast<std::uint64_t>(call.called);
        counts.ac += static_cast<std::uint64_t>(call.copies);
        counts.n_hom += call.copies == 2 ? 1U : 0U;
        counts.n_hemi += call.copies == 1 && call.called == 1 ? 1U : 0U;
        counts.n_het += call.copies == 1 && call.called == 2 ? 1U : 0U;
        counts.n_individuals += call.copies > 0 ? 1U : 0U;
      }
    }
    return counts;
  }
  // Of segments that do not list the site, people without a call at all that stands in its tile:
  // many of them lack the site, too.
  std::uint64_t NeverCalledAround(std::size_t site, const Bitmap& rows) const {
    const auto beside = [&](std::size_t other) {
      return sites[other].variant.contig == sites[site].variant.contig &&
             sites[other].variant.pos / kTileBases == sites[site].variant.pos / kTileBases;
    };
    std::uint64_t never = 0;
    for (const ModelSegment& segment : segments) {
      if (segment.lists[site]) continue;
      for (std::uint32_t row = segment.begin; row < segment.end; ++row) {
        bool called = false;
        for (std::size_t other = 0; other < sites.size(); ++other)
          called = called || (segment.lists[other] && beside(other) && sites[other].calls[row].called > 0);
        never += rows.Test(row) && !called ? 1U : 0U;
      }
    }
    return never;
  }
  float FrequencyIn(const ModelSegment& segment, std::size_t site) const {
    if (sites[site].frequency) return static_cast<float>(*sites[site].frequency);
    double ac = 0, an = 0;
    for (std::uint32_t row = segment.begin; row < segment.end; ++row) {
      ac += sites[site].calls[row].copies;
      an += sites[site].calls[row].called;
    }
    return static_cast<float>(an > 0 ? ac / an : 0);
  }
  bool Passes(const ModelSegment& segment, std::size_t site, const VariantFilter& filter) const {
    const ModelSite& s = sites[site];
    const auto limit = static_cast<float>(filter.below_frequency);
    const bool known = filter.frequencies != nullptr && table[site].has_value();
    const bool below_resolution =
        filter.frequencies != nullptr && limit >= static_cast<float>(resolution);
    const bool rarer = known ? static_cast<float>(*table[site]) < limit
                             : below_resolution || FrequencyIn(segment, site) < limit;
    if (!rarer) return false;
    if (!filter.change.empty() &&
        std::none_of(s.effects.begin(), s.effects.end(),
                     [&](const Effect& effect) { return effect.change == filter.change; }))
      return false;
    if (filter.accepts && !filter.accepts(static_cast<std::uint32_t>(s.variant.pos), s.variant.ref,
                                          s.variant.alt))
      return false;
    if (!filter.gene.empty()) {
      if (!filter.contig.empty() && s.variant.contig != filter.contig) return false;
      return std::any_of(s.effects.begin(), s.effects.end(), [&](const Effect& effect) {
        return effect.gene == filter.gene && (filter.consequences & Of(effect.consequence)) != 0;
      });
    }
    Consequence worst = Consequence::kUnknown;
    for (const Effect& effect : s.effects) worst = std::min(worst, effect.consequence);
    if (filter.contig.empty()) return !filter.change.empty() && (filter.consequences & Of(worst)) != 0;
    return s.variant.contig == filter.contig && s.variant.pos < filter.end &&
           s.variant.end() > filter.start && (filter.consequences & Of(worst)) != 0;
  }
  Bitmap Carriers(const VariantFilter& filter, const Bitmap& rows) const {
    Bitmap carriers(n());
    for (const ModelSegment& segment : segments) {
      for (std::size_t site = 0; site < sites.size(); ++site) {
        if (!segment.lists[site] || !Passes(segment, site, filter)) continue;
        for (std::uint32_t row = segment.begin; row < segment.end; ++row) {
          if (rows.Test(row) && sites[site].calls[row].copies > 0) carriers.Set(row);
        }
      }
    }
    return carriers;
  }
};

class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}
  std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool Chance(double p) { return std::uniform_real_distribution<>()(engine_) < p; }

 private:
  std::mt19937_64 engine_;
};

constexpr Consequence kEffects[] = {Consequence::kStopGained, Consequence::kFrameshift,
                                    Consequence::kMissense, Consequence::kSynonymous,
                                    Consequence::kIntron};

// Sites of two contigs and several megabases: multi-allelic ones, deletions over the end of a tile,
// haploid males on X, people without calls.
Model MakeModel(Rng& rng, std::vector<std::uint32_t> sizes, std::size_t n_sites,
                std::int64_t start = 999'900) {
  Model model;
  std::uint32_t n = 0;
  for (const std::uint32_t size : sizes) {
    ModelSegment segment{
        n, n + size, rng.Chance(0.5) ? Unlisted::kIsReference : Unlisted::kIsNotCalled, {}};
    n += size;
    for (std::size_t i = 0; i < n_sites; ++i)
      segment.lists.push_back(sizes.size() == 1 || rng.Chance(0.8));
    model.segments.push_back(std::move(segment));
  }
  const bool table = rng.Chance(0.5);
  std::vector<std::uint32_t> missing_until(n);
  std::int64_t pos = start;
  for (std::size_t i = 0; i < n_sites; ++i) {
    ModelSite site;
    const bool x = i >= n_sites * 2 / 3;
    if (x && i == n_sites * 2 / 3) pos = 10;
    const bool same = i > 0 && model.sites.back().variant.contig == (x ? "X" : "20") &&
                      model.sites.back().variant.alt == "C" && rng.Chance(0.3);
    if (!same) pos += 1 + rng.Below(20);
    site.variant = {x ? "X" : "20", pos, "A", same ? "G" : "C"};
    if (!same && rng.Chance(0.1)) site.variant = {x ? "X" : "20", pos, "ATTTTTTTTT", "A"};
    if (table) site.frequency = std::pow(10.0, -static_cast<double>(rng.Below(500)) / 100);
    const char* genes[] = {"BRCA1", "NBR2", "EMPTY"};
    for (std::uint32_t gene = 0; gene < 2; ++gene) {
      const char* changes[] = {"", "G12D", "R5K"};
      if (rng.Chance(0.5))
        site.effects.push_back({genes[gene], kEffects[rng.Below(5)], changes[rng.Below(3)]});
    }
    const double carried = rng.Chance(0.3) ? 0.3 : rng.Chance(0.5) ? 0.03 : 1.5 / n;
    const double absent = rng.Chance(0.2) ? 0.2 : 0.001;
    for (std::uint32_t row = 0; row < n; ++row) {
      Call call;
      const int copies = x && row % 2 == 1 ? 1 : 2;  // every second one is a man
      call.called = rng.Chance(0.002) ? 1 : copies;
      if (missing_until[row] > i) call.called = 0;
      if (rng.Chance(absent / 10))
        missing_until[row] = static_cast<std::uint32_t>(i) + rng.Below(8);
      for (int copy = 0; copy < call.called; ++copy) call.copies += rng.Chance(carried) ? 1 : 0;
      site.calls.push_back(call);
    }
    model.sites.push_back(std::move(site));
    model.table.emplace_back();
    if (rng.Chance(0.4))
      model.table.back() = std::pow(10.0, -static_cast<double>(rng.Below(500)) / 100);
  }
  const double resolutions[] = {1e-4, 1e-3, 0.02, 0.3};
  model.resolution = resolutions[rng.Below(4)];
  return model;
}

// Writes one segment of the model.
Status Write(const Model& model, const ModelSegment& segment, const std::filesystem::path& dir) {
  const std::uint32_t n = segment.end - segment.begin;
  GF_ASSIGN(auto writer,
            SegmentWriter::Create(dir, {genomics::Assembly::kGrch38, n, segment.unlisted, ""}));
  std::size_t i = 0;
  while (i < model.sites.size()) {
    const Variant& first = model.sites[i].variant;
    const auto tile = static_cast<std::uint32_t>(first.pos / kTileBases);
    TileBuilder builder(tile, n);
    struct Open {
      std::uint32_t first = 0, last = 0, missing = 0;
    };
    std::vector<Open> open(n);
    for (; i < model.sites.size() && model.sites[i].variant.contig == first.contig &&
           model.sites[i].variant.pos / kTileBases == tile;
         ++i) {
      if (!segment.lists[i]) continue;
      const ModelSite& site = model.sites[i];
      std::vector<std::uint32_t> het, hom, hemi;
      std::vector<std::uint64_t> bits(BitsetWords(n));
      const std::uint32_t number = builder.n_sites();
      for (std::uint32_t row = 0; row < n; ++row) {
        const Call& call = site.calls[segment.begin + row];
        if (call.copies == 2) hom.push_back(row);
        if (call.copies == 1) (call.called == 1 ? hemi : het).push_back(row);
        if (call.copies == 1 && call.called == 2) bits[row / 64] |= 1ULL << (row % 64);
        const auto missing = static_cast<std::uint32_t>(2 - call.called);
        Open& run = open[row];
        if (run.missing != missing || run.last + 1 != number) {
          if (run.missing != 0) GF_TRY(builder.AddRun(row, run.first, run.last, run.missing));
          run = {number, number, missing};
        }
        run.last = number;
      }
      // Both ways to say who is in a set.
      const Members hets = i % 2 == 0 ? Members{het, {}} : Members{{}, bits};
      GF_TRY(builder.Add({static_cast<std::uint32_t>(site.variant.pos), site.variant.ref,
                          site.variant.alt, site.frequency, site.effects},
                         hets, {hom, {}}, {hemi, {}}));
    }
    for (std::uint32_t row = 0; row < n; ++row) {
      if (open[row].missing != 0)
        GF_TRY(builder.AddRun(row, open[row].first, open[row].last, open[row].missing));
    }
    GF_TRY(writer.Add(first.contig, tile, builder));
  }
  return writer.Finish().status();
}

Result<std::unique_ptr<Cohort>> OpenCohort(const std::filesystem::path& dir, std::size_t n,
                                           Residence residence, const Shard& shard = {}) {
  std::vector<std::unique_ptr<Segment>> segments;
  for (std::size_t i = 0; i < n; ++i) {
    GF_ASSIGN(auto segment, Segment::Open(dir / std::to_string(i), residence, {}, shard));
    GF_TRY(segment->Verify());
    segments.push_back(std::move(segment));
  }
  return Cohort::Create(std::move(segments));
}

Bitmap SomeRows(Rng& rng, std::uint32_t n, double share) {
  Bitmap rows(n);
  for (std::uint32_t row = 0; row < n; ++row) {
    if (rng.Chance(share)) rows.Set(row);
  }
  return rows;
}

void CheckEverything(const Model& model, Rng& rng, Cohort& cohort) {
  const Context ctx = Context::Background();
  const std::uint32_t n = model.n();
  Workspace work;
  const double share = rng.Chance(0.5) ? 0.9 : 0.05;
  const Bitmap rows = SomeRows(rng, n, share);
  const auto live = cohort.MakeLive(rows, 7);
  for (std::size_t site = 0; site < model.sites.size(); ++site) {
    const bool known = std::any_of(model.segments.begin(), model.segments.end(),
                                   [&](const ModelSegment& s) { return s.lists[site]; });
    const auto by_rows = cohort.CountExact(model.sites[site].variant, rows, work);
    const auto by_live = cohort.CountExact(model.sites[site].variant, *live, work);
    RC_ASSERT(by_rows.ok() && by_live.ok());
    RC_ASSERT(by_rows->has_value() == known && by_live->has_value() == known);
    if (!known) continue;
    // X has one copy in men, which is what the model's sites say; who is not listed is asked below.
    const bool everywhere = std::all_of(model.segments.begin(), model.segments.end(),
                                        [&](const ModelSegment& s) { return s.lists[site]; });
    AlleleCounts expected = model.Count(site, rows);
    if (!everywhere) {
      const bool x = model.sites[site].variant.contig == "X";
      const std::uint64_t least = x ? 0 : expected.an - 2 * model.NeverCalledAround(site, rows);
      RC_ASSERT((*by_rows)->an >= least && (*by_rows)->an <= expected.an);
      expected.an = (*by_rows)->an;
    }
    RC_ASSERT(**by_rows == expected);
    RC_ASSERT(**by_live == **by_rows);
  }
  RC_ASSERT(!cohort.CountExact({"20", 999'899, "A", "C"}, rows, work)->has_value());
  RC_ASSERT(!cohort.CountExact({"7", 5, "A", "C"}, rows, work)->has_value());

  const auto later = SiteFrequencies::Make(
      ctx, cohort,
      [&](const std::string& contig,
          std::uint32_t megabase) -> Result<std::vector<KnownFrequency>> {
        std::vector<KnownFrequency> known;
        for (std::size_t i = 0; i < model.sites.size(); ++i) {
          const Variant& v = model.sites[i].variant;
          if (model.table[i] && v.contig == contig && v.pos / kTileBases == megabase)
            known.push_back({static_cast<std::uint32_t>(v.pos), v.ref, v.alt, *model.table[i]});
        }
        known.push_back({999, "T", "A", 0.5});  // a site that nobody here has
        std::sort(known.begin(), known.end(), [](const auto& a, const auto& b) {
          return std::tie(a.position, a.ref, a.alt) < std::tie(b.position, b.ref, b.alt);
        });
        return known;
      },
      model.resolution);
  RC_ASSERT(later.ok());
  for (int i = 0; i < 18; ++i) {
    VariantFilter filter;
    if (i % 2 == 1) filter.frequencies = later->get();
    const double limits[] = {1e-4, 1e-3, 1e-2, 5e-2, 0.02, 1.0, 2.0, 0.2};
    if (rng.Chance(0.8)) filter.below_frequency = limits[rng.Below(8)];
    const ConsequenceSet effects[] = {kLossOfFunction, kAnyConsequence,
                                      kLossOfFunction | Of(Consequence::kMissense),
                                      Of(Consequence::kIntron)};
    filter.consequences = effects[rng.Below(4)];
    if (rng.Chance(0.7)) {
      const char* genes[] = {"BRCA1", "NBR2", "EMPTY"};
      filter.gene = genes[rng.Below(3)];
      if (rng.Chance(0.3)) filter.contig = rng.Chance(0.4) ? "20" : rng.Chance(0.8) ? "X" : "21";
    } else {
      filter.contig = rng.Chance(0.7) ? "20" : "X";
      filter.start = (filter.contig == "20" ? 999'900 : 0) + rng.Below(300);
      filter.end = filter.start + 1 + rng.Below(200);
    }
    if (rng.Chance(0.3)) {
      filter.change = rng.Chance(0.5) ? "G12D" : "R5K";
      if (filter.gene.empty() && rng.Chance(0.5)) filter.contig.clear();
    }
    if (rng.Chance(0.3))
      filter.accepts = [](std::uint32_t position, std::string_view ref, std::string_view alt) {
        return position % 3 != 0 && ref.size() == 1 && alt != "G";
      };
    const Bitmap expected = model.Carriers(filter, rows);
    for (const bool ad_hoc : {false, true}) {
      const auto carriers = cohort.Carriers(ctx, filter, rows, work, ad_hoc);
      RC_ASSERT(carriers.ok());
      RC_ASSERT(*carriers == expected);
      RC_ASSERT(*cohort.CountCarriers(ctx, filter, rows, work, ad_hoc) == expected.Count());
    }
  }
  for (const char* contig : {"20", "X", "21"}) {
    const std::int64_t start = (contig[0] == '2' ? 999'900 : 0) + rng.Below(300);
    const std::int64_t end = rng.Chance(0.3) ? 3'000'000 : start + 1 + rng.Below(400);
    const auto counted = cohort.CountSites(ctx, contig, start, end, rows, work);
    RC_ASSERT(counted.ok());
    RC_ASSERT(counted->n_people == rows.Count());
    std::size_t next = 0;
    for (std::size_t site = 0; site < model.sites.size(); ++site) {
      const Variant& variant = model.sites[site].variant;
      const bool known = std::any_of(model.segments.begin(), model.segments.end(),
                                     [&](const ModelSegment& s) { return s.lists[site]; });
      if (!known || variant.contig != contig || variant.pos >= end || variant.end() <= start)
        continue;
      RC_ASSERT(next < counted->sites.size());
      const SiteCounts& got = counted->sites[next];
      RC_ASSERT(got.position == variant.pos && got.ref == variant.ref && got.alt == variant.alt);
      const AlleleCounts expected = **cohort.CountExact(variant, rows, work);
      RC_ASSERT(got.n_het == expected.n_het && got.n_hom == expected.n_hom &&
                got.n_hemi == expected.n_hemi && got.ac() == expected.ac);
      RC_ASSERT(counted->an(next) == expected.an);
      ++next;
    }
    RC_ASSERT(next == counted->sites.size());
  }
}

RC_GTEST_PROP(CohortProperty, EveryAnswerEqualsTheDefinition, (std::uint64_t seed)) {
  Rng rng(seed);
  std::vector<std::uint32_t> sizes;
  const std::uint32_t shapes[] = {3, 60, 64, 200, 700, 1500};
  const std::uint32_t n_segments = 1 + rng.Below(3);
  for (std::uint32_t i = 0; i < n_segments; ++i) sizes.push_back(shapes[rng.Below(6)]);
  const Model model = MakeModel(rng, sizes, 20 + rng.Below(40));
  TemporaryDirectory dir;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    RC_ASSERT(Write(model, model.segments[i], dir.path() / std::to_string(i)).ok());
  for (const Residence residence : {Residence::kMapped, Residence::kRead}) {
    auto cohort = OpenCohort(dir.path(), sizes.size(), residence);
    RC_ASSERT(cohort.ok());
    for (const Kernels& kernels : AvailableKernels()) {
      (*cohort)->UseKernels(kernels);
      (*cohort)->ShareFrom(rng.Chance(0.5) ? 0 : kShareFrom);
      CheckEverything(model, rng, **cohort);
    }
  }
}

// Over the border of two blocks, so that most questions have parts in two shards.
RC_GTEST_PROP(CohortProperty, ShardsTogetherAnswerAsTheWhole, (std::uint64_t seed)) {
  Rng rng(seed);
  const Model model = MakeModel(rng, {60, 64, 200}, 30 + rng.Below(40), 7'999'850);
  TemporaryDirectory dir;
  for (std::size_t i = 0; i < 3; ++i)
    RC_ASSERT(Write(model, model.segments[i], dir.path() / std::to_string(i)).ok());
  const std::uint32_t shards = 2 + rng.Below(4);
  std::vector<std::unique_ptr<Cohort>> parts;
  std::size_t tiles = 0;
  for (std::uint32_t number = 0; number < shards; ++number) {
    auto part = OpenCohort(dir.path(), 3, Residence::kMapped, {number, shards});
    RC_ASSERT(part.ok());
    for (std::size_t i = 0; i < 3; ++i) tiles += (*part)->segment(i).n_tiles();
    parts.push_back(*std::move(part));
  }
  const auto whole = OpenCohort(dir.path(), 3, Residence::kMapped);
  RC_ASSERT(whole.ok());
  std::size_t all = 0;
  for (std::size_t i = 0; i < 3; ++i) all += (*whole)->segment(i).n_tiles();
  RC_ASSERT(tiles == all);
  RC_ASSERT(parts[0]->Megabases() == (*whole)->Megabases());
  const Context ctx = Context::Background();
  const Bitmap rows = SomeRows(rng, model.n(), 0.5);
  Workspace work;
  for (int i = 0; i < 12; ++i) {
    VariantFilter filter;
    if (i % 3 == 0) {
      filter.gene = rng.Chance(0.5) ? "BRCA1" : "nbr2";
      if (rng.Chance(0.5)) filter.contig = rng.Chance(0.5) ? "20" : "X";
    }
    if (i % 3 == 1) {
      filter.contig = rng.Chance(0.8) ? "20" : "X";
      filter.start = (filter.contig == "20" ? 7'999'850 : 0) + rng.Below(300);
      filter.end = filter.start + 1 + rng.Below(200);
    }
    if (i % 3 == 2) filter.change = "G12D";
    Bitmap together(model.n());
    for (const std::uint32_t number : parts[0]->ShardsOf(filter, shards)) {
      Workspace own;
      const auto found = parts[number]->Carriers(ctx, filter, rows, own);
      RC_ASSERT(found.ok());
      together.Or(*found);
    }
    if (filter.gene == "nbr2") filter.gene = "NBR2";
    RC_ASSERT(together == model.Carriers(filter, rows));
  }
  for (std::size_t site = 0; site < model.sites.size(); ++site) {
    const Variant& variant = model.sites[site].variant;
    Workspace own;
    const Cohort& owner = *parts[ShardOf(
        variant.contig, static_cast<std::uint32_t>(variant.pos / kTileBases), shards)];
    const auto expected = (*whole)->CountExact(variant, rows, work);
    RC_ASSERT(expected.ok());
    RC_ASSERT(*owner.CountExact(variant, rows, own) == *expected);
    RC_ASSERT(*owner.CountExact(variant, *owner.MakeLive(rows, 1), own) == *expected);
  }
}

TEST(CohortTest, AShardNeedsItsOwnTilesAloneAndAManifestThatSaysWhatTheOthersHave) {
  Rng rng(5);
  const Model model = MakeModel(rng, {60}, 60, 7'999'850);
  TemporaryDirectory dir;
  const auto path = dir.path() / "0";
  ASSERT_TRUE(Write(model, model.segments[0], path).ok());
  // Chromosome 20 begins with block 349, X with block 372.
  ASSERT_EQ(ShardOf("20", 7, 2), 1U);
  ASSERT_EQ(ShardOf("20", 8, 2), 0U);
  ASSERT_EQ(ShardOf("X", 0, 2), 0U);
  std::filesystem::remove(path / "20.0007.tile");
  EXPECT_EQ(Reason(Segment::Open(path).status()), "INDEX_CORRUPT");
  EXPECT_EQ(Reason(Segment::Open(path, Residence::kMapped, {}, {1, 2}).status()), "INDEX_CORRUPT");
  const auto segment = Segment::Open(path, Residence::kMapped, {}, {0, 2});
  ASSERT_TRUE(segment.ok());
  EXPECT_TRUE((*segment)->Verify().ok());
  EXPECT_EQ((*segment)->n_tiles(), 2U);
  EXPECT_EQ((*segment)->bytes(), std::filesystem::file_size(path / "20.0008.tile") +
                                     std::filesystem::file_size(path / "X.0000.tile"));
  EXPECT_EQ((*segment)->FindContig("20")->Find(7), nullptr);
  // As it was written before: whole, or not at all.
  SegmentManifest manifest = *ParseSegment(*ReadFile(path / kSegmentFile));
  for (SegmentTile& tile : manifest.tiles) tile.reach.reset();
  ASSERT_TRUE(WriteFileAtomically(path / kSegmentFile, FormatSegment(manifest), 0640).ok());
  EXPECT_EQ(Reason(Segment::Open(path, Residence::kMapped, {}, {0, 2}).status()), "INDEX_MISMATCH");
}

// It may come from a store: a number is taken as it stands there, or not at all.
TEST(SegmentManifest, HasNumbersThatFit) {
  SegmentManifest manifest;
  manifest.info.n_people = 3;
  SegmentTile tile{"20", 5, 7, {1000, 640, std::string(64, 'a'), std::string(64, 'b')}};
  tile.reach = {12, {"BRCA1"}};
  manifest.tiles = {tile};
  const std::string text = FormatSegment(manifest);
  ASSERT_TRUE(ParseSegment(text).ok());
  const std::pair<const char*, const char*> changes[] = {
      {"\"n_people\": 3", "\"n_people\": 4294967299"},  // 2^32 more, here and below
      {"\"format_version\": 4", "\"format_version\": 4294967300"},
      {"\"format_version\": 4", "\"format_version\": 1e55"},
      {"\"n_people\": 3", "\"n_people\": 3.5"},
      {"\"n_people\": 3", "\"n_people\": -4294967293"},
      {"\"tile\": 5", "\"tile\": 4294967301"},
      {"\"tile\": 5", "\"tile\": 5.5"},
      {"\"tile\": 5", "\"tile\": true"},
      {"\"n_sites\": 7", "\"n_sites\": 4294967303"},
      {"\"max_ref_length\": 12", "\"max_ref_length\": 4294967308"},
      {"\"size\": 1000", "\"size\": 1e3"},
      {"\"size\": 1000", "\"size\": 1e300"},
      {"\"size\": 1000", "\"size\": -1"},
      {"\"size\": 1000", "\"size\": 1099511627777"},  // one byte more than a tile may have
      {"\"metadata_size\": 640", "\"metadata_size\": 1001"},
  };
  for (const auto& [from, to] : changes) {
    std::string changed = text;
    const std::size_t at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, std::string_view(from).size(), to);
    EXPECT_EQ(Reason(ParseSegment(changed).status()), "INDEX_CORRUPT") << to;
  }
}

// More rows than one block of 16-bit numbers, and more sites than one chunk of runs.
TEST(CohortTest, ManyPeopleAndManySites) {
  using Sizes = std::vector<std::uint32_t>;
  for (const auto& [sizes, n_sites] : {std::pair(Sizes{70'000, 66'001}, std::size_t{12}),
                                       std::pair(Sizes{40}, std::size_t{5000})}) {
    Rng rng(n_sites);
    const Model model = MakeModel(rng, sizes, n_sites);
    TemporaryDirectory dir;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      ASSERT_TRUE(Write(model, model.segments[i], dir.path() / std::to_string(i)).ok());
    auto cohort = OpenCohort(dir.path(), sizes.size(), Residence::kMapped);
    ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
    CheckEverything(model, rng, **cohort);
  }
}

// An allele that only one segment lists: the other's people lack it, and have as many called copies as
// there are around it. A plain VCF says so by its next site, chunk by chunk; a gVCF by its blocks.
TEST(CohortTest, AllelesOfOneSegmentCountTheCopiesOfTheOther) {
  TemporaryDirectory dir;
  const std::uint32_t carrier[] = {0};
  {  // 24 people by a VCF. Rows 12 to 23 have one X at the first 1,024 sites, and in the second tile.
    auto writer = *SegmentWriter::Create(dir / "0", {genomics::Assembly::kGrch38, 24, Unlisted::kIsReference, ""});
    TileBuilder first(0, 24);
    for (std::uint32_t i = 0; i < 1030; ++i)
      ASSERT_TRUE(first.Add({1000 + 10 * i, "A", "C", {}, {}}, {carrier, {}}, {}).ok());
    for (std::uint32_t row = 12; row < 24; ++row) ASSERT_TRUE(first.AddRun(row, 0, 1023, 1).ok());
    ASSERT_TRUE(writer.Add("X", 0, first).ok());
    TileBuilder second(1, 24);
    ASSERT_TRUE(second.Add({1'000'500, "A", "C", {}, {}}, {carrier, {}}, {}).ok());
    for (std::uint32_t row = 12; row < 24; ++row) ASSERT_TRUE(second.AddRun(row, 0, 0, 1).ok());
    ASSERT_TRUE(writer.Add("X", 1, second).ok());
    TileBuilder third(2, 24);
    ASSERT_TRUE(third.Add({2'000'500, "A", "C", {}, {}}, {carrier, {}}, {}).ok());
    ASSERT_TRUE(writer.Add("X", 2, third).ok());
    ASSERT_TRUE(writer.Finish().ok());
  }
  {  // Three people by gVCFs.
    auto writer = *SegmentWriter::Create(dir / "1", {genomics::Assembly::kGrch38, 3, Unlisted::kIsNotCalled, ""});
    TileBuilder first(0, 3);
    for (const std::uint32_t position : {1005U, 11'285U, 20'000U})
      ASSERT_TRUE(first.Add({position, "G", "T", {}, {}}, {carrier, {}}, {}).ok());
    genomics::CoverageWriter called;
    called.Add({0, 900, 1100, false});
    called.Add({1, 1000, 1001, true});
    first.SetCalled(called.Encode(3));
    ASSERT_TRUE(writer.Add("X", 0, first).ok());
    TileBuilder second(1, 3);
    ASSERT_TRUE(second.Add({1'000'400, "G", "T", {}, {}}, {carrier, {}}, {}).ok());
    genomics::CoverageWriter later;
    later.Add({2, 500, 501, true});
    second.SetCalled(later.Encode(3));
    ASSERT_TRUE(writer.Add("X", 1, second).ok());
    TileBuilder third(2, 3);
    ASSERT_TRUE(third.Add({2'000'400, "G", "T", {}, {}}, {carrier, {}}, {}).ok());
    ASSERT_TRUE(writer.Add("X", 2, third).ok());
    ASSERT_TRUE(writer.Finish().ok());
  }
  const auto cohort = OpenCohort(dir.path(), 2, Residence::kMapped);
  ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
  Workspace work;
  const Bitmap everybody(27, true);
  const auto counted = (*cohort)->CountSites(Context::Background(), "X", 0, 3'000'000, everybody, work);
  ASSERT_TRUE(counted.ok());
  ASSERT_EQ(counted->sites.size(), 1037U);
  std::map<std::uint32_t, std::uint64_t> an;
  for (std::size_t i = 0; i < counted->sites.size(); ++i) {
    const SiteCounts& site = counted->sites[i];
    EXPECT_EQ(site.n_het, 1U) << site.position;
    an[site.position] = counted->an(i);
    const genomics::Variant variant{"X", site.position, std::string(site.ref), std::string(site.alt)};
    EXPECT_EQ((**(*cohort)->CountExact(variant, everybody, work)).an, counted->an(i)) << site.position;
  }
  // Of the VCF's 48 copies 36 are there in the first chunk. Of the gVCFs' three people: 2 + 1, 2, none.
  EXPECT_EQ(an[1000], 36U + 3U);
  EXPECT_EQ(an[1010], 36U + 2U);
  EXPECT_EQ(an[1090], 36U + 2U);
  EXPECT_EQ(an[1100], 36U);
  EXPECT_EQ(an[1000 + 10 * 1023], 36U);
  EXPECT_EQ(an[1000 + 10 * 1024], 48U);
  EXPECT_EQ(an[1'000'500], 36U + 1U);
  EXPECT_EQ(an[2'000'500], 48U);
  // The gVCFs' own sites, where all three were called: the VCF by the chunk of its next site.
  EXPECT_EQ(an[1005], 36U + 6U);
  EXPECT_EQ(an[11'285], 48U + 6U);
  EXPECT_EQ(an[20'000], 48U + 6U);
  EXPECT_EQ(an[1'000'400], 36U + 6U);
  EXPECT_EQ(an[2'000'400], 48U + 6U);
}

TEST(CohortTest, AGeneOfTwoContigsIsAskedForOnOneOfThem) {
  TemporaryDirectory dir;
  auto writer = *SegmentWriter::Create(
      dir / "0", {genomics::Assembly::kGrch38, 9, Unlisted::kIsReference, ""});
  const std::uint32_t on_x[] = {0, 1, 2}, on_y[] = {2, 3};
  for (const auto& [contig, rows] :
       {std::pair<const char*, std::span<const std::uint32_t>>("X", on_x), {"Y", on_y}}) {
    TileBuilder builder(0, 9);
    const std::vector<Effect> effects = {{"SHOX", Consequence::kMissense, "G12D"}};
    ASSERT_TRUE(builder.Add({624'000, "A", "C", {}, effects}, {rows, {}}, {}).ok());
    ASSERT_TRUE(writer.Add(contig, 0, builder).ok());
  }
  ASSERT_TRUE(writer.Finish().ok());
  const auto cohort = OpenCohort(dir.path(), 1, Residence::kMapped, {0, 1});
  ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
  Workspace work;
  const Bitmap everybody(9, true);
  const std::pair<const char*, std::uint64_t> expected[] = {
      {"", 4U}, {"X", 3U}, {"Y", 2U}, {"20", 0U}};
  for (const auto& [contig, people] : expected) {
    VariantFilter filter;
    filter.gene = "SHOX";
    filter.contig = contig;
    for (const bool ad_hoc : {false, true}) {
      EXPECT_EQ(*(*cohort)->CountCarriers(Context::Background(), filter, everybody, work, ad_hoc),
                people)
          << contig;
    }
  }
}

// Who was called is read only for an allele that somebody has.
TEST(CohortTest, AnAlleleThatNobodyListsReadsNothing) {
  TemporaryDirectory dir;
  auto writer = *SegmentWriter::Create(
      dir / "0", {genomics::Assembly::kGrch38, 3, Unlisted::kIsNotCalled, ""});
  TileBuilder builder(0, 3);
  const std::uint32_t carrier[] = {0};
  ASSERT_TRUE(builder.Add({1005, "G", "T", {}, {}}, {carrier, {}}, {}).ok());
  genomics::CoverageWriter called;
  called.Add({0, 900, 1100, false});
  builder.SetCalled(called.Encode(3));
  ASSERT_TRUE(writer.Add("20", 0, builder).ok());
  ASSERT_TRUE(writer.Finish().ok());
  const auto cohort = OpenCohort(dir.path(), 1, Residence::kRead);
  ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
  std::filesystem::resize_file(dir.path() / "0" / "20.0000.tile", 0);
  Workspace work;
  const Bitmap everybody(3, true);
  const Variant nobodys{"20", 1005, "G", "C"};
  for (const auto& counts :
       {(*cohort)->CountExact(nobodys, everybody, work),
        (*cohort)->CountExact(nobodys, *(*cohort)->MakeLive(everybody, 1), work)}) {
    ASSERT_TRUE(counts.ok()) << Describe(counts.status());
    EXPECT_FALSE(counts->has_value());
  }
}

// A page with all of its 256 rows does not fit the number of its members: the set is a bitset.
TEST(CohortTest, AFullPageIsABitset) {
  const std::uint32_t n = 10'000;
  TileBuilder builder(0, n);
  std::vector<std::uint32_t> full, partial;
  for (std::uint32_t row = 256; row < 512; ++row) full.push_back(row);
  for (std::uint32_t row = 9'900; row < n; ++row) partial.push_back(row);
  ASSERT_TRUE(builder.Add({5, "A", "C", {}, {}}, {full, {}}, {partial, {}}).ok());
  TemporaryDirectory dir;
  auto writer = *SegmentWriter::Create(dir / "s", {genomics::Assembly::kGrch38, n, {}, ""});
  ASSERT_TRUE(writer.Add("1", 0, builder).ok());
  ASSERT_TRUE(writer.Finish().ok());
  auto segment = *Segment::Open(dir / "s");
  ASSERT_TRUE(segment->Verify().ok());
  const Tile& tile = *segment->FindContig("1")->tiles[0];
  EXPECT_EQ(tile.Set(0, 0).form, Form::kBitset);
  EXPECT_EQ(tile.Set(1, 0).form, Form::kPages);
  std::vector<std::unique_ptr<Segment>> segments;
  segments.push_back(std::move(segment));
  const auto cohort = *Cohort::Create(std::move(segments));
  Workspace work;
  const std::uint32_t some[] = {255, 256, 300, 511, 512, 9'899, 9'900, 9'999};
  const auto counts = **cohort->CountExact({"1", 5, "A", "C"}, Bitmap::FromRows(n, some), work);
  EXPECT_EQ(counts.n_het, 3U);
  EXPECT_EQ(counts.n_hom, 2U);
}

class TileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Rng rng(1);
    model_ = MakeModel(rng, {300}, 30);
    ASSERT_TRUE(Write(model_, model_.segments[0], dir_.path() / "0").ok());
  }
  TemporaryDirectory dir_;
  Model model_;
};

TEST_F(TileTest, RefusesDamage) {
  const auto dir = dir_.path() / "0";
  ASSERT_TRUE(Segment::Open(dir).ok());
  EXPECT_EQ(Reason(Segment::Open(dir_.path() / "1").status()), "INDEX_MISSING");
  EXPECT_EQ(Reason(Segment::Open(dir, Residence::kRead, std::string(64, '0')).status()),
            "INDEX_CORRUPT");
  const auto file = dir / "20.0001.tile";
  const std::string good = *ReadFile(file);
  auto write = [&](const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; };
  std::string bad = good;
  bad[600] = static_cast<char>(bad[600] ^ 1);  // in the metadata
  write(bad);
  EXPECT_EQ(Reason(Segment::Open(dir).status()), "INDEX_CORRUPT");
  EXPECT_NE(Message(Segment::Open(dir).status()).find("20.0001.tile"), std::string::npos);
  write(good.substr(0, good.size() - 64));
  EXPECT_EQ(Reason(Segment::Open(dir).status()), "INDEX_CORRUPT");
  bad = good;
  bad[bad.size() - 70] =
      static_cast<char>(bad[bad.size() - 70] ^ 1);  // in the rows: Verify finds it
  write(bad);
  auto segment = Segment::Open(dir);
  ASSERT_TRUE(segment.ok());
  EXPECT_EQ(Reason((*segment)->Verify()), "INDEX_CORRUPT");
  EXPECT_NE(Message((*segment)->Verify()).find("20.0001.tile"), std::string::npos);
  write(good);
  EXPECT_TRUE((*Segment::Open(dir))->Verify().ok());
  EXPECT_EQ(Reason(SegmentWriter::Create(dir, {genomics::Assembly::kGrch38, 5, {}, ""}).status()),
            "INDEX_EXISTS");
}

// A small tile whose digests are right, whatever was changed in it.
class ForgedTileTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kRows = 27;

  ForgedTileTest() {
    const std::vector<Effect> of_two = {{"G1", Consequence::kStopGained},
                                        {"G2", Consequence::kSynonymous}};
    const std::vector<Effect> of_one = {{"G2", Consequence::kMissense}};
    const std::vector<std::uint32_t> one = {3}, other = {5};
    TileBuilder builder(0, kRows);
    GF_CHECK(builder.Add({100, "A", "C", {}, of_two}, {one, {}}, {}).ok());
    GF_CHECK(builder.Add({200, "A", "C", {}, of_one}, {other, {}}, {}).ok());
    GF_CHECK(builder.Add({300, "A", "C", {}, {}}, {one, {}}, {other, {}}).ok());
    // So many that they are a bitset, and one run besides.
    for (std::uint32_t row = 10; row < 20; ++row) GF_CHECK(builder.AddRun(row, 0, 2, 1).ok());
    GF_CHECK(builder.AddRun(20, 1, 2, 2).ok());
    GF_CHECK(builder.Finish(dir_ / "good").ok());
    bytes_ = *ReadFile(dir_ / "good");
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }

  template <typename T>
  T* At(Section section, std::size_t i = 0) {
    const auto& extent = header_.sections[static_cast<std::size_t>(section)];
    GF_CHECK((i + 1) * sizeof(T) <= extent.size);
    return reinterpret_cast<T*>(bytes_.data() + extent.offset) + i;
  }
  Result<std::unique_ptr<Tile>> Open() {
    GF_CHECK(WriteFileAtomically(dir_ / "forged", bytes_).ok());
    const std::string metadata =
        genomics::Sha256Hex(std::string_view(bytes_).substr(0, header_.metadata_size));
    return Tile::Open(dir_ / "forged", {0, kRows, bytes_.size(), header_.metadata_size, metadata},
                      Residence::kRead);
  }
  Status Verify() {
    GF_ASSIGN(const auto tile, Open());
    return tile->Verify(genomics::Sha256Hex(bytes_));
  }

  TemporaryDirectory dir_;
  std::string bytes_;
  TileHeader header_;
};

TEST_F(ForgedTileTest, OpenRefusesPlacesThatAreNotThere) {
  const std::string good = bytes_;
  ASSERT_TRUE(Verify().ok()) << Describe(Verify());
  const auto refused = [&] {
    const std::string reason = Reason(Open().status());
    bytes_ = good;
    return reason == "INDEX_CORRUPT";
  };
  // Three units, of two genes and between them, and one more.
  *At<std::uint32_t>(Section::kUnit, 1) = 3;
  EXPECT_TRUE(refused()) << "no such unit";
  *At<std::uint8_t>(Section::kConsequence, 1) = kConsequences;
  EXPECT_TRUE(refused()) << "no such consequence";
  for (std::size_t unit = 0; unit < 3; ++unit) At<Unit>(Section::kUnits, unit)->name = kNone;
  EXPECT_TRUE(refused()) << "an effect on no gene";
  *At<std::uint32_t>(Section::kBuckets, 1) = 1;
  EXPECT_TRUE(refused()) << "a bucket that misses a site";
  At<Group>(Section::kGroups, 1)->id = 100;
  EXPECT_TRUE(refused()) << "rows of a group outside";
  EXPECT_TRUE(Open().ok());
}

TEST_F(ForgedTileTest, VerifyRefusesRowsThatAreNotThere) {
  const std::string good = bytes_;
  const auto refused = [&] {
    EXPECT_TRUE(Open().ok());
    const std::string reason = Reason(Verify());
    bytes_ = good;
    return reason == "INDEX_CORRUPT";
  };
  // Of no set any more, but still among the rows of the gene.
  *At<std::uint32_t>(Section::kCounts, 0) = 0;
  EXPECT_TRUE(Verify().ok());
  *At<std::uint32_t>(Section::kIds, 0) = kRows;
  EXPECT_TRUE(refused()) << "a row between sets";
  *At<std::uint32_t>(Section::kMissing, 0) += 1;
  EXPECT_TRUE(refused()) << "another number of missing calls";
  *At<std::uint64_t>(Section::kBase, 0) ^= 1ULL << 10 | 1ULL << kRows;
  EXPECT_TRUE(refused()) << "missing calls of nobody";
  EXPECT_TRUE(Verify().ok());
}

TEST_F(TileTest, LongScansStop) {
  auto cohort = OpenCohort(dir_.path(), 1, Residence::kMapped);
  ASSERT_TRUE(cohort.ok());
  std::stop_source stop;
  stop.request_stop();
  const Context ctx = Context::Background().WithStop(stop.get_token());
  Workspace work;
  const Bitmap everybody(300, true);
  VariantFilter gene;
  gene.gene = "BRCA1";
  EXPECT_EQ((*cohort)->CountCarriers(ctx, gene, everybody, work).status().code(),
            StatusCode::kCancelled);
  EXPECT_EQ((*cohort)->CountSites(ctx, "20", 0, 2'000'000, everybody, work).status().code(),
            StatusCode::kCancelled);
  // The marks of a query that was stopped are not those of the next.
  EXPECT_EQ(*(*cohort)->CountCarriers(Context::Background(), gene, everybody, work),
            model_.Carriers(gene, everybody).Count());
}

// Several chunks of sites, so that every part of the work is shared out.
TEST(CohortTest, SharedWorkIsTheSame) {
  Rng rng(5);
  const Model model = MakeModel(rng, {700}, 5000, 1'000'100);
  TemporaryDirectory dir;
  ASSERT_TRUE(Write(model, model.segments[0], dir.path() / "0").ok());
  const auto cohort = OpenCohort(dir.path(), 1, Residence::kMapped);
  ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
  const Context ctx = Context::Background();
  Workspace work;
  Bitmap rows(700);
  for (std::uint32_t row = 0; row < 700; row += 1 + rng.Below(3)) rows.Set(row);
  for (const auto& [start, end] : {std::pair{0, 3'000'000}, {1'005'000, 1'025'000}, {1'012'000, 2'000'000}}) {
    (*cohort)->ShareFrom(kShareFrom);
    const auto alone = (*cohort)->CountSites(ctx, "20", start, end, rows, work);
    (*cohort)->ShareFrom(0);
    const auto shared = (*cohort)->CountSites(ctx, "20", start, end, rows, work);
    ASSERT_TRUE(alone.ok() && shared.ok());
    ASSERT_GT(alone->sites.size(), 1024U);
    ASSERT_EQ(alone->sites.size(), shared->sites.size());
    for (std::size_t i = 0; i < alone->sites.size(); ++i) {
      const auto all = [](const SiteCounts& s) {
        return std::tie(s.position, s.ref, s.alt, s.n_het, s.n_hom, s.n_hemi, s.missing);
      };
      ASSERT_EQ(all(alone->sites[i]), all(shared->sites[i])) << i;
    }
  }
  VariantFilter gene;
  gene.gene = "BRCA1";
  (*cohort)->ShareFrom(kShareFrom);
  const auto alone = (*cohort)->Carriers(ctx, gene, rows, work, true);
  (*cohort)->ShareFrom(0);
  // Twice: nobody's marks are left for the next question.
  for (int i = 0; i < 2; ++i) EXPECT_EQ(*(*cohort)->Carriers(ctx, gene, rows, work, true), *alone);
  EXPECT_EQ(*(*cohort)->CountCarriers(ctx, gene, rows, work, true), alone->Count());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ((*cohort)->CountSites(ctx.WithStop(stop.get_token()), "20", 0, 3'000'000, rows, work).status().code(),
            StatusCode::kCancelled);
}

// Also where none of the sites that are looked at passes.
TEST(CohortTest, ScansOfWholeContigsStop) {
  Rng rng(3);
  const Model model = MakeModel(rng, {40}, 6000, 1'000'100);
  TemporaryDirectory dir;
  ASSERT_TRUE(Write(model, model.segments[0], dir.path() / "0").ok());
  const auto cohort = OpenCohort(dir.path(), 1, Residence::kMapped);
  ASSERT_TRUE(cohort.ok()) << Describe(cohort.status());
  Workspace work;
  const Bitmap everybody(40, true);
  VariantFilter range, change;
  range.contig = "20";
  range.end = genomics::kMaxPosition;
  change.change = "G12D";
  for (VariantFilter& filter : {std::ref(range), std::ref(change)}) {
    for (const int begun : {0, 1}) {
      std::stop_source stop;
      if (begun == 0) stop.request_stop();
      int looked = 0;
      filter.accepts = [&](std::uint32_t, std::string_view, std::string_view) {
        ++looked;
        stop.request_stop();
        return false;
      };
      const Context ctx = Context::Background().WithStop(stop.get_token());
      EXPECT_EQ((*cohort)->CountCarriers(ctx, filter, everybody, work).status().code(),
                StatusCode::kCancelled);
      EXPECT_LE(looked, begun * 1024) << filter.contig;
    }
  }
}

// What could not be read once is read again.
TEST_F(TileTest, AFailedReadSpoilsNoEpoch) {
  const auto file = dir_.path() / "0" / "20.0001.tile";
  const std::string good = *ReadFile(file);
  const auto cohort = OpenCohort(dir_.path(), 1, Residence::kRead);
  ASSERT_TRUE(cohort.ok());
  const Variant* variant = nullptr;
  for (const ModelSite& site : model_.sites) {
    if (site.variant.contig == "20" && site.variant.pos >= kTileBases) variant = &site.variant;
  }
  ASSERT_NE(variant, nullptr);
  Bitmap rows(300, true);
  rows.Clear(7);
  const auto live = (*cohort)->MakeLive(rows, 1);
  Workspace work;
  std::filesystem::resize_file(file, 600);
  EXPECT_EQ(Reason((*cohort)->CountExact(*variant, *live, work).status()), "INDEX_CORRUPT");
  std::ofstream(file, std::ios::binary) << good;
  const auto counts = (*cohort)->CountExact(*variant, *live, work);
  ASSERT_TRUE(counts.ok()) << Describe(counts.status());
  EXPECT_EQ(**counts, **(*cohort)->CountExact(*variant, rows, work));
}

TEST(TileBuilderTest, RefusesBadSites) {
  TileBuilder builder(0, 10);
  const std::uint32_t two[] = {1, 2}, twice[] = {1, 1}, high[] = {10};
  EXPECT_TRUE(builder.Add({5, "A", "C", {}, {}}, {two, {}}, {}).ok());
  EXPECT_EQ(Reason(builder.Add({5, "A", "C", {}, {}}, {}, {})), "UNSORTED");
  EXPECT_EQ(Reason(builder.Add({4, "A", "C", {}, {}}, {}, {})), "UNSORTED");
  EXPECT_EQ(Reason(builder.Add({1'000'000, "A", "C", {}, {}}, {}, {})), "SITE_INVALID");
  EXPECT_EQ(Reason(builder.Add({6, "A", "C", {}, {}}, {twice, {}}, {})), "ROW_INVALID");
  EXPECT_EQ(Reason(builder.Add({6, "A", "C", {}, {}}, {high, {}}, {})), "ROW_INVALID");
  EXPECT_EQ(Reason(builder.AddRun(10, 0, 0, 1)), "ROW_INVALID");
  EXPECT_TRUE(builder.AddRun(1, 0, 7, 1).ok());
  TemporaryDirectory dir;
  EXPECT_EQ(Reason(builder.Finish(dir.path() / "t").status()), "ROW_INVALID");
}

TEST(ConsequenceTest, Names) {
  EXPECT_EQ(MostSevere("missense_variant&splice_region_variant"), Consequence::kMissense);
  EXPECT_EQ(MostSevere("splice_region_variant&stop_gained"), Consequence::kStopGained);
  EXPECT_EQ(MostSevere("nonsense"), Consequence::kUnknown);
  for (std::size_t i = 0; i < kConsequences; ++i) {
    const auto consequence = static_cast<Consequence>(i);
    EXPECT_EQ(ParseConsequence(Name(consequence)), consequence);
    if (consequence != Consequence::kUnknown) {
      EXPECT_EQ(ParseSequenceOntology(SequenceOntologyOf(consequence)), Of(consequence));
    }
  }
  // From the table of Ensembl.
  EXPECT_EQ(SequenceOntologyOf(Consequence::kStopGained), "SO:0001587");
  EXPECT_EQ(SequenceOntologyOf(Consequence::kMissense), "SO:0001583");
  EXPECT_EQ(SequenceOntologyOf(Consequence::kSplicePolypyrimidineTract), "SO:0002169");
  EXPECT_EQ(SequenceOntologyOf(Consequence::kIntron), "SO:0001627");
  EXPECT_EQ(SequenceOntologyOf(Consequence::kIntergenic), "SO:0001628");
  EXPECT_EQ(ParseSequenceOntology("SO:0002054"), kLossOfFunction);
  EXPECT_EQ(ParseSequenceOntology("SO:0000001"), std::nullopt);
  EXPECT_EQ(ParseSequenceOntology("1587"), std::nullopt);
}

}  // namespace
}  // namespace genofed::cohort
