// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/cohort.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "libs/cohort/scan.h"
#include "libs/cohort/site_frequencies.h"

namespace genofed::cohort {
namespace {

constexpr std::size_t kSitesBetweenLooks = 1024;  // at the deadline

Status Mismatch(std::string_view why) {
  return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH", "{}", why);
}

std::uint64_t CountBits(const std::uint64_t* words, std::uint32_t n) {
  std::uint64_t count = genomics::CountBits(words, n / 64);
  if (n % 64 != 0)
    count += static_cast<std::uint64_t>(std::popcount(words[n / 64] & ((1ULL << n % 64) - 1)));
  return count;
}

bool Test(const std::uint64_t* rows, std::uint32_t row) {
  return (rows[row / 64] >> (row % 64) & 1) != 0;
}

// Visits each run of missing calls in a chunk: visit(Run).
template <typename Visit>
void ForEachRun(const Tile& tile, std::uint32_t chunk, RowSource& runs, Visit visit) {
  const auto chunks = tile.Column<Chunk>(Section::kChunks);
  const std::uint64_t n = chunks[chunk + 1].first_run - chunks[chunk].first_run;
  const auto* run = reinterpret_cast<const Run*>(
      runs.Get(sizeof(Run) * std::uint64_t{chunks[chunk].first_run}, sizeof(Run) * n));
  for (const Run* end = run + n; run != end; ++run) {
    if (!visit(*run)) return;
  }
}

// Alleles that rows lack in all of a chunk.
std::uint64_t MissingInChunk(const Tile& tile, const Chunk& chunk, RowSource& base,
                             const std::uint64_t* rows, const Kernels& kernels) {
  const std::uint64_t words = BitsetWords(tile.header().n_rows);
  const std::size_t used = (std::size_t{tile.header().n_rows} + 63) / 64;
  std::uint64_t missing = 0;
  for (std::uint64_t i = 0; i < 2; ++i) {
    if (chunk.base[i] == kNone) continue;
    const auto* bits =
        reinterpret_cast<const std::uint64_t*>(base.Get(8 * words * chunk.base[i], 8 * words));
    missing += (i + 1) * kernels.count_and(bits, rows, used);
  }
  return missing;
}

// Alleles that rows lack at one site.
std::uint64_t MissingAt(const Tile& tile, std::uint32_t site, RowSource& runs, RowSource& base,
                        const std::uint64_t* rows, const Kernels& kernels) {
  const std::uint32_t chunk = site / kChunkSites;
  const std::uint32_t within = site % kChunkSites;
  std::uint64_t missing =
      MissingInChunk(tile, tile.Column<Chunk>(Section::kChunks)[chunk], base, rows, kernels);
  ForEachRun(tile, chunk, runs, [&](Run run) {
    if (run.first() > within) return false;
    if (run.last() >= within && Test(rows, run.row())) missing += run.missing();
    return true;
  });
  return missing;
}

const Tile* TileAt(const Segment::Contig* contig, std::int64_t position) {
  return contig == nullptr ? nullptr
                           : contig->Find(static_cast<std::uint32_t>(position / kTileBases));
}

// Where a segment has an allele.
struct Place {
  const Tile* tile = nullptr;
  std::optional<std::uint32_t> site;
};

// Of each part; nothing when no part lists the allele: then who lacks it need not be counted.
template <typename Part>
std::optional<std::vector<Place>> FindPlaces(const std::vector<Part>& parts,
                                             const Variant& variant) {
  std::vector<Place> places;
  bool listed = false;
  for (const Part& part : parts) {
    Place& place = places.emplace_back();
    place.tile = TileAt(part.segment->FindContig(variant.contig), variant.pos);
    if (place.tile != nullptr)
      place.site =
          place.tile->Find(static_cast<std::uint32_t>(variant.pos), variant.ref, variant.alt);
    listed = listed || place.site;
  }
  return listed ? std::optional(std::move(places)) : std::nullopt;
}

AlleleCounts Sum(const std::array<std::uint64_t, kKinds>& members, std::uint64_t an) {
  AlleleCounts counts;
  counts.n_het = members[0];
  counts.n_hom = members[1];
  counts.n_hemi = members[2];
  counts.ac = counts.n_het + 2 * counts.n_hom + counts.n_hemi;
  counts.n_individuals = counts.n_het + counts.n_hom + counts.n_hemi;
  counts.an = an;
  return counts;
}

void Add(const AlleleCounts& part, AlleleCounts& total) {
  total.ac += part.ac;
  total.an += part.an;
  total.n_het += part.n_het;
  total.n_hom += part.n_hom;
  total.n_hemi += part.n_hemi;
  total.n_individuals += part.n_individuals;
}

}  // namespace

Result<std::unique_ptr<Cohort>> Cohort::Create(std::vector<std::unique_ptr<Segment>> segments) {
  if (segments.empty() || segments.size() > kMaxSegments)
    return Mismatch("a cohort has 1 to 10 segments; compact them first");
  std::unique_ptr<Cohort> cohort(new Cohort());
  const SegmentInfo first = segments.front()->info();
  for (auto& segment : segments) {
    const SegmentInfo& info = segment->info();
    if (info.assembly != first.assembly)
      return Mismatch("the segments of a cohort have different assemblies");
    if (info.frequencies != first.frequencies)
      return Mismatch("the segments of a cohort name different frequency tables");
    if (info.n_people > kMaxRows - cohort->n_people_)
      return Mismatch("the cohort has too many people");
    const std::uint32_t begin = std::exchange(cohort->n_people_, cohort->n_people_ + info.n_people);
    cohort->segments_.push_back({std::move(segment), begin});
  }
  return cohort;
}

const std::uint64_t* Cohort::RowsOf(const Part& part, const Bitmap& rows, Workspace& work) const {
  if (part.row_begin % 64 == 0) return rows.words().data() + part.row_begin / 64;
  work.slice_ = rows.Slice(part.row_begin, part.segment->n_people());
  return work.slice_.words().data();
}

std::shared_ptr<const Live> Cohort::MakeLive(Bitmap rows, std::uint64_t epoch) const {
  GF_CHECK(rows.size() == n_people_);
  // Shared: queries go on with the epoch they began with while a newer one is put in its place.
  std::shared_ptr<Live> live(new Live());
  live->cohort_ = this;
  live->epoch_ = epoch;
  live->count_ = rows.Count();
  for (const Part& part : segments_) {
    Live::OfSegment& own = live->segments_.emplace_back();
    own.rows = rows.Slice(part.row_begin, part.segment->n_people());
    own.count = own.rows.Count();
    for (std::size_t i = 0; i < part.segment->manifest().tiles.size(); ++i)
      own.tiles.push_back(std::make_unique<Live::Withdrawn>());
  }
  live->rows_ = std::move(rows);
  return live;
}

Result<std::vector<std::uint32_t>> Cohort::MissingBySite(const Tile& tile,
                                                         const Bitmap& rows) const {
  RowSource runs, base;
  runs.Reset(tile, Section::kRuns);
  base.Reset(tile, Section::kBase);
  GF_TRY(runs.Load(0, tile.SectionSize(Section::kRuns)));
  GF_TRY(base.Load(0, tile.SectionSize(Section::kBase)));
  const std::uint64_t* words = rows.words().data();
  const auto chunks = tile.Column<Chunk>(Section::kChunks);
  std::vector<std::uint32_t> missing(tile.n_sites());
  std::array<std::int64_t, kChunkSites + 1> change;
  for (std::uint32_t chunk = 0; chunk + 1 < chunks.size(); ++chunk) {
    change.fill(0);
    change[0] =
        static_cast<std::int64_t>(MissingInChunk(tile, chunks[chunk], base, words, *kernels_));
    ForEachRun(tile, chunk, runs, [&](Run run) {
      if (Test(words, run.row())) {
        change[run.first()] += run.missing();
        change[run.last() + 1U] -= run.missing();
      }
      return true;
    });
    const std::uint32_t begin = chunk * kChunkSites;
    std::int64_t sum = 0;
    for (std::uint32_t i = 0; i < kChunkSites && begin + i < tile.n_sites(); ++i) {
      sum += change[i];
      missing[begin + i] = static_cast<std::uint32_t>(sum);
    }
  }
  return missing;
}

Result<std::uint32_t> Cohort::MissingOfWithdrawn(const Tile& tile, std::uint32_t site,
                                                 const Bitmap& counted,
                                                 Live::Withdrawn& withdrawn) const {
  const MutexLock lock(withdrawn.mutex);
  if (!withdrawn.missing) {
    Bitmap others(counted.size(), true);
    GF_ASSIGN(withdrawn.missing, MissingBySite(tile, others.AndNot(counted)));
  }
  return (*withdrawn.missing)[site];
}

Result<std::uint64_t> Cohort::MissingWhereUnlisted(const Part& part, const std::uint64_t* rows,
                                                   std::uint64_t n_rows, std::string_view contig,
                                                   std::int64_t position, Workspace& work) const {
  const Tile* tile = TileAt(part.segment->FindContig(contig), position);
  if (part.segment->info().unlisted == Unlisted::kIsNotCalled) {
    std::uint64_t called = 0;
    if (tile != nullptr && tile->SectionSize(Section::kCalled) > 0) {
      GF_ASSIGN(const auto runs, tile->Called());
      const auto at = static_cast<std::uint32_t>(position % kTileBases);
      for (const genomics::CoverageRun& run : runs) {
        if (run.begin <= at && at < run.end && Test(rows, run.row)) called += run.haploid ? 1 : 2;
      }
    }
    return 2 * n_rows - called;
  }
  if (tile == nullptr || tile->n_sites() == 0) return 0;
  // As many copies as around the next site: males have one X.
  const std::uint32_t site =
      std::min(tile->LowerBound(static_cast<std::uint32_t>(position)), tile->n_sites() - 1);
  const Chunk& chunk = tile->Column<Chunk>(Section::kChunks)[site / kChunkSites];
  work.base_.Reset(*tile, Section::kBase);
  const std::uint64_t missing = MissingInChunk(*tile, chunk, work.base_, rows, *kernels_);
  GF_TRY(work.base_.status());
  return missing;
}

// The same as MissingWhereUnlisted for many positions of a contig, in ascending order: what holds
// for a chunk or a tile is counted once.
class Cohort::UnlistedSites {
 public:
  UnlistedSites(const Kernels& kernels, const Part& part, std::string_view contig,
                const std::uint64_t* rows, std::uint64_t n_rows)
      : kernels_(kernels),
        by_coverage_(part.segment->info().unlisted == Unlisted::kIsNotCalled),
        contig_(part.segment->FindContig(contig)),
        rows_(rows),
        n_rows_(n_rows) {}

