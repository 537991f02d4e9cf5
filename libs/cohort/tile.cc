// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/tile.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "libs/cohort/allele_key.h"
#include "libs/cohort/consequence.h"
#include "libs/genomics/digest.h"

namespace genofed::cohort {

static_assert(std::endian::native == std::endian::little, "the files are little-endian");

namespace {

constexpr std::uint64_t kMaxMetadata = 1ULL << 34;
constexpr std::uint32_t kBuckets = static_cast<std::uint32_t>(kTileBases) / kBucketBases + 1;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "cohort tile: {}", what);
}

// Each value at most the one behind it, and the last one at most `end`.
template <typename Range, typename Project>
bool Ascends(const Range& range, std::uint64_t end, Project project) {
  std::uint64_t last = 0;
  for (const auto& item : range) {
    if (project(item) < last) return false;
    last = project(item);
  }
  return last <= end;
}

}  // namespace

Tile::~Tile() {
  if (map_ != nullptr) ::munmap(const_cast<std::byte*>(map_), map_size_);
  std::free(metadata_);
}

Result<std::unique_ptr<Tile>> Tile::Open(const std::filesystem::path& path,
                                         const TileIdentity& identity, Residence residence) {
  std::unique_ptr<Tile> tile(new Tile());
  GF_TRY(tile->Load(path, identity));
  if (residence == Residence::kMapped) {
    void* map = ::mmap(nullptr, identity.size, PROT_READ, MAP_SHARED, tile->fd_.get(), 0);
    if (map == MAP_FAILED) return Corrupt("the file cannot be mapped");
    tile->map_ = static_cast<const std::byte*>(map);
    tile->map_size_ = identity.size;
    // Where the file system has large pages: a tenth of the time of long scans is looking up small ones.
    ::madvise(map, identity.size, MADV_HUGEPAGE);
    ::madvise(map, identity.size, MADV_WILLNEED);
  }
  return tile;
}

Status Tile::Load(const std::filesystem::path& path, const TileIdentity& identity) {
  fd_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info = {};
  if (fd_.get() < 0 || ::fstat(fd_.get(), &info) != 0)
    return Corrupt("a file of the manifest is missing");
  if (static_cast<std::uint64_t>(info.st_size) != identity.size || identity.size > kMaxTileBytes ||
      identity.metadata_size < sizeof(TileHeader) || identity.metadata_size > identity.size ||
      identity.metadata_size > kMaxMetadata || identity.metadata_size % 64 != 0)
    return Corrupt("wrong size");
  metadata_size_ = identity.metadata_size;
  metadata_ = static_cast<std::byte*>(std::aligned_alloc(64, metadata_size_));
  GF_CHECK(metadata_ != nullptr);
  GF_TRY(Read(0, metadata_size_, metadata_));
  if (genomics::Sha256Hex({reinterpret_cast<const char*>(metadata_), metadata_size_}) !=
      identity.metadata_sha256)
    return Corrupt("the metadata has another SHA-256");
  return CheckMetadata(identity);
}

Status Tile::CheckMetadata(const TileIdentity& identity) {
  header_ = reinterpret_cast<const TileHeader*>(metadata_);
  if (header_->magic != TileHeader().magic) return Corrupt("not a tile");
  if (header_->format_version != kTileFormatVersion) return Corrupt("an unknown format version");
  if (header_->tile != identity.tile || header_->n_rows != identity.n_rows ||
      header_->size != identity.size || header_->metadata_size != metadata_size_ ||
      header_->n_rows == 0 || header_->n_rows > (1U << 24) || header_->n_kinds < 2 ||
      header_->n_kinds > kKinds)
    return Corrupt("not the tile of the manifest");
  std::uint64_t offset = sizeof(TileHeader);
  for (std::size_t i = 0; i < kSections; ++i) {
    const TileHeader::Extent& extent = header_->sections[i];
    const std::uint64_t end = i < kMetadataSections ? metadata_size_ : header_->size;
    if (extent.offset % 64 != 0 || extent.offset < offset || extent.offset > end ||
        extent.size > end - extent.offset)
      return Corrupt("a section lies outside of the file");
    offset = extent.offset + extent.size;
  }
  const std::uint64_t n = header_->n_sites;
  auto has = [&](Section section, std::uint64_t size) { return SectionSize(section) == size; };
  if (!has(Section::kPosition, 4 * n) || !has(Section::kAllele, 4 * n) ||
      !has(Section::kFrequency, 4 * n) || !has(Section::kMissing, 4 * n) ||
      !has(Section::kConsequence, n) || !has(Section::kUnit, 4 * n) ||
      !has(Section::kCounts, 4 * n * header_->n_kinds) ||
      !has(Section::kPlaces, 4 * n * header_->n_kinds) ||
      !has(Section::kBuckets, 4 * std::uint64_t{kBuckets}) || !has(Section::kOrder, 4 * n) ||
      !has(Section::kChunks, sizeof(Chunk) * ((n + kChunkSites - 1) / kChunkSites + 1)) ||
      SectionSize(Section::kUnits) < sizeof(Unit) || SectionSize(Section::kGroups) < sizeof(Group))
    return Corrupt("a section has another size");
  positions_ = Column<std::uint32_t>(Section::kPosition);
  alleles_ = Column<std::uint32_t>(Section::kAllele);
  frequencies_ = Column<float>(Section::kFrequency);
  counts_ = Column<std::uint32_t>(Section::kCounts);
  places_ = Column<std::uint32_t>(Section::kPlaces);
  const auto pool = Column<char>(Section::kPool);
  pool_ = {pool.data(), pool.size()};
  return CheckPlaces();
}

