// SPDX-License-Identifier: Apache-2.0
//
// Questions to a cohort: its segments behind one another, row after row. Every count is of people
// of a given set of rows (who permits, who has a phenotype), and nothing is stored that a
// withdrawal would make wrong: gene sets and missing calls are combined with that set at query
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/cohort/consequence.h"
#include "libs/cohort/kernels.h"
#include "libs/cohort/segment.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"
#include "libs/genomics/cohort_index.h"

namespace genofed::cohort {

using genomics::AlleleCounts;
using genomics::Bitmap;
using genomics::Variant;

// More than these are compacted first: each one more costs every query.
inline constexpr std::size_t kMaxSegments = 10;

class SiteFrequencies;

// Sites times people from which on threads of other cores help to count: a quarter of a
// millisecond's work.
inline constexpr std::uint64_t kShareFrom = 1ULL << 30;

// Variants by what they do and how frequent they are: those of a gene, on `contig` if that is
// given, or else those that overlap [start, end), 0-based and half open, of a contig, or else, when
// `change` is given, all; an empty range has none.
struct VariantFilter {
  std::string gene;
  std::string contig;
  std::int64_t start = 0;
  std::int64_t end = 0;
  ConsequenceSet consequences = kAnyConsequence;
  // Frequency below this, in `frequencies`, or else in the table that the segments name.
  double below_frequency = std::numeric_limits<double>::infinity();
  std::string change = {};  // of a protein, as the annotations wrote it: "G12D"
  // A further condition on position, REF and ALT; none: all.
  std::function<bool(std::uint32_t, std::string_view, std::string_view)> accepts = {};
  const SiteFrequencies* frequencies = nullptr;  // of the same cohort
};

// One allele and who has it among the rows that were asked for. Texts live as long as the cohort.
struct SiteCounts {
  std::uint32_t position = 0;  // 0-based
  std::uint32_t n_het = 0;
  std::uint32_t n_hom = 0;
  std::uint32_t n_hemi = 0;
  std::uint32_t missing = 0;  // alleles not called
  std::string_view ref, alt;

  std::uint64_t ac() const { return std::uint64_t{n_het} + 2 * std::uint64_t{n_hom} + n_hemi; }
};
struct Frequencies {
  std::uint64_t n_people = 0;     // of the rows
  std::vector<SiteCounts> sites;  // by position, REF, ALT

  // Of AN: called alleles.
  std::uint64_t an(std::size_t i) const { return 2 * n_people - sites[i].missing; }
};

// Buffers that queries use again. One for each thread; of one cohort.
class Workspace {
 public:
  Workspace() = default;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

 private:
  friend class Cohort;
  friend class SegmentScan;
  std::vector<std::uint64_t> marks_;    // zero between queries
  std::vector<std::uint32_t> touched_;  // rows of marks_
  std::vector<std::uint32_t> spread_;
  std::vector<std::uint32_t> sites_;
  std::vector<std::int32_t> change_;
  std::vector<std::uint64_t> bits_;    // which of some rows, or runs, are in a set
  std::vector<BitSpan> spans_;         // of bits_: lists
  std::vector<std::uint32_t> counts_;  // of spans_
  // Sets to be counted, and where to.
  struct ToCount {
    RowSet set;
    std::uint32_t* out;
  };
  std::vector<ToCount> lists_, paged_, dense_;
  Bitmap slice_;
  RowSource ids_, pages_, bitsets_, runs_, base_, gene_rows_;
  std::vector<std::unique_ptr<Workspace>> helpers_;  // of threads that count beside its own
};

class Cohort;

// Who may be counted, at one epoch of consent. Exact counts need the missing calls of those who may
// not; they are added up once for each megabase, at its first query. Safe for any number of
// threads.
class Live {
 public:
  std::uint64_t epoch() const { return epoch_; }
  const Bitmap& rows() const { return rows_; }
  std::uint64_t count() const { return count_; }

 private:
  friend class Cohort;
  struct Withdrawn {
    Mutex mutex;
    // By site, of those who may not be counted; none before they were added up.
    std::optional<std::vector<std::uint32_t>> missing ABSL_GUARDED_BY(mutex);
  };
  Live() = default;