  Result<std::uint64_t> MissingAt(std::int64_t position) {
    const Tile* tile = TileAt(contig_, position);
    if (tile != tile_) {
      tile_ = tile;
      chunk_ = kNone;
      site_ = tile_ == nullptr ? 0 : tile_->LowerBound(static_cast<std::uint32_t>(position));
      if (by_coverage_) GF_TRY(CountCalled());
    }
    if (by_coverage_) {
      const auto at = static_cast<std::size_t>(position % kTileBases);
      return 2 * n_rows_ - (called_.empty() ? 0 : called_[at]);
    }
    if (tile_ == nullptr || tile_->n_sites() == 0) return 0;
    while (site_ + 1 < tile_->n_sites() && tile_->positions()[site_] < position) ++site_;
    const std::uint32_t chunk = std::min(site_, tile_->n_sites() - 1) / kChunkSites;
    if (chunk != chunk_) {
      base_.Reset(*tile_, Section::kBase);
      missing_ = MissingInChunk(*tile_, tile_->Column<Chunk>(Section::kChunks)[chunk], base_, rows_,
                                kernels_);
      GF_TRY(base_.status());
      chunk_ = chunk;
    }
    return missing_;
  }

 private:
  // Called copies at each base of the tile.
  Status CountCalled() {
    called_.clear();
    if (tile_ == nullptr || tile_->SectionSize(Section::kCalled) == 0) return absl::OkStatus();
    GF_ASSIGN(const auto runs, tile_->Called());
    called_.assign(kTileBases + 1, 0);
    for (const genomics::CoverageRun& run : runs) {
      if (!Test(rows_, run.row)) continue;
      const std::uint32_t copies = run.haploid ? 1 : 2;
      called_[run.begin] += copies;
      called_[run.end] -= copies;  // wraps around, and back in the sum
    }
    std::partial_sum(called_.begin(), called_.end(), called_.begin());
    return absl::OkStatus();
  }