Status Tile::CheckPlaces() const {
  const std::uint32_t n = header_->n_sites;
  const std::uint32_t n_rows = header_->n_rows;
  const auto units = Column<Unit>(Section::kUnits);
  const auto groups = Column<Group>(Section::kGroups);
  const auto names = Column<unsigned char>(Section::kNames);
  const auto elsewhere = Column<std::uint32_t>(Section::kElsewhere);
  const auto secondary = Column<Secondary>(Section::kSecondary);
  const auto changes = Column<Change>(Section::kChanges);
  const std::uint64_t n_ids = SectionSize(Section::kIds) / 4;
  auto is_site = [n](std::uint32_t site) { return site < n; };
  auto is_name = [&](std::uint32_t name) {
    return name < names.size() && names.size() - name > names[name];
  };
  const auto order = Column<std::uint32_t>(Section::kOrder);
  const auto unit_of = Column<std::uint32_t>(Section::kUnit);
  const auto consequences = Column<std::uint8_t>(Section::kConsequence);
  bool ok =
      Ascends(positions_, UINT32_MAX, [](std::uint32_t p) { return p; }) &&
      Ascends(Column<std::uint32_t>(Section::kBuckets), n, [](std::uint32_t s) { return s; }) &&
      Ascends(groups, n, [](const Group& g) { return g.first; }) &&
      Ascends(groups, elsewhere.size(), [](const Group& g) { return g.elsewhere; }) &&
      Ascends(groups, n_ids, [](const Group& g) { return g.id; }) &&
      Ascends(units, groups.size() - 1, [](const Unit& u) { return u.first_group; }) &&
      Ascends(units, secondary.size(), [](const Unit& u) { return u.first_secondary; }) &&
      Ascends(units, Column<GeneSet>(Section::kGeneSets).size(),
              [](const Unit& u) { return u.first_set; }) &&
      Ascends(Column<Chunk>(Section::kChunks), SectionSize(Section::kRuns) / 8,
              [](const Chunk& c) { return c.first_run; }) &&
      Ascends(changes, n, [](const Change& c) { return c.site; }) &&
      std::all_of(order.begin(), order.end(), is_site) &&
      std::all_of(elsewhere.begin(), elsewhere.end(), is_site) &&
      std::all_of(unit_of.begin(), unit_of.end(),
                  [&](std::uint32_t unit) { return unit < units.size() - 1; }) &&
      std::all_of(consequences.begin(), consequences.end(),
                  [](std::uint8_t consequence) { return consequence < kConsequences; });
  for (const Secondary& entry : secondary)
    ok = ok && entry.site < n && entry.consequence < kConsequences;
  for (const Group& group : groups)
    ok = ok && group.consequence < kConsequences && group.band < kBandEnds.size();
  for (const Unit& unit : units)
    ok = ok && (unit.name == kNone || is_name(unit.name));
  // What a site does besides, it does to a gene.
  for (std::size_t i = 0; i + 1 < units.size(); ++i)
    ok = ok && (units[i].name != kNone || units[i].first_secondary == units[i + 1].first_secondary);
  const auto buckets = Column<std::uint32_t>(Section::kBuckets);
  for (std::uint32_t i = 0; ok && i < buckets.size(); ++i) {
    const std::uint64_t from = header_->tile * std::uint64_t{kTileBases} + i * kBucketBases;
    const std::uint32_t site = buckets[i];
    ok = (site == 0 || positions_[site - 1] < from) && (site == n || positions_[site] >= from);
  }
  for (const Change& change : changes) ok = ok && change.site < n && is_name(change.text);
  for (const Chunk& chunk : Column<Chunk>(Section::kChunks)) {
    for (const std::uint32_t base : chunk.base)
      ok = ok && (base == kNone || base < SectionSize(Section::kBase) / 8 / BitsetWords(n_rows));
  }
  for (const GeneSet& set : Column<GeneSet>(Section::kGeneSets)) {
    const std::uint64_t size =
        set.is_bitset != 0 ? 8 * BitsetWords(n_rows) : 4 * std::uint64_t{set.members};
    ok = ok && set.place % 64 == 0 && set.members <= n_rows &&
         set.place <= SectionSize(Section::kGeneRows) &&
         size <= SectionSize(Section::kGeneRows) - set.place;
  }
  if (!ok) return Corrupt("the metadata contradict themselves");
  for (std::uint32_t site = 0; site < n; ++site) {
    if (positions_[site] / kTileBases != header_->tile) return Corrupt("a position");
    const std::uint32_t key = alleles_[site];
    if ((key & kPooledAllele) == 0 ? key >= kBases.size() * kBases.size() : false)
      return Corrupt("an allele");
    if ((key & kPooledAllele) != 0) {
      const std::uint64_t at = key & ~kPooledAllele;
      std::uint16_t lengths[2];
      if (at + sizeof lengths > pool_.size()) return Corrupt("an allele");
      std::memcpy(lengths, pool_.data() + at, sizeof lengths);
      if (pool_.size() - at - sizeof lengths < std::size_t{lengths[0]} + lengths[1])
        return Corrupt("an allele");
    }
    for (std::size_t kind = 0; kind < header_->n_kinds; ++kind) {
      const RowSet set = Set(kind, site);
      const Section section = set.form == Form::kRows    ? Section::kIds
                              : set.form == Form::kPages ? Section::kPages
                                                         : Section::kBitsets;
      ok = set.count <= n_rows && set.begin(n_rows) + set.size(n_rows) <= SectionSize(section);
      if (!ok) return Corrupt("a row set");
    }
  }
  return absl::OkStatus();
}

