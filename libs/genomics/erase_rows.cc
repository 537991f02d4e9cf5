// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/erase_rows.h"

#include <algorithm>
#include <map>
#include <optional>

#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

// What the records of people say that has not been taken out yet.
class RecordCheck {
 public:
  RecordCheck(const PersonRecords& records, std::span<const std::uint32_t> rows) {
    for (const std::uint32_t row : rows) left_.emplace(row, Left{records.Of(row), {}, false});
  }

  // Goes to everybody's first allele.
  Status Begin() {
    for (auto& [row, left] : left_) GF_TRY(Advance(left));
    return absl::OkStatus();
  }
  Status Taken(std::uint32_t row, const Variant& variant, Copies copies) {
    Left& left = left_.at(row);
    if (!left.any || left.next.copies != copies || left.next.variant != variant) return Disagree();
    return Advance(left);
  }
  Status Finish() const {
    const bool all = std::ranges::none_of(left_, [](const auto& one) { return one.second.any; });
    return all ? absl::OkStatus() : Disagree();
  }

 private:
  struct Left {
    PersonRecord record;
    CarriedAllele next;
    bool any = false;
  };
  // Nothing of whom or where: it is written into logs.
  static Status Disagree() {
    return Error(StatusCode::kDataLoss, "RECORDS_DISAGREE",
                 "the index and the record of somebody who is to be erased differ");
  }
  static Status Advance(Left& left) {
    GF_ASSIGN(left.any, left.record.Next(left.next));
    return absl::OkStatus();
  }

  std::map<std::uint32_t, Left> left_;  // by row
};

class Eraser {
 public:
  Eraser(const Context& ctx, const CohortIndex& index, const Bitmap& erased, RecordCheck* check,
         SegmentBuilder& builder)
      : ctx_(ctx), index_(index), erased_(erased), check_(check), builder_(builder) {
    for (std::uint32_t row = 0; row < index.info().n_people; ++row) {
      if (erased.Test(row)) rows_.push_back(row);
    }
  }

  Status Tile(const std::string& contig, std::uint32_t tile) {
    GF_ASSIGN(const auto hits, index_.SitesOfTile(contig, tile));
    std::size_t seen = 0;
    for (const SiteHit& hit : hits) {
      if (seen++ % 4096 == 0) GF_TRY(ctx_.Alive());
      GF_TRY(Site(hit));
    }
    for (const CalledRun& run : index_.CalledRunsAround(contig, std::int64_t{tile} * kTileBases)) {
      if (!erased_.Test(run.row))
        GF_TRY(builder_.AddCoverage(contig, run.row, run.begin, run.end, run.haploid));
    }
    return absl::OkStatus();
  }

 private:
  // The rows of a set that stay.
  std::vector<std::uint32_t> Without(const RowSet& set) const {
    std::vector<std::uint32_t> rows = set.ToRows();
    std::erase_if(rows, [this](std::uint32_t row) { return erased_.Test(row); });
    return rows;
  }
  // The same of carriers; sets `*carried` when one does not stay.
  Result<std::vector<std::uint32_t>> WithoutCarriers(const SiteHit& hit, const RowSet& set,
                                                     Copies copies, bool* carried) const {
    std::vector<std::uint32_t> stay;
    for (const std::uint32_t row : set.ToRows()) {
      if (!erased_.Test(row)) {
        stay.push_back(row);
        continue;
      }
      *carried = true;
      if (check_ != nullptr) GF_TRY(check_->Taken(row, hit.variant, copies));
    }
    return stay;
  }

  Status Site(const SiteHit& hit) {
    CarrierSets sets;
    bool carried = false;
    GF_ASSIGN(sets.het, WithoutCarriers(hit, hit.het, Copies::kHet, &carried));
    GF_ASSIGN(sets.hom, WithoutCarriers(hit, hit.hom, Copies::kHom, &carried));
    GF_ASSIGN(sets.hemi, WithoutCarriers(hit, hit.hemi, Copies::kHemi, &carried));
    if (carried && sets.het.empty() && sets.hom.empty() && sets.hemi.empty())
      return absl::OkStatus();
    sets.single = Without(hit.single);
    const std::vector<std::uint32_t> before = Without(hit.nocall);
    std::merge(before.begin(), before.end(), rows_.begin(), rows_.end(),
               std::back_inserter(sets.nocall));
    return builder_.Add(hit.variant, sets);
  }

  const Context& ctx_;
  const CohortIndex& index_;
  const Bitmap& erased_;
  RecordCheck* const check_;  // may be null
  SegmentBuilder& builder_;
  std::vector<std::uint32_t> rows_;
};

}  // namespace

Result<BuildSummary> EraseRows(const Context& ctx, const CohortIndex& index,
                               std::span<const std::uint32_t> rows, const PersonRecords* records,
                               const std::filesystem::path& out) {
  const std::uint32_t n_people = index.info().n_people;
  Bitmap erased(n_people);
  for (const std::uint32_t row : rows) {
    if (row >= n_people)
      return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "rows must lie below {}", n_people);
    erased.Set(row);
  }
  std::optional<RecordCheck> check;
  if (records != nullptr) {
    check.emplace(*records, rows);
    GF_TRY(check->Begin());
  }
  GF_ASSIGN(auto builder, SegmentBuilder::Create(out, index.info()));
  Eraser eraser(ctx, index, erased, check ? &*check : nullptr, *builder);
  for (const auto& [name, numbers] : index.TilesByContig()) {
    for (const std::uint32_t tile : numbers) GF_TRY(eraser.Tile(name, tile));
  }
  if (check) GF_TRY(check->Finish());
  return builder->Finish();
}

}  // namespace genofed::genomics