  const Kernels& kernels_;
  const bool by_coverage_;
  const Segment::Contig* const contig_;
  const std::uint64_t* const rows_;
  const std::uint64_t n_rows_;
  const Tile* tile_ = nullptr;
  std::vector<std::uint32_t> called_;
  std::uint32_t site_ = 0;  // at or behind the position
  std::uint32_t chunk_ = kNone;
  std::uint64_t missing_ = 0;
  RowSource base_;
};

Result<std::optional<AlleleCounts>> Cohort::CountExact(const Variant& variant, const Live& live,
                                                       Workspace& work) const {
  GF_CHECK(live.cohort_ == this);
  if (variant.pos < 0 || variant.pos >= genomics::kMaxPosition) return std::nullopt;
  const auto places = FindPlaces(segments_, variant);
  if (!places) return std::nullopt;
  AlleleCounts total;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Part& part = segments_[i];
    const Live::OfSegment& own = live.segments_[i];
    const std::uint64_t* rows = own.rows.words().data();
    const auto& [tile, site] = (*places)[i];
    if (!site) {
      GF_ASSIGN(const std::uint64_t absent,
                MissingWhereUnlisted(part, rows, own.count, variant.contig, variant.pos, work));
      total.an += 2 * own.count - absent;
      continue;
    }
    std::uint64_t missing = tile->Column<std::uint32_t>(Section::kMissing)[*site];
    if (own.count != part.segment->n_people()) {
      GF_ASSIGN(const std::uint32_t theirs,
                MissingOfWithdrawn(*tile, *site, own.rows, *own.tiles[tile->number()]));
      missing -= theirs;
    }
    SegmentScan scan(*kernels_, rows, part.segment->n_people(), work);
    scan.Enter(*tile);
    Add(Sum(scan.CountSite(*site), 2 * own.count - missing), total);
    GF_TRY(scan.status());
  }
  return total;
}