  const Cohort* cohort_ = nullptr;
  Bitmap rows_;
  std::uint64_t epoch_ = 0;
  std::uint64_t count_ = 0;
  struct OfSegment {
    Bitmap rows;
    std::uint64_t count = 0;
    std::vector<std::unique_ptr<Withdrawn>> tiles;  // by Tile::number
  };
  std::vector<OfSegment> segments_;
};

// Immutable and safe for any number of threads, each with its own Workspace.
class Cohort {
 public:
  // At most kMaxSegments, all of one assembly and frequency table. Errors: FailedPrecondition
  // INDEX_MISMATCH.
  static Result<std::unique_ptr<Cohort>> Create(std::vector<std::unique_ptr<Segment>> segments);

  std::uint32_t n_people() const { return n_people_; }
  genomics::Assembly assembly() const { return segments_.front().segment->info().assembly; }
  const Segment& segment(std::size_t i) const { return *segments_[i].segment; }
  std::size_t n_segments() const { return segments_.size(); }
  // Megabases that have sites, here or at another shard, by contig: each once, ascending.
  std::map<std::string, std::vector<std::uint32_t>> Megabases() const;
  // Which of so many shards have tiles with variants that may pass the filter: ascending. Of
  // segments that were opened as one of them.
  std::vector<std::uint32_t> ShardsOf(const VariantFilter& filter, std::uint32_t shards) const;
  // Chooses other kernels than the best, and shares smaller work: for tests.
  void UseKernels(const Kernels& kernels) { kernels_ = &kernels; }
  void ShareFrom(std::uint64_t cells) { share_from_ = cells; }

  std::shared_ptr<const Live> MakeLive(Bitmap rows, std::uint64_t epoch) const;

  // Counts of one allele; nothing when no segment lists it. `variant` is normalised as the segments
  // are. Errors here and below: DataLoss INDEX_CORRUPT when a file cannot be read;
  // Cancelled, DeadlineExceeded.
  Result<std::optional<AlleleCounts>> CountExact(const Variant& variant, const Live& live,
                                                 Workspace& work) const;
  Result<std::optional<AlleleCounts>> CountExact(const Variant& variant, const Bitmap& rows,
                                                 Workspace& work) const;

  // People among `rows` who carry a variant that passes the filter. A stored gene set is used where
  // it is what was asked for, unless `ad_hoc`.
  Result<std::uint64_t> CountCarriers(const Context& ctx, const VariantFilter& filter,
                                      const Bitmap& rows, Workspace& work,
                                      bool ad_hoc = false) const;
  Result<Bitmap> Carriers(const Context& ctx, const VariantFilter& filter, const Bitmap& rows,
                          Workspace& work, bool ad_hoc = false) const;
  // Alleles that overlap the range, counted among `rows`, those without carriers too. Of many
  // people other cores help, if they are free.
  Result<Frequencies> CountSites(const Context& ctx, std::string_view contig, std::int64_t start,
                                 std::int64_t end, const Bitmap& rows, Workspace& work) const;

 private:
  struct Part {
    std::unique_ptr<Segment> segment;
    std::uint32_t row_begin = 0;
  };
  Cohort() = default;
  // The rows of one segment: words of `rows` itself where they are aligned.
  const std::uint64_t* RowsOf(const Part& part, const Bitmap& rows, Workspace& work) const;
  template <typename Take>
  Status VisitCarriers(const Context& ctx, const VariantFilter& filter, const Bitmap& rows,
                       Workspace& work, bool ad_hoc, Take take) const;
  Result<std::vector<std::uint32_t>> MissingBySite(const Tile& tile, const Bitmap& rows) const;
  Result<std::uint32_t> MissingOfWithdrawn(const Tile& tile, std::uint32_t site,
                                           const Bitmap& counted, Live::Withdrawn& withdrawn) const;
  Result<std::uint64_t> MissingWhereUnlisted(const Part& part, const std::uint64_t* rows,
                                             std::uint64_t n_rows, std::string_view contig,
                                             std::int64_t position, Workspace& work) const;
  class UnlistedSites;

  std::vector<Part> segments_;
  std::uint32_t n_people_ = 0;
  const Kernels* kernels_ = &BestKernels();
  std::uint64_t share_from_ = kShareFrom;
};

}  // namespace genofed::cohort
