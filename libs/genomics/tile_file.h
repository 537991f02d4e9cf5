// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: the layout of one tile of a megabase for one batch of people. A file
// has the tiles of a contig and batch, each beginning at a multiple of 64. All numbers are
// little-endian.
//
//   TileHeader (128 bytes)
//   u32 pos[n]          0-based, ascending
//   u32 allele[n]       offset into the allele pool
//   u32 sets[n]         number of the site's first set, or kNoSets
//   u64 set[m]          kind << 61 | last of its site << 60 | number of rows << 32 | place
//   allele pool         u16 REF length, u16 ALT length, REF, ALT; each kind of SNV is there once
//   u16 rows[]          lists
//   bitsets             aligned to 64 bytes
//   coverage            see CoverageWriter; may be empty
//
// Sections follow one another, each aligned to 8. A set is who stands to the site in one way
// (RowSetKind), relative to the batch; sets without members are not there, and equal neighbours
// share their rows, or all of their sets. Fewer than n_rows / 32 members are a list, whose place is
// its first element; more are a bitset of ceil(n_rows / 64) words, whose place counts bitsets. A
// site with one carrier costs 22 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/normalise.h"

namespace genofed::genomics {

inline constexpr std::int64_t kTileBases = 1'000'000;
inline constexpr std::size_t kTileAlignment = 64;
inline constexpr std::uint32_t kTileFormatVersion = 2;
inline constexpr std::uint32_t kListShare =
    32;  // the threshold N / 32; N / 64 would be faster and larger
inline constexpr std::size_t kRowSetKinds = 5;
enum class RowSetKind : std::size_t { kHet, kHom, kHemi, kSingle, kNocall };

struct TileHeader {
  std::array<char, 8> magic = {'G', 'F', 'T', 'I', 'L', 'E', '\r', '\n'};
  std::uint32_t format_version = kTileFormatVersion;
  std::uint32_t tile = 0;
  std::uint32_t row_begin = 0;
  std::uint32_t n_rows = 0;
  std::uint32_t n_sites = 0;
  std::uint32_t max_ref_length = 0;  // how far back a range query must look
  std::uint32_t n_sets = 0;
  std::uint32_t n_bitsets = 0;
  std::uint64_t pool_size = 0;
  std::uint64_t n_list_rows = 0;
  std::uint64_t coverage_size = 0;
  std::uint64_t tile_size = 0;
  std::array<std::uint8_t, 56> reserved = {};
};
static_assert(sizeof(TileHeader) == 128 && std::is_trivially_copyable_v<TileHeader>);

// Whether a set of `count` rows out of `n_rows` is a list rather than a bitset.
constexpr bool IsRowList(std::uint32_t count, std::uint32_t n_rows) {
  return static_cast<std::uint64_t>(count) * kListShare < n_rows;
}

// Where each section starts.
struct TileSections {
  explicit TileSections(const TileHeader& header);
  std::uint64_t pos, allele, site_sets, sets, pool, lists, bitsets, coverage, end;
};

inline constexpr std::uint32_t kNoSets = UINT32_MAX;

// An element of `set`.
struct PackedSet {
  std::uint64_t bits = 0;

  static PackedSet Of(std::size_t kind, std::uint32_t count, std::uint64_t place) {
    return {std::uint64_t{kind} << 61 | std::uint64_t{count} << 32 | place};
  }
  std::size_t kind() const { return bits >> 61; }
  bool last() const { return (bits >> 60 & 1) != 0; }
  std::uint32_t count() const { return static_cast<std::uint32_t>(bits >> 32) & 0xfffffff; }
  std::uint32_t place() const { return static_cast<std::uint32_t>(bits); }
  PackedSet AsLast() const { return {bits | 1ULL << 60}; }
  bool operator==(const PackedSet&) const = default;
};

// Of an entry of the allele pool that begins `entry`, which is long enough.
inline std::size_t PoolLength(std::string_view entry, std::size_t which) {
  std::uint16_t length;
  std::memcpy(&length, entry.data() + 2 * which, sizeof length);
  return length;
}
inline std::string_view RefOf(std::string_view entry) {
  return entry.substr(4, PoolLength(entry, 0));
}
inline std::string_view AltOf(std::string_view entry) {
  return entry.substr(4 + PoolLength(entry, 0), PoolLength(entry, 1));
}

// Where a gVCF says that somebody was called, with two alleles or (haploid) one: its reference
// blocks and the records between them. A run is [begin, end) relative to the tile's start.
struct CoverageRun {
  std::uint32_t row = 0;  // relative to the batch
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool haploid = false;

  bool operator==(const CoverageRun&) const = default;
};

// Collects the runs of one tile and batch. Encoded as u32 offset[n_rows + 1] and, for each row,
// pairs of LEB128 numbers: the distance to the run before, and length << 1 | haploid.
class CoverageWriter {
 public:
  // Runs of one row come by ascending begin; those that touch or overlap are joined. Where a
  // diploid run overlaps a haploid one, both alleles were called.
  void Add(const CoverageRun& run);
  std::string Encode(std::uint32_t n_rows);

 private:
  std::vector<CoverageRun> runs_;
  std::vector<std::uint32_t> last_;  // by row: 1 + the place of its last run
};
// INDEX_CORRUPT when `bytes` is not what Encode makes.
Result<std::vector<CoverageRun>> DecodeCoverage(std::string_view bytes, std::uint32_t n_rows);

// Collects the sites of one tile for all batches of people, and encodes it for each batch.
class TileWriter {
 public:
  TileWriter(std::uint32_t tile, std::uint32_t n_people, std::uint32_t batch_size);