Result<std::optional<AlleleCounts>> Cohort::CountExact(const Variant& variant, const Bitmap& rows,
                                                       Workspace& work) const {
  GF_CHECK(rows.size() == n_people_);
  if (variant.pos < 0 || variant.pos >= genomics::kMaxPosition) return std::nullopt;
  const auto places = FindPlaces(segments_, variant);
  if (!places) return std::nullopt;
  AlleleCounts total;
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Part& part = segments_[i];
    const std::uint64_t* own = RowsOf(part, rows, work);
    const std::uint64_t n = CountBits(own, part.segment->n_people());
    const auto& [tile, site] = (*places)[i];
    if (!site) {
      GF_ASSIGN(const std::uint64_t absent,
                MissingWhereUnlisted(part, own, n, variant.contig, variant.pos, work));
      total.an += 2 * n - absent;
      continue;
    }
    work.runs_.Reset(*tile, Section::kRuns);
    work.base_.Reset(*tile, Section::kBase);
    const std::uint64_t missing = MissingAt(*tile, *site, work.runs_, work.base_, own, *kernels_);
    GF_TRY(work.runs_.status());
    GF_TRY(work.base_.status());
    SegmentScan scan(*kernels_, own, part.segment->n_people(), work);
    scan.Enter(*tile);
    Add(Sum(scan.CountSite(*site), 2 * n - missing), total);
    GF_TRY(scan.status());
  }
  return total;
}

