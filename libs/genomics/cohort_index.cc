// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/cohort_index.h"

#include <algorithm>
#include <system_error>

#include "libs/core/file.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/index_manifest.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxManifest = 256U << 20;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "cohort index: {}", what);
}

}  // namespace

std::uint64_t RowSet::Count() const {
  std::uint64_t count = 0;
  for (const Part& part : parts_) count += part.count;
  return count;
}

std::uint64_t RowSet::CountAnd(const Bitmap& mask) const {
  std::uint64_t count = 0;
  for (const Part& part : parts_) {
    for (std::uint16_t row : part.list) count += mask.Test(part.row_begin + row) ? 1U : 0U;
    auto words = mask.words().subspan(part.row_begin / 64);
    count += CountCommonBits(part.bits.data(), words.data(), part.bits.size());
  }
  return count;
}

void RowSet::OrInto(Bitmap& out) const {
  for (const Part& part : parts_) {
    for (std::uint16_t row : part.list) out.Set(part.row_begin + row);
    auto words = out.mutable_words().subspan(part.row_begin / 64);
    for (std::size_t i = 0; i < part.bits.size(); ++i) words[i] |= part.bits[i];
  }
}

namespace {

Result<IndexManifest> OpenManifest(const std::filesystem::path& dir,
                                   std::string_view manifest_sha256) {
  auto text = ReadFile(dir / kManifestFile, kMaxManifest);
  if (!text.ok())
    return Error(StatusCode::kNotFound, "INDEX_MISSING", "the directory holds no finished index");
  if (!manifest_sha256.empty() && Sha256Hex(*text) != manifest_sha256)
    return Corrupt("another manifest");
  return ParseManifest(*text);
}

}  // namespace

std::vector<std::uint32_t> RowSet::ToRows() const {
  std::vector<std::uint32_t> rows;
  ForEach([&rows](std::uint32_t row) { rows.push_back(row); });
  return rows;
}

CohortIndex::~CohortIndex() = default;

Result<IndexInfo> CohortIndex::ReadInfo(const std::filesystem::path& dir,
                                        std::string_view manifest_sha256) {
  GF_ASSIGN(IndexManifest manifest, OpenManifest(dir, manifest_sha256));
  return std::move(manifest.info);
}

Result<std::unique_ptr<CohortIndex>> CohortIndex::Open(const std::filesystem::path& dir,
                                                       std::string_view manifest_sha256) {
  std::unique_ptr<CohortIndex> index(new CohortIndex());
  GF_ASSIGN(IndexManifest parsed, OpenManifest(dir, manifest_sha256));
  index->info_ = std::move(parsed.info);
  index->entries_ = std::move(parsed.tiles);
  GF_TRY(index->Load(dir));
  return index;
}

Status CohortIndex::Load(const std::filesystem::path& dir) {
  std::uint32_t n_batches = BatchCount(info_);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const TileEntry& entry = entries_[i];
    Contig& contig = contigs_[entry.contig];
    bool next_tile = entry.batch == 0;
    bool in_order = next_tile
                        ? contig.tiles.empty() || (contig.tiles.back().tile < entry.tile &&
                                                   contig.tiles.back().batches.size() == n_batches)
                        : !contig.tiles.empty() && contig.tiles.back().tile == entry.tile &&
                              contig.tiles.back().batches.size() == entry.batch;
    if (!in_order) return Corrupt("the manifest's tiles are out of order or incomplete");
    auto& file = files_[entry.FileName()];
    if (file == nullptr) {
      GF_ASSIGN(file, MappedFile::Open(dir / entry.FileName()));
    }
    if (entry.offset % 64 != 0 || entry.offset > file->bytes().size() ||
        entry.size > file->bytes().size() - entry.offset)
      return Corrupt("a tile is not where the manifest says");
    GF_ASSIGN(auto tile,
              TileReader::Open(file->bytes().subspan(entry.offset, entry.size), entry.sha256));
    const TileHeader& header = tile->header();
    std::uint32_t begin = entry.batch * info_.batch_size;
    if (header.tile != entry.tile || header.n_sites != entry.n_sites || header.row_begin != begin ||
        header.n_rows != std::min(info_.batch_size, info_.n_people - begin)) {
      return Corrupt("a tile is not the one that the manifest describes");
    }
    contig.max_ref_length = std::max<std::int64_t>(contig.max_ref_length, header.max_ref_length);
    if (next_tile) {
      contig.tiles.push_back(Tile{entry.tile, {}});
      n_sites_ += header.n_sites;
    }
    contig.tiles.back().batches.push_back(std::move(tile));
  }
  return CheckBatches();
}