std::string_view Tile::Allele(std::uint32_t site, std::size_t which) const {
  const std::uint32_t key = alleles_[site];
  if ((key & kPooledAllele) == 0)
    return kBases.substr(which == 0 ? key / kBases.size() : key % kBases.size(), 1);
  const char* entry = pool_.data() + (key & ~kPooledAllele);
  std::uint16_t lengths[2];
  std::memcpy(lengths, entry, sizeof lengths);
  return which == 0 ? std::string_view(entry + 4, lengths[0])
                    : std::string_view(entry + 4 + lengths[0], lengths[1]);
}

std::uint32_t Tile::LowerBound(std::uint32_t position) const {
  const std::uint32_t start = header_->tile * static_cast<std::uint32_t>(kTileBases);
  if (position <= start) return 0;
  if (position - start >= kTileBases) return n_sites();
  std::uint32_t site = Column<std::uint32_t>(Section::kBuckets)[(position - start) / kBucketBases];
  while (site < n_sites() && positions_[site] < position) ++site;
  return site;
}

std::optional<std::uint32_t> Tile::Find(std::uint32_t position, std::string_view wanted_ref,
                                        std::string_view wanted_alt) const {
  const std::uint32_t key = SnvKey(wanted_ref, wanted_alt);
  for (std::uint32_t site = LowerBound(position); site < n_sites() && positions_[site] == position;
       ++site) {
    if (key != kNone ? alleles_[site] == key : ref(site) == wanted_ref && alt(site) == wanted_alt)
      return site;
  }
  return std::nullopt;
}

Status Tile::Read(std::uint64_t offset, std::uint64_t size, std::byte* out) const {
  while (size > 0) {
    const ssize_t n = ::pread(fd_.get(), out, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Corrupt("the file cannot be read");
    out += n;
    offset += static_cast<std::uint64_t>(n);
    size -= static_cast<std::uint64_t>(n);
  }
  return absl::OkStatus();
}

void Tile::Evict() const { ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED); }

