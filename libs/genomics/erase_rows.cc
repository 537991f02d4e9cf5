// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/erase_rows.h"

#include <algorithm>
#include <set>
#include <utility>

#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

class Eraser {
 public:
  Eraser(const Context& ctx, const CohortIndex& index, const Bitmap& erased,
         SegmentBuilder& builder)
      : ctx_(ctx), index_(index), erased_(erased), builder_(builder) {
    for (std::uint32_t row = 0; row < index.info().n_people; ++row) {
      if (erased.Test(row)) rows_.push_back(row);
    }
  }

  Status Tile(const std::string& contig, std::uint32_t tile) {
    const std::int64_t start = std::int64_t{tile} * kTileBases;
    GF_ASSIGN(const auto hits,
              index_.FindRange({contig, start, start + kTileBases, {}, {}, SIZE_MAX}));
    std::size_t seen = 0;
    for (const SiteHit& hit : hits) {
      if (seen++ % 4096 == 0) GF_TRY(ctx_.Alive());
      // Deletions that reach into the tile belong to the one before.
      if (hit.variant.pos >= start) GF_TRY(Site(hit));
    }
    for (const CalledRun& run : index_.CalledRunsAround(contig, start)) {
      if (!erased_.Test(run.row))
        GF_TRY(builder_.AddCoverage(contig, run.row, run.begin, run.end, run.haploid));
    }
    return absl::OkStatus();
  }

 private:
  // The rows of a set that stay; says whether one did not.
  bool Without(const RowSet& set, std::vector<std::uint32_t>& out) const {
    out = set.ToRows();
    return std::erase_if(out, [this](std::uint32_t row) { return erased_.Test(row); }) > 0;
  }

  Status Site(const SiteHit& hit) {
    CarrierSets sets;
    bool carried = Without(hit.het, sets.het);
    carried |= Without(hit.hom, sets.hom);
    carried |= Without(hit.hemi, sets.hemi);
    if (carried && sets.het.empty() && sets.hom.empty() && sets.hemi.empty())
      return absl::OkStatus();
    Without(hit.single, sets.single);
    std::vector<std::uint32_t> before;
    Without(hit.nocall, before);
    std::merge(before.begin(), before.end(), rows_.begin(), rows_.end(),
               std::back_inserter(sets.nocall));
    return builder_.Add(hit.variant, sets);
  }

  const Context& ctx_;
  const CohortIndex& index_;
  const Bitmap& erased_;
  SegmentBuilder& builder_;
  std::vector<std::uint32_t> rows_;
};

}  // namespace

Result<BuildSummary> EraseRows(const Context& ctx, const CohortIndex& index,
                               std::span<const std::uint32_t> rows,
                               const std::filesystem::path& out) {
  const std::uint32_t n_people = index.info().n_people;
  Bitmap erased(n_people);
  for (const std::uint32_t row : rows) {
    if (row >= n_people)
      return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "rows must lie below {}", n_people);
    erased.Set(row);
  }
  GF_ASSIGN(auto builder, SegmentBuilder::Create(out, index.info()));
  Eraser eraser(ctx, index, erased, *builder);
  // Tiles are listed by contig as they were written; those of several batches come more than once.
  std::vector<std::pair<std::string, std::set<std::uint32_t>>> contigs;
  for (const TileEntry& tile : index.tiles()) {
    if (contigs.empty() || contigs.back().first != tile.contig)
      contigs.emplace_back(tile.contig, std::set<std::uint32_t>());
    contigs.back().second.insert(tile.tile);
  }
  for (const auto& [name, numbers] : contigs) {
    for (const std::uint32_t tile : numbers) GF_TRY(eraser.Tile(name, tile));
  }
  return builder->Finish();
}

}  // namespace genofed::genomics
