// SPDX-License-Identifier: Apache-2.0
//
// The cohort index of a dataset version: one segment for each batch of people that was added,
// row after row. Adding people adds a segment; none is ever rebuilt.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"
#include "libs/genomics/cohort_index.h"

namespace genofed::genomics {

// One allele and its carriers in each segment.
struct SegmentedSite {
  Variant variant;
  // In the order of the segments; nothing where a segment does not know the allele.
  std::vector<std::optional<SiteHit>> hits;
};

// Immutable and safe for any number of threads. Rows of the people of segment i follow those of
// segment i-1.
class SegmentedIndex {
 public:
  // At least one segment, all of one assembly. Errors: FailedPrecondition INDEX_MISMATCH.
  static Result<SegmentedIndex> Create(std::vector<std::unique_ptr<const CohortIndex>> segments);

  Assembly assembly() const { return segments_.front().index->info().assembly; }
  std::uint32_t n_people() const { return n_people_; }

  std::optional<SegmentedSite> FindExact(const Variant& variant) const;
  // By position, REF and ALT. `max_sites` holds for each segment.
  Result<std::vector<SegmentedSite>> FindRange(const RangeQuery& query) const;
  Bitmap CarriersInRange(const RangeQuery& query) const;
  // Carriers of one site: het, hom and hemi.
  Bitmap Carriers(const SegmentedSite& site) const;
  // Counts among the rows of `live`. In a segment that does not know the allele nobody carries it,
  // and AN has those people whose gVCF says that they were called there; all others have no call.
  AlleleCounts Count(const SegmentedSite& site, const Bitmap& live) const;
  // As CohortIndex::CoveredAt: the AN of an allele that no segment knows.
  CallCoverage CoveredAt(std::string_view contig, std::int64_t pos) const;

 private:
  struct Segment {
    std::unique_ptr<const CohortIndex> index;
    std::uint32_t row_begin = 0;
  };
  SegmentedIndex() = default;

  std::vector<Segment> segments_;
  std::uint32_t n_people_ = 0;
};

}  // namespace genofed::genomics