Status Tile::Verify(std::string_view sha256) const {
  genomics::Sha256Stream digest;
  std::vector<std::byte> buffer(4U << 20);
  for (std::uint64_t at = 0; at < header_->size; at += buffer.size()) {
    const std::uint64_t n = std::min<std::uint64_t>(buffer.size(), header_->size - at);
    GF_TRY(Read(at, n, buffer.data()));
    digest.Add({reinterpret_cast<const char*>(buffer.data()), n});
  }
  if (digest.FinishHex() != sha256) return Corrupt("the file has another SHA-256");
  RowSource ids, pages, bitsets, runs, base, gene_rows;
  const std::uint32_t n_rows = header_->n_rows;
  auto load = [&](RowSource& source, Section section) {
    source.Reset(*this, section);
    return source.Load(0, SectionSize(section));
  };
  GF_TRY(load(ids, Section::kIds));
  GF_TRY(load(pages, Section::kPages));
  GF_TRY(load(bitsets, Section::kBitsets));
  GF_TRY(load(runs, Section::kRuns));
  GF_TRY(load(base, Section::kBase));
  GF_TRY(load(gene_rows, Section::kGeneRows));
  auto rows_ok = [&](RowSource& source, std::uint64_t place, std::uint64_t count) {
    const auto* rows = reinterpret_cast<const std::uint32_t*>(source.Get(place, 4 * count));
    return std::adjacent_find(rows, rows + count, std::greater_equal<>()) == rows + count &&
           (count == 0 || rows[count - 1] < n_rows);
  };
  // None when there are bits behind the last row.
  auto count_bits = [&](RowSource& source, std::uint64_t place) -> std::optional<std::uint64_t> {
    const std::uint64_t words = BitsetWords(n_rows);
    const auto* bits = reinterpret_cast<const std::uint64_t*>(source.Get(place, 8 * words));
    std::uint64_t members = 0;
    for (std::uint64_t i = 0; i < words; ++i) {
      members += static_cast<std::uint64_t>(std::popcount(bits[i]));
      const std::uint64_t first = 64 * i;
      if (first >= n_rows ? bits[i] != 0 : n_rows - first < 64 && bits[i] >> (n_rows - first) != 0)
        return std::nullopt;
    }
    return members;
  };
  auto bits_ok = [&](RowSource& source, std::uint64_t place, std::uint64_t count) {
    return count_bits(source, place) == count;
  };
  auto pages_ok = [&](const RowSet& set) {
    const std::uint32_t n_pages = PageCount(n_rows);
    const auto* bytes =
        reinterpret_cast<const std::uint8_t*>(pages.Get(set.begin(n_rows), set.size(n_rows)));
    std::uint64_t members = 0;
    for (std::uint32_t page = 0; page < n_pages; ++page) members += bytes[page];
    if (members != set.count) return false;
    bool ascends = true;
    std::int64_t last = -1;
    ForEachInPages(bytes, n_pages, [&](std::uint32_t row) {
      ascends = ascends && row > last && row < n_rows;
      last = row;
    });
    return ascends;
  };
  // Genes are scanned from end to end, also between the sets of their sites.
  const std::uint64_t n_ids = SectionSize(Section::kIds) / 4;
  const auto* all_ids = reinterpret_cast<const std::uint32_t*>(ids.Get(0, 4 * n_ids));
  if (std::any_of(all_ids, all_ids + n_ids, [&](std::uint32_t row) { return row >= n_rows; }))
    return Corrupt("a row that does not exist");
  for (std::uint32_t site = 0; site < n_sites(); ++site) {
    for (std::size_t kind = 0; kind < header_->n_kinds; ++kind) {
      const RowSet set = Set(kind, site);
      const bool ok = set.form == Form::kRows    ? rows_ok(ids, set.begin(n_rows), set.count)
                      : set.form == Form::kPages ? pages_ok(set)
                                                 : bits_ok(bitsets, set.begin(n_rows), set.count);
      if (!ok) return Corrupt("a row set has rows that do not exist");
    }
  }
  for (const GeneSet& set : Column<GeneSet>(Section::kGeneSets)) {
    if (set.is_bitset != 0 ? !bits_ok(gene_rows, set.place, set.members)
                           : !rows_ok(gene_rows, set.place, set.members))
      return Corrupt("a gene set has rows that do not exist");
  }
  GF_TRY(Called().status());
  const auto chunks = Column<Chunk>(Section::kChunks);
  const auto missing = Column<std::uint32_t>(Section::kMissing);
  std::vector<std::int64_t> change;  // of the missing alleles, from site to site of a chunk
  for (std::size_t i = 0; i + 1 < chunks.size(); ++i) {
    const std::uint32_t first_site = static_cast<std::uint32_t>(i) * kChunkSites;
    const std::uint32_t whole = std::min(kChunkSites, n_sites() - first_site);
    change.assign(whole + std::size_t{1}, 0);
    for (std::size_t each = 0; each < 2; ++each) {
      if (chunks[i].base[each] == kNone) continue;
      const auto people = count_bits(base, 8 * BitsetWords(n_rows) * chunks[i].base[each]);
      if (!people) return Corrupt("missing calls of rows that do not exist");
      change[0] += static_cast<std::int64_t>((each + 1) * *people);
    }
    for (std::uint64_t at = chunks[i].first_run; at < chunks[i + 1].first_run; ++at) {
      Run run;
      std::memcpy(&run, runs.Get(8 * at, 8), sizeof run);
      if (run.row() >= n_rows || run.first() > run.last() || run.last() >= whole ||
          run.missing() < 1 || run.missing() > 2)
        return Corrupt("a run of missing calls");
      change[run.first()] += run.missing();
      change[run.last() + std::size_t{1}] -= run.missing();
    }
    std::int64_t sum = 0;
    for (std::uint32_t at = 0; at < whole; ++at) {
      sum += change[at];
      if (sum != missing[first_site + at]) return Corrupt("the number of missing calls");
    }
  }
  return absl::OkStatus();
}