std::map<std::string, std::vector<std::uint32_t>> Cohort::Megabases() const {
  std::map<std::string, std::vector<std::uint32_t>> found;
  for (const Part& part : segments_) {
    for (const SegmentTile& tile : part.segment->manifest().tiles)
      found[tile.contig].push_back(tile.tile);
  }
  for (auto& [contig, tiles] : found) {
    std::sort(tiles.begin(), tiles.end());
    tiles.erase(std::unique(tiles.begin(), tiles.end()), tiles.end());
  }
  return found;
}

std::vector<std::uint32_t> Cohort::ShardsOf(const VariantFilter& filter,
                                            std::uint32_t shards) const {
  std::vector<bool> wanted(shards);
  for (const Part& part : segments_) {
    const std::vector<SegmentTile>& tiles = part.segment->manifest().tiles;
    const auto want = [&](const SegmentTile& tile) {
      wanted[ShardOf(tile.contig, tile.tile, shards)] = true;
    };
    // In the same order of precedence as VisitCarriers.
    if (!filter.gene.empty()) {
      for (const std::uint32_t tile : part.segment->TilesOfGene(filter.gene)) {
        if (filter.contig.empty() || tiles[tile].contig == filter.contig) want(tiles[tile]);
      }
    } else if (!filter.contig.empty()) {
      for (const std::uint32_t tile :
           part.segment->TilesOfRange(filter.contig, filter.start, filter.end))
        want(tiles[tile]);
    } else if (!filter.change.empty()) {
      std::for_each(tiles.begin(), tiles.end(), want);
    }
  }
  std::vector<std::uint32_t> found;
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    if (wanted[shard]) found.push_back(shard);
  }
  return found;
}

// Calls take(part, scan) with everybody marked, for each segment.
template <typename Take>
Status Cohort::VisitCarriers(const Context& ctx, const VariantFilter& filter, const Bitmap& rows,
                             Workspace& work, bool ad_hoc, Take take) const {
  GF_CHECK(rows.size() == n_people_);
  GF_CHECK(filter.frequencies == nullptr || &filter.frequencies->cohort() == this);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Part& part = segments_[i];
    SegmentScan scan(*kernels_, RowsOf(part, rows, work), part.segment->n_people(), work,
                     filter.frequencies == nullptr ? nullptr : &filter.frequencies->segment(i),
                     share_from_);
    const Segment::Contig* contig = part.segment->FindContig(filter.contig);
    Status status;
    if (!filter.gene.empty()) {
      for (const Segment::GenePart& gene : part.segment->FindGene(filter.gene)) {
        // Some genes are on X and on Y.
        if (!filter.contig.empty() &&
            (contig == nullptr || contig->Find(gene.tile->header().tile) != gene.tile))
          continue;
        scan.Enter(*gene.tile);
        if (ad_hoc || !scan.MarkGeneSet(gene.unit, filter))
          status = scan.MarkGene(ctx, gene.unit, filter);
        if (status.ok()) status = scan.status();
        if (!status.ok()) break;
      }
    } else if (!filter.contig.empty()) {
      for (std::size_t j = 0; status.ok() && contig != nullptr && j < contig->tiles.size(); ++j) {
        status = ctx.Alive();
        if (!status.ok()) break;
        scan.Enter(*contig->tiles[j]);
        status = scan.MarkRange(ctx, filter, contig->max_ref_length);
        if (status.ok()) status = scan.status();
      }
    } else if (!filter.change.empty()) {
      status = part.segment->ForEachTile([&](const Tile& tile) -> Status {
        GF_TRY(ctx.Alive());
        scan.Enter(tile);
        GF_TRY(scan.MarkChange(ctx, filter));
        return scan.status();
      });
    }
    if (status.ok()) take(part, scan);
    scan.Clear();
    GF_TRY(status);
  }
  return absl::OkStatus();
}