Status CohortIndex::CheckBatches() const {
  for (const auto& [name, contig] : contigs_) {
    for (const Tile& tile : contig.tiles) {
      const TileReader& first = *tile.batches.front();
      if (tile.batches.size() != BatchCount(info_)) return Corrupt("a tile lacks a batch");
      for (const auto& batch : tile.batches) {
        if (batch->n_sites() != first.n_sites())
          return Corrupt("batches of a tile differ in their sites");
        for (std::uint32_t site = 0; site < first.n_sites(); ++site) {
          if (batch->pos(site) != first.pos(site) || batch->ref(site) != first.ref(site) ||
              batch->alt(site) != first.alt(site)) {
            return Corrupt("batches of a tile differ in their sites");
          }
        }
      }
    }
  }
  return absl::OkStatus();
}

SiteHit CohortIndex::Hit(const std::string& contig, const Tile& tile, std::uint32_t site) const {
  const TileReader& first = *tile.batches.front();
  SiteHit hit;
  hit.variant =
      Variant{contig, first.pos(site), std::string(first.ref(site)), std::string(first.alt(site))};
  RowSet* sets[kRowSetKinds] = {&hit.het, &hit.hom, &hit.hemi, &hit.single, &hit.nocall};
  for (const auto& batch : tile.batches) {
    batch->ForEachSet(site, [&](const TileReader::Rows& rows) {
      sets[static_cast<std::size_t>(rows.kind)]->parts_.push_back(
          {batch->header().row_begin, rows.count, rows.list, rows.bits});
    });
  }
  return hit;
}

std::optional<SiteHit> CohortIndex::FindExact(const Variant& variant) const {
  auto contig = contigs_.find(variant.contig);
  if (contig == contigs_.end() || variant.pos < 0 || variant.pos >= kMaxPosition)
    return std::nullopt;
  auto wanted = static_cast<std::uint32_t>(variant.pos / kTileBases);
  const auto& tiles = contig->second.tiles;
  auto tile = std::lower_bound(tiles.begin(), tiles.end(), wanted,
                               [](const Tile& t, std::uint32_t number) { return t.tile < number; });
  if (tile == tiles.end() || tile->tile != wanted) return std::nullopt;
  const TileReader& first = *tile->batches.front();
  auto pos = static_cast<std::uint32_t>(variant.pos);
  for (std::uint32_t site = first.LowerBound(pos); site < first.n_sites() && first.pos(site) == pos;
       ++site) {
    if (first.ref(site) == variant.ref && first.alt(site) == variant.alt)
      return Hit(contig->first, *tile, site);
  }
  return std::nullopt;
}

template <typename Visit>
void CohortIndex::VisitRange(const RangeQuery& query, Visit visit) const {
  auto contig = contigs_.find(query.contig);
  std::int64_t end = std::min(query.end, kMaxPosition);
  if (contig == contigs_.end() || end <= query.start) return;
  // A deletion that begins before the range may reach into it.
  std::int64_t start = std::max<std::int64_t>(0, query.start);
  std::int64_t from = std::max<std::int64_t>(0, start - contig->second.max_ref_length);
  for (const Tile& tile : contig->second.tiles) {
    std::int64_t tile_start = std::int64_t{tile.tile} * kTileBases;
    if (tile_start + kTileBases <= from) continue;
    if (tile_start >= end) return;
    const TileReader& first = *tile.batches.front();
    for (std::uint32_t site = first.LowerBound(static_cast<std::uint32_t>(from));
         site < first.n_sites(); ++site) {
      std::int64_t pos = first.pos(site);
      if (pos >= end) return;
      if (pos + static_cast<std::int64_t>(first.ref(site).size()) <= start) continue;
      if (query.ref && first.ref(site) != *query.ref) continue;
      if (query.alt && first.alt(site) != *query.alt) continue;
      if (!visit(tile, site)) return;
    }
  }
}

