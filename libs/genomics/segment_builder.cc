// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <system_error>

#include "libs/core/file.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/index_manifest.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

// Five ascending, disjoint lists of rows below n.
Status CheckSets(const CarrierSets& sets, std::uint32_t n_people) {
  std::size_t total = 0;
  for (const auto* rows : {&sets.het, &sets.hom, &sets.hemi, &sets.single, &sets.nocall}) {
    bool ascending =
        std::adjacent_find(rows->begin(), rows->end(), std::greater_equal<>()) == rows->end();
    if (!ascending || (!rows->empty() && rows->back() >= n_people)) {
      return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "rows must ascend and lie below {}",
                   n_people);
    }
    total += rows->size();
  }
  if (total > n_people)
    return Error(StatusCode::kInvalidArgument, "ROW_INVALID", "a row is in two carrier sets");
  return absl::OkStatus();
}

}  // namespace

SegmentBuilder::SegmentBuilder(std::filesystem::path dir, IndexInfo info)
    : dir_(std::move(dir)), info_(std::move(info)) {}
SegmentBuilder::~SegmentBuilder() = default;

Result<std::unique_ptr<SegmentBuilder>> SegmentBuilder::Create(const std::filesystem::path& dir,
                                                               IndexInfo info) {
  GF_TRY(CheckIndexInfo(info));
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error || !std::filesystem::is_directory(dir, error)) {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot create the index directory");
  }
  if (!std::filesystem::is_empty(dir, error)) {
    return Error(StatusCode::kAlreadyExists, "INDEX_EXISTS",
                 "the index directory is not empty; segments are immutable");
  }
  return std::unique_ptr<SegmentBuilder>(new SegmentBuilder(dir, std::move(info)));
}

Status SegmentBuilder::Add(const Variant& variant, const CarrierSets& sets) {
  GF_CHECK(!finished_);
  GF_TRY(CheckVariant(variant));
  GF_TRY(CheckSets(sets, info_.n_people));
  if (variant.contig != contig_) {
    GF_TRY(Flush(UINT32_MAX));
    if (!contig_.empty()) finished_contigs_[contig_] = true;
    if (finished_contigs_.contains(variant.contig)) {
      return Error(StatusCode::kInvalidArgument, "UNSORTED", "a contig comes a second time");
    }
    contig_ = variant.contig;
    flushed_before_ = 0;
  }
  auto tile = static_cast<std::uint32_t>(variant.pos / kTileBases);
  if (tile < flushed_before_)
    return Error(StatusCode::kInvalidArgument, "UNSORTED", "sites must come by position");
  // A site may still move back by kMaxShift, which is less than a tile.
  static_assert(kMaxShift < kTileBases);
  if (tile > 0) GF_TRY(Flush(tile - 1));
  auto [open, fresh] = open_tiles_.try_emplace(tile);
  if (fresh) {
    for (std::uint32_t begin = 0; begin < info_.n_people; begin += info_.batch_size) {
      open->second.emplace_back(tile, begin, std::min(info_.batch_size, info_.n_people - begin));
    }
  }
  for (TileWriter& batch : open->second) batch.Add(variant, sets);
  return absl::OkStatus();
}

Status SegmentBuilder::Flush(std::uint32_t before_tile) {
  while (!open_tiles_.empty() && open_tiles_.begin()->first < before_tile) {
    GF_TRY(WriteTile(open_tiles_.begin()->first, open_tiles_.begin()->second));
    open_tiles_.erase(open_tiles_.begin());
  }
  flushed_before_ = std::max(flushed_before_, before_tile);
  return absl::OkStatus();
}

Status SegmentBuilder::WriteTile(std::uint32_t tile, const std::vector<TileWriter>& batches) {
  for (std::uint32_t i = 0; i < batches.size(); ++i) {
    std::uint64_t duplicates = 0;
    std::string bytes = batches[i].Encode(&duplicates);
    auto n_sites = static_cast<std::uint32_t>(batches[i].n_sites() - duplicates);
    TileEntry entry{contig_, tile, i, n_sites, bytes.size(), Sha256Hex(bytes)};
    GF_TRY(WriteFileAtomically(dir_ / entry.FileName(), bytes, 0640));
    if (i == 0) {
      summary_.sites += n_sites;
      summary_.duplicate_sites += duplicates;
    }
    summary_.bytes += bytes.size();
    ++summary_.tiles;
    entries_.push_back(std::move(entry));
  }
  return absl::OkStatus();
}

Result<BuildSummary> SegmentBuilder::Finish() {
  GF_CHECK(!finished_);
  GF_TRY(Flush(UINT32_MAX));
  finished_ = true;
  std::string manifest = FormatManifest(info_, entries_);
  GF_TRY(WriteFileAtomically(dir_ / kManifestFile, manifest, 0640));
  summary_.manifest_sha256 = Sha256Hex(manifest);
  return summary_;
}

}  // namespace genofed::genomics