Result<std::uint64_t> Cohort::CountCarriers(const Context& ctx, const VariantFilter& filter,
                                            const Bitmap& rows, Workspace& work,
                                            bool ad_hoc) const {
  std::uint64_t count = 0;
  GF_TRY(VisitCarriers(ctx, filter, rows, work, ad_hoc,
                       [&](const Part&, SegmentScan& scan) { count += scan.Count(); }));
  return count;
}

Result<Bitmap> Cohort::Carriers(const Context& ctx, const VariantFilter& filter, const Bitmap& rows,
                                Workspace& work, bool ad_hoc) const {
  Bitmap carriers(n_people_);
  GF_TRY(VisitCarriers(ctx, filter, rows, work, ad_hoc, [&](const Part& part, SegmentScan& scan) {
    scan.ForEach([&](std::uint32_t row) { carriers.Set(part.row_begin + row); });
  }));
  return carriers;
}

Result<Frequencies> Cohort::CountSites(const Context& ctx, std::string_view contig,
                                       std::int64_t start, std::int64_t end, const Bitmap& rows,
                                       Workspace& work) const {
  GF_CHECK(rows.size() == n_people_);
  start = std::max<std::int64_t>(start, 0);
  end = std::min(end, genomics::kMaxPosition);
  Frequencies total;
  total.n_people = rows.Count();
  struct OfSegment {
    Bitmap slice;
    std::vector<SiteCounts> sites;
    std::optional<UnlistedSites> unlisted;
    std::size_t next = 0;  // of sites
  };
  std::vector<OfSegment> parts(segments_.size());
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Part& part = segments_[i];
    OfSegment& own = parts[i];
    const std::uint64_t* words = rows.words().data() + part.row_begin / 64;
    if (part.row_begin % 64 != 0) {
      own.slice = rows.Slice(part.row_begin, part.segment->n_people());
      words = own.slice.words().data();
    }
    own.unlisted.emplace(*kernels_, part, contig, words,
                         CountBits(words, part.segment->n_people()));
    const Segment::Contig* of = part.segment->FindContig(contig);
    if (of == nullptr) continue;
    SegmentScan scan(*kernels_, words, part.segment->n_people(), work, nullptr, share_from_);
    for (const auto& tile : of->tiles) {
      scan.Enter(*tile);
      GF_TRY(scan.CountSites(ctx, start, end, of->max_ref_length, own.sites));
      GF_TRY(scan.status());
    }
  }
  if (parts.size() == 1) {
    total.sites = std::move(parts.front().sites);
    return total;
  }
  // Alleles of one segment only have no carriers in the others.
  const auto key = [](const SiteCounts& s) { return std::tie(s.position, s.ref, s.alt); };
  for (std::size_t merged = 0;; ++merged) {
    if (merged % kSitesBetweenLooks == 0) GF_TRY(ctx.Alive());
    const SiteCounts* least = nullptr;
    for (const OfSegment& part : parts) {
      if (part.next == part.sites.size()) continue;
      const SiteCounts& site = part.sites[part.next];
      if (least == nullptr || site.position < least->position ||
          (site.position == least->position && key(site) < key(*least)))
        least = &site;
    }
    if (least == nullptr) return total;
    SiteCounts& sum = total.sites.emplace_back();
    sum.position = least->position;
    sum.ref = least->ref;
    sum.alt = least->alt;
    for (OfSegment& part : parts) {
      if (part.next < part.sites.size() && key(part.sites[part.next]) == key(sum)) {
        const SiteCounts& site = part.sites[part.next++];
        sum.n_het += site.n_het;
        sum.n_hom += site.n_hom;
        sum.n_hemi += site.n_hemi;
        sum.missing += site.missing;
      } else {
        GF_ASSIGN(const std::uint64_t missing, part.unlisted->MissingAt(sum.position));
        sum.missing += static_cast<std::uint32_t>(missing);
      }
    }
  }
}

}  // namespace genofed::cohort