  // Sites come in any order, and the same site may come again: the first one stays.
  void Add(std::uint32_t pos, std::string_view ref, std::string_view alt,
           const CarrierSets& carriers);
  void AddCoverage(std::uint32_t row, std::uint32_t begin, std::uint32_t end, bool haploid);
  // Sorts by position, REF and ALT. Returns the number of duplicates left out.
  std::uint64_t Sort();
  std::uint32_t n_batches() const { return static_cast<std::uint32_t>(batches_.size()); }
  std::uint32_t n_sites() const { return static_cast<std::uint32_t>(order_.size()); }
  // The bytes for one batch, in pieces; valid until the next call. Sort() comes first.
  std::span<const std::string_view> Encode(std::uint32_t batch);

 private:
  struct Batch {
    std::uint32_t row_begin = 0;
    std::uint32_t n_rows = 0;
    std::uint32_t n_bitsets = 0;
    std::vector<std::uint32_t> site_sets;
    std::vector<PackedSet> sets;
    std::vector<std::uint16_t> lists;
    // A megabyte or so each: one growing array would be copied again and again.
    std::vector<std::vector<std::uint64_t>> bitsets;
    std::array<PackedSet, kRowSetKinds> last = {};  // of each kind, to share its rows
    // Of each kind, the last site's sets that were this kind alone, to share them: kNoSets or the
    // number of the set.
    std::array<std::uint32_t, kRowSetKinds> alone = {kNoSets, kNoSets, kNoSets, kNoSets, kNoSets};
    CoverageWriter coverage;
  };
  std::uint32_t PoolEntry(std::string_view ref, std::string_view alt);
  static void AddSets(Batch& batch, std::span<const PackedSet> sets);
  static const std::uint64_t* Bitset(const Batch& batch, std::uint32_t place);
  static std::uint64_t* AddBitset(Batch& batch);
  static PackedSet PutRows(Batch& batch, std::size_t kind, std::span<const std::uint32_t> rows);
  static bool SameRows(const Batch& batch, PackedSet set, std::span<const std::uint32_t> rows);
  std::string_view Ref(std::uint32_t site) const;
  std::string_view Alt(std::uint32_t site) const;

  std::uint32_t tile_;
  std::vector<std::uint32_t> pos_;
  std::vector<std::uint32_t> allele_;
  std::string pool_;
  std::array<std::uint32_t, 25> snv_ = {};  // 1 + offset of REF and ALT of one base each
  std::uint32_t max_ref_length_ = 0;
  std::vector<Batch> batches_;
  std::vector<std::uint32_t> order_;
  bool in_order_ = false;  // order_ is 0, 1, 2...
  // What Encode returns points to these.
  std::string header_;
  std::vector<std::uint32_t> out_pos_, out_allele_, out_sets_;
  std::string coverage_;
  std::vector<std::string_view> out_;
};

// A memory-mapped file. Immutable, safe for any number of threads.
class MappedFile {
 public:
  // DataLoss INDEX_CORRUPT when the file is missing, empty or not readable.
  static Result<std::unique_ptr<MappedFile>> Open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::span<const std::uint8_t> bytes_;
};

// A verified tile in memory that outlives it. Immutable, safe for any number of threads.
class TileReader {
 public:
  // `bytes` are aligned to 64. DataLoss INDEX_CORRUPT when the digest (hex SHA-256) or any bound is
  // wrong.
  static Result<std::unique_ptr<TileReader>> Open(std::span<const std::uint8_t> bytes,
                                                  std::string_view sha256);

  const TileHeader& header() const { return header_; }
  std::uint32_t n_sites() const { return header_.n_sites; }
  std::uint32_t pos(std::uint32_t site) const { return At<std::uint32_t>(sections_.pos, site); }
  std::string_view ref(std::uint32_t site) const { return RefOf(PoolEntry(site)); }
  std::string_view alt(std::uint32_t site) const { return AltOf(PoolEntry(site)); }

  // One set: exactly one of the two spans is not empty.
  struct Rows {
    RowSetKind kind = RowSetKind::kHet;
    std::uint32_t count = 0;
    std::span<const std::uint16_t> list;
    std::span<const std::uint64_t> bits;
  };
  template <typename Visit>  // visit(const Rows&), by kind
  void ForEachSet(std::uint32_t site, Visit visit) const {
    auto set = At<std::uint32_t>(sections_.site_sets, site);
    if (set == kNoSets) return;
    for (;; ++set) {
      visit(RowsOf(set));
      if (At<PackedSet>(sections_.sets, set).last()) return;
    }
  }
  // The first site at or behind a position.
  std::uint32_t LowerBound(std::uint32_t pos) const;
  Result<std::vector<CoverageRun>> Coverage() const;

 private:
  explicit TileReader(std::span<const std::uint8_t> bytes);
  Status Verify(std::string_view sha256);
  Status VerifySites() const;
  std::string_view PoolEntry(std::uint32_t site) const;  // to the end of the pool
  bool SetValid(std::uint32_t set) const;
  Rows RowsOf(std::uint32_t set) const;
  template <typename T>
  T At(std::uint64_t section, std::uint64_t i) const {
    T value;
    std::memcpy(&value, data_ + section + sizeof(T) * i, sizeof(T));
    return value;
  }

  const std::uint8_t* data_;
  std::size_t size_;
  TileHeader header_;
  TileSections sections_;
};

}  // namespace genofed::genomics