Result<std::vector<SiteHit>> CohortIndex::FindRange(const RangeQuery& query) const {
  std::vector<SiteHit> hits;
  bool too_many = false;
  VisitRange(query, [&](const Tile& tile, std::uint32_t site) {
    too_many = hits.size() == query.max_sites;
    if (!too_many) hits.push_back(Hit(query.contig, tile, site));
    return !too_many;
  });
  if (too_many) {
    return Error(StatusCode::kResourceExhausted, "TOO_MANY_SITES",
                 "more than {} variants; ask for a smaller range", query.max_sites);
  }
  return hits;
}

std::vector<std::pair<std::string, std::set<std::uint32_t>>> CohortIndex::TilesByContig() const {
  // Of several batches a tile is listed more than once.
  std::vector<std::pair<std::string, std::set<std::uint32_t>>> contigs;
  for (const TileEntry& tile : entries_) {
    if (contigs.empty() || contigs.back().first != tile.contig)
      contigs.emplace_back(tile.contig, std::set<std::uint32_t>());
    contigs.back().second.insert(tile.tile);
  }
  return contigs;
}

Result<std::vector<SiteHit>> CohortIndex::SitesOfTile(const std::string& contig,
                                                      std::uint32_t tile) const {
  const std::int64_t start = std::int64_t{tile} * kTileBases;
  GF_ASSIGN(auto hits, FindRange({contig, start, start + kTileBases, {}, {}, SIZE_MAX}));
  // Deletions that reach into the tile belong to the one before.
  std::erase_if(hits, [&](const SiteHit& hit) { return hit.variant.pos < start; });
  return hits;
}

Bitmap CohortIndex::CarriersInRange(const RangeQuery& query) const {
  Bitmap carriers(info_.n_people);
  VisitRange(query, [&](const Tile& tile, std::uint32_t site) {
    for (const auto& batch : tile.batches) {
      batch->ForEachSet(site, [&](const TileReader::Rows& rows) {
        if (rows.kind > RowSetKind::kHemi) return;
        RowSet set;
        set.parts_.push_back({batch->header().row_begin, rows.count, rows.list, rows.bits});
        set.OrInto(carriers);
      });
    }
    return true;
  });
  return carriers;
}

CallCoverage CohortIndex::CoveredAt(std::string_view contig, std::int64_t pos) const {
  CallCoverage covered{Bitmap(info_.n_people), Bitmap(info_.n_people)};
  for (const CalledRun& run : CalledRunsAround(contig, pos)) {
    if (run.begin <= pos && pos < run.end)
      (run.haploid ? covered.haploid : covered.diploid).Set(run.row);
  }
  return covered;
}

std::vector<CalledRun> CohortIndex::CalledRunsAround(std::string_view contig,
                                                     std::int64_t pos) const {
  std::vector<CalledRun> called;
  auto found = contigs_.find(contig);
  if (found == contigs_.end() || pos < 0) return called;
  const std::int64_t start = pos / kTileBases * kTileBases;
  for (const Tile& tile : found->second.tiles) {
    if (tile.tile != pos / kTileBases) continue;
    for (const auto& batch : tile.batches) {
      auto runs = batch->Coverage();
      GF_CHECK(runs.ok());  // was read through when the tile was opened
      for (const CoverageRun& run : *runs) {
        called.push_back({batch->header().row_begin + run.row, start + run.begin, start + run.end,
                          run.haploid});
      }
    }
  }
  return called;
}

Bitmap CohortIndex::Carriers(const SiteHit& hit) const {
  Bitmap carriers(info_.n_people);
  for (const RowSet* rows : {&hit.het, &hit.hom, &hit.hemi}) rows->OrInto(carriers);
  return carriers;
}

AlleleCounts CohortIndex::Count(const SiteHit& hit, const Bitmap& live) const {
  GF_CHECK(live.size() == info_.n_people);
  AlleleCounts counts;
  counts.n_het = hit.het.CountAnd(live);
  counts.n_hom = hit.hom.CountAnd(live);
  counts.n_hemi = hit.hemi.CountAnd(live);
  counts.ac = counts.n_het + 2 * counts.n_hom + counts.n_hemi;
  counts.an =
      2 * live.Count() - 2 * hit.nocall.CountAnd(live) - hit.single.CountAnd(live) - counts.n_hemi;
  counts.n_individuals = counts.n_het + counts.n_hom + counts.n_hemi;
  return counts;
}

AlleleCounts CohortIndex::Count(const SiteHit& hit) const {
  return Count(hit, Bitmap(info_.n_people, true));
}

}  // namespace genofed::genomics
