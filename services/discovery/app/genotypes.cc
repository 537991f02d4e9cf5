// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/genotypes.h"

namespace genofed::discovery {
namespace {

using genomics::AlleleCounts;
using genomics::Bitmap;
using genomics::Variant;
using Form = VariantPattern::Form;

Variant VariantOf(const VariantPattern& pattern) {
  return {pattern.contig, pattern.start, pattern.ref, pattern.alt};
}

Result<std::optional<AlleleCounts>> CountExact(const Cohort& cohort, const VariantPattern& pattern,
                                               const Bitmap& rows, const cohort::Live* live,
                                               cohort::Workspace& work) {
  return live != nullptr ? cohort.genotypes().CountExact(VariantOf(pattern), *live, work)
                         : cohort.genotypes().CountExact(VariantOf(pattern), rows, work);
}

}  // namespace

cohort::VariantFilter FilterOf(const VariantPattern& pattern,
                               const AppliedFrequencies* frequencies) {
  cohort::VariantFilter filter;
  if (frequencies != nullptr) filter.frequencies = frequencies->sites.get();
  filter.consequences = pattern.consequences;
  filter.below_frequency = pattern.below_frequency;
  filter.contig = pattern.contig;
  filter.gene = pattern.search.gene;
  filter.change = pattern.search.amino_acid_change;
  if (pattern.form == Form::kAtStart || pattern.form == Form::kExact) {
    filter.start = pattern.start;
    filter.end = pattern.start + 1;
    filter.accepts = [&pattern](std::uint32_t position, std::string_view ref,
                                std::string_view alt) {
      return position == pattern.start && alt == pattern.alt &&
             (pattern.form == Form::kAtStart || ref == pattern.ref);
    };
    return filter;
  }
  if (const auto region = pattern.Region()) {
    filter.start = region->begin;
    filter.end = region->end;
  } else if (filter.gene.empty()) {
    filter.end = genomics::kMaxPosition;  // a change, on this contig or anywhere
  }
  filter.accepts = pattern.OfAllele();
  return filter;
}

const OwnGenotypes& OwnGenotypes::Get() {
  static const OwnGenotypes own;
  return own;
}

Result<std::uint64_t> OwnGenotypes::CountCarriers(const Context& ctx, const Cohort& cohort,
                                                  const VariantPattern& pattern, const Bitmap& rows,
                                                  const cohort::Live* live,
                                                  const AppliedFrequencies* frequencies) const {
  const Cohort::Buffers work(cohort);
  if (pattern.form != Form::kExact)
    return cohort.genotypes().CountCarriers(ctx, FilterOf(pattern, frequencies), rows, *work);
  GF_ASSIGN(const auto counts, CountExact(cohort, pattern, rows, live, *work));
  return counts ? counts->n_individuals : 0;
}

Result<Bitmap> OwnGenotypes::Carriers(const Context& ctx, const Cohort& cohort,
                                      const VariantPattern& pattern, const Bitmap& rows,
                                      const AppliedFrequencies* frequencies) const {
  const Cohort::Buffers work(cohort);
  return cohort.genotypes().Carriers(ctx, FilterOf(pattern, frequencies), rows, *work);
}

Result<std::vector<FoundAllele>> OwnGenotypes::FindAlleles(const Context& ctx, const Cohort& cohort,
                                                           const VariantPattern& pattern,
                                                           const Bitmap& rows,
                                                           const cohort::Live* live) const {
  std::vector<FoundAllele> found;
  const Cohort::Buffers work(cohort);
  if (pattern.form == Form::kExact) {
    GF_ASSIGN(const auto counts, CountExact(cohort, pattern, rows, live, *work));
    if (counts) found.push_back({VariantOf(pattern), *counts});
    return found;
  }
  // A deletion that began before and merely reaches here is another allele.
  GF_TRY(ForEachSiteOf(
      ctx, cohort, pattern.contig, pattern.start, pattern.start + 1, rows,
      [&](const cohort::SiteCounts& site, std::uint64_t an) {
        if (site.alt != pattern.alt) return;
        AlleleCounts counts{site.ac(),   an,
                            site.n_het,  site.n_hom,
                            site.n_hemi, site.n_het + std::uint64_t{site.n_hom} + site.n_hemi};
        found.push_back(
            {{pattern.contig, pattern.start, std::string(site.ref), std::string(site.alt)},
             counts});
      }));
  return found;
}

Status OwnGenotypes::ForEachSite(const Context& ctx, const Cohort& cohort,
                                 const std::string& contig, std::uint32_t megabase,
                                 const Bitmap& rows, const TakeSite& take) const {
  const std::int64_t begin = megabase * cohort::kTileBases;
  return ForEachSiteOf(ctx, cohort, contig, begin, begin + cohort::kTileBases, rows, take);
}

Status OwnGenotypes::ForEachSiteOf(const Context& ctx, const Cohort& cohort,
                                   const std::string& contig, std::int64_t start, std::int64_t end,
                                   const Bitmap& rows, const TakeSite& take) const {
  const Cohort::Buffers work(cohort);
  GF_ASSIGN(const cohort::Frequencies found,
            cohort.genotypes().CountSites(ctx, contig, start, end, rows, *work));
  for (std::size_t i = 0; i < found.sites.size(); ++i) {
    if (found.sites[i].position >= start) take(found.sites[i], found.an(i));
  }
  return absl::OkStatus();
}

}  // namespace genofed::discovery
