// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/segmented_index.h"

#include <map>
#include <tuple>
#include <utility>

namespace genofed::genomics {

Result<SegmentedIndex> SegmentedIndex::Create(
    std::vector<std::unique_ptr<const CohortIndex>> segments) {
  auto mismatch = [](std::string_view why) {
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH", "{}", why);
  };
  if (segments.empty()) return mismatch("a cohort has at least one segment");
  SegmentedIndex out;
  const Assembly assembly = segments.front()->info().assembly;
  for (auto& segment : segments) {
    const IndexInfo& info = segment->info();
    if (info.assembly != assembly)
      return mismatch("the segments of a cohort have different assemblies");
    if (info.n_people > kMaxPeople - out.n_people_)
      return mismatch("the cohort has too many people");
    const std::uint32_t begin = std::exchange(out.n_people_, out.n_people_ + info.n_people);
    out.segments_.push_back({std::move(segment), begin});
  }
  return out;
}

std::optional<SegmentedSite> SegmentedIndex::FindExact(const Variant& variant) const {
  SegmentedSite site{variant, {}};
  bool found = false;
  for (const Segment& segment : segments_) {
    site.hits.push_back(segment.index->FindExact(variant));
    found = found || site.hits.back().has_value();
  }
  return found ? std::optional(std::move(site)) : std::nullopt;
}

Result<std::vector<SegmentedSite>> SegmentedIndex::FindRange(const RangeQuery& query) const {
  std::map<std::tuple<std::int64_t, std::string, std::string>, SegmentedSite> sites;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    GF_ASSIGN(auto hits, segments_[i].index->FindRange(query));
    for (SiteHit& hit : hits) {
      auto [site, fresh] = sites.try_emplace({hit.variant.pos, hit.variant.ref, hit.variant.alt});
      if (fresh) {
        site->second.variant = hit.variant;
        site->second.hits.resize(segments_.size());
      }
      site->second.hits[i] = std::move(hit);
    }
  }
  std::vector<SegmentedSite> out;
  out.reserve(sites.size());
  for (auto& [key, site] : sites) out.push_back(std::move(site));
  return out;
}

Bitmap SegmentedIndex::CarriersInRange(const RangeQuery& query) const {
  if (segments_.size() == 1) return segments_.front().index->CarriersInRange(query);
  Bitmap carriers(n_people_);
  for (const Segment& segment : segments_)
    carriers.OrAt(segment.row_begin, segment.index->CarriersInRange(query));
  return carriers;
}

Bitmap SegmentedIndex::Carriers(const SegmentedSite& site) const {
  Bitmap carriers(n_people_);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (site.hits[i])
      carriers.OrAt(segments_[i].row_begin, segments_[i].index->Carriers(*site.hits[i]));
  }
  return carriers;
}

AlleleCounts SegmentedIndex::Count(const SegmentedSite& site, const Bitmap& live) const {
  GF_CHECK(live.size() == n_people_);
  if (segments_.size() == 1) return segments_.front().index->Count(*site.hits.front(), live);
  AlleleCounts total;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const CohortIndex& index = *segments_[i].index;
    const Bitmap here = live.Slice(segments_[i].row_begin, index.info().n_people);
    if (!site.hits[i]) {
      total.an += index.CoveredAt(site.variant.contig, site.variant.pos).CalledAlleles(here);
      continue;
    }
    const AlleleCounts counts = index.Count(*site.hits[i], here);
    total.ac += counts.ac;
    total.an += counts.an;
    total.n_het += counts.n_het;
    total.n_hom += counts.n_hom;
    total.n_hemi += counts.n_hemi;
    total.n_individuals += counts.n_individuals;
  }
  return total;
}

CallCoverage SegmentedIndex::CoveredAt(std::string_view contig, std::int64_t pos) const {
  CallCoverage covered{Bitmap(n_people_), Bitmap(n_people_)};
  for (const Segment& segment : segments_) {
    const CallCoverage part = segment.index->CoveredAt(contig, pos);
    covered.diploid.OrAt(segment.row_begin, part.diploid);
    covered.haploid.OrAt(segment.row_begin, part.haploid);
  }
  return covered;
}

}  // namespace genofed::genomics