Result<std::vector<genomics::CoverageRun>> Tile::Called() const {
  std::string bytes(SectionSize(Section::kCalled), '\0');
  if (bytes.empty()) return std::vector<genomics::CoverageRun>();
  const auto& extent = header_->sections[static_cast<std::size_t>(Section::kCalled)];
  GF_TRY(Read(extent.offset, extent.size, reinterpret_cast<std::byte*>(bytes.data())));
  return genomics::DecodeCoverage(bytes, header_->n_rows);
}

void RowSource::Reset(const Tile& tile, Section section) {
  const TileHeader::Extent& extent = tile.header().sections[static_cast<std::size_t>(section)];
  tile_ = &tile;
  section_ = extent.offset;
  section_size_ = extent.size;
  begin_ = end_ = 0;
  status_ = absl::OkStatus();
  if (tile.map_ == nullptr) return;
  data_ = tile.map_ + section_;
  end_ = section_size_;
}

Status RowSource::Load(std::uint64_t begin, std::uint64_t end) {
  GF_CHECK(begin <= end && end <= section_size_);
  if (begin >= begin_ && end <= end_) return absl::OkStatus();
  window_.resize((end - begin + 7) / 8);
  auto* bytes = reinterpret_cast<std::byte*>(window_.data());
  begin_ = end_ = 0;
  GF_TRY(tile_->Read(section_ + begin, end - begin, bytes));
  data_ = bytes;
  begin_ = begin;
  end_ = end;
  return absl::OkStatus();
}

void RowSource::Announce(std::uint64_t begin, std::uint64_t end) const {
  if (tile_->map_ != nullptr || begin >= end) return;
  // The system reads ahead at most some MB for each call.
  constexpr std::uint64_t kStep = 2U << 20;
  for (; begin < end; begin += kStep) {
    ::posix_fadvise(tile_->fd_.get(), static_cast<off_t>(section_ + begin),
                    static_cast<off_t>(std::min(kStep, end - begin)), POSIX_FADV_WILLNEED);
  }
}

const std::byte* RowSource::Fetch(std::uint64_t begin, std::uint64_t size) {
  single_.assign((size + 7) / 8 + 1, 0);
  auto* bytes = reinterpret_cast<std::byte*>(single_.data());
  if (begin > section_size_ || size > section_size_ - begin) {
    status_ = Corrupt("rows lie outside of their section");
    return bytes;
  }
  if (Status read = tile_->Read(section_ + begin, size, bytes); !read.ok()) status_ = read;
  return bytes;
}

}  // namespace genofed::cohort
