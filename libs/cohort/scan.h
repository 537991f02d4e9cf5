// SPDX-License-Identifier: Apache-2.0
// Internal to libs/cohort: scans the tiles of one segment for one set of its rows.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "libs/cohort/cohort.h"
#include "libs/cohort/site_frequencies.h"

namespace genofed::cohort {

class SegmentScan {
 public:
  // `rows` has bits for n_rows, and outlives the scan. `frequencies`, if any, of this segment take
  // the place of those in its tiles. Threads help with what is larger than `share_from`.
  SegmentScan(const Kernels& kernels, const std::uint64_t* rows, std::uint32_t n_rows,
              Workspace& work, const SiteFrequencies::OfSegment* frequencies = nullptr,
              std::uint64_t share_from = kShareFrom);

  void Enter(const Tile& tile);
  // Of the tile's row sources, since Enter.
  Status status() const;

  // Members of the site's sets among the rows.
  std::array<std::uint64_t, kKinds> CountSite(std::uint32_t site);
  // Marks those of the rows who carry what passes.
  Status MarkGene(const Context& ctx, std::uint32_t unit, const VariantFilter& filter);
  Status MarkRange(const Context& ctx, const VariantFilter& filter, std::uint32_t max_ref_length);
  // The same from a stored set; false when there is none for just this filter.
  bool MarkGeneSet(std::uint32_t unit, const VariantFilter& filter);
  // Of the whole tile, those with the change that the filter names.
  Status MarkChange(const Context& ctx, const VariantFilter& filter);
  // Appends what overlaps [start, end) of this tile.
  Status CountSites(const Context& ctx, std::int64_t start, std::int64_t end,
                    std::uint32_t max_ref_length, std::vector<SiteCounts>& out);

  // Of the marks, over all tiles.
  std::uint64_t Count();
  template <typename Visit>
  void ForEach(Visit visit) {
    MarkPending();
    const std::vector<std::uint64_t>& marks = work_.marks_;
    for (std::size_t i = 0; i < words_; ++i) {
      for (std::uint64_t word = marks[i]; word != 0; word &= word - 1)
        visit(
            static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
    }
  }
  void Clear();

 private:
  struct Extent {
    std::uint64_t begin = UINT64_MAX;
    std::uint64_t end = 0;
    void Cover(std::uint64_t from, std::uint64_t to) {
      begin = from < begin ? from : begin;
      end = to > end ? to : end;
    }
  };
  enum class Passing { kNoSite, kSomeSites, kEverySite };
  Passing PassingOf(std::uint32_t group, double below) const;
  Status MarkIds(std::uint64_t begin, std::uint64_t end);
  void MarkSite(std::uint32_t site, bool ids);
  // Whether the filter's conditions on single sites hold: those that no group of sites shares.
  bool Accepts(std::uint32_t site, const VariantFilter& filter) const;
  Status MarkSites(const Context& ctx);
  Status LoadFor(std::span<const std::uint32_t> sites);
  void MarkPending();
  void MarkRows(const std::uint32_t* rows, std::size_t n);
  void MarkOne(std::uint32_t row) {
    std::uint64_t& word = work_.marks_[row / 64];
    const std::uint64_t bit = 1ULL << (row % 64);
    if (listed_ && (word & bit) == 0) work_.touched_.push_back(row);
    word |= bit;
  }
  std::uint64_t CountSet(const RowSet& set);
  // The first group of the units of sites [first, last), and the one behind the last.
  std::pair<const Group&, const Group&> GroupsOf(std::uint32_t first, std::uint32_t last) const;
  template <typename Work, typename Merge>
  Status Share(bool worth_it, Work work, Merge merge);
  Status CountPiece(const Context& ctx, std::uint32_t first, std::uint32_t last,
                    std::uint32_t piece, std::uint32_t pieces, SiteCounts* out);
  // Those of work_.lists_, in the order of their rows; empties it.
  void CountListed();
  // One of so many pieces.
  Status CountLists(const Context& ctx, std::uint32_t first, std::uint32_t last,
                    std::uint32_t piece, std::uint32_t pieces, SiteCounts* out);
  Status CountDense(const Context& ctx, std::uint32_t first, std::uint32_t last, SiteCounts* out);
  Status CountMissing(const Context& ctx, std::uint32_t first, std::uint32_t last, SiteCounts* out);

  const Kernels& kernels_;
  const std::uint64_t* rows_;
  std::uint32_t n_rows_;
  std::size_t words_;
  Workspace& work_;
  const SiteFrequencies::OfSegment* const other_frequencies_;
  const std::uint64_t share_from_;
  const SiteFrequencies::OfTile* other_ = nullptr;  // of tile_
  const Tile* tile_ = nullptr;
  std::span<const float> frequencies_;  // of tile_
  // Marks are listed in work_.touched_ too, until there are so many that all words are looked at.
  bool listed_ = true;
  // A stored set that may be the whole answer: then it is only counted.
  const std::uint64_t* pending_ = nullptr;
};

}  // namespace genofed::cohort
