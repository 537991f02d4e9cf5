// SPDX-License-Identifier: Apache-2.0
//
// The layout of a tile: one megabase of all people of one segment, one immutable object (a file, or
// an object in S3). All numbers are little-endian.
//
// A header (TileHeader) with the place of each section; then the metadata, which stays in memory:
// a few dozen bytes for each site; then the rows, which are read by contiguous ranges. Sections are
// aligned to 64.
//
// Who carries a site is said by up to three row sets, of people with one of two copies (het), two
// of two (hom), and one of one (hemi; X, Y, MT, half calls). By its number of members a set is
//   rows     32-bit numbers in kIds, below n_rows / 256 members;
//   pages    u8 members[ceil(n_rows / 256)], then 8-bit numbers within pages of 256 rows, padded to
//   8,
//            in kPages; below n_rows / 12 members, unless a page has all of its 256 rows;
//   a bitset of ceil(n_rows / 512) * 64 bytes in kBitsets.
// Fewer than 256 rows make every set either one row number or a bitset.
//
// Sites stand by position, REF and ALT. Their rows in kIds stand by unit, band of allele frequency,
// consequence and position instead, and the three sets of a site follow one another: so all rare
// variants of a gene, or all its rare stop_gained ones, are one contiguous range, which is scanned
// without looking at sites. A unit is a gene, or 65,536 bases between genes; a site counts to the
// gene where it does most, and kSecondary lists the other genes. Pages and bitsets stand by site:
// a region is one range of each.
//
// Who was not called is told by runs of sites: (row, first, last, one or two alleles missing), cut
// at chunks of 1,024 sites and sorted by their beginning. Rows that lack an allele in all of a
// chunk (males on X, females on Y) are one bitset of kBase, shared between chunks that have the
// same. Where no site is listed, kCalled tells who was called, for alleles that only other segments
// have.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace genofed::cohort {

inline constexpr std::int64_t kTileBases = 1'000'000;
inline constexpr std::uint32_t kTileFormatVersion = 4;  // 1 and 2: libs/genomics/tile_file.h
inline constexpr std::uint64_t kMaxTileBytes = 1ULL << 40;
inline constexpr std::uint32_t kPageRows = 256;
inline constexpr std::uint32_t kBucketBases = 64;
inline constexpr std::uint32_t kChunkSites = 1024;
inline constexpr std::uint32_t kNone = UINT32_MAX;

// Upper ends of the bands of allele frequency, exclusive but for the last one.
inline constexpr std::array<double, 5> kBandEnds = {1e-4, 1e-3, 1e-2, 5e-2, 1.0};
// Frequencies are kept with single precision: a limit is rounded as they are, so that a frequency
// of just the limit is not below it.
constexpr bool IsBelow(float frequency, double limit) {
  return frequency < static_cast<float>(limit);
}
constexpr std::uint8_t BandOf(float frequency) {
  std::uint8_t band = 0;
  while (band + 1U < kBandEnds.size() && !IsBelow(frequency, kBandEnds[band])) ++band;
  return band;
}

enum class Kind : std::uint8_t { kHet, kHom, kHemi };
inline constexpr std::size_t kKinds = 3;

enum class Form : std::uint8_t { kRows, kPages, kBitset };
constexpr Form FormOf(std::uint32_t members, std::uint32_t n_rows) {
  if (members <= 1 || std::uint64_t{members} * 256 < n_rows) return Form::kRows;
  if (std::uint64_t{members} * 12 < n_rows) return Form::kPages;
  return Form::kBitset;
}
constexpr std::uint64_t BitsetWords(std::uint32_t n_rows) {
  return (std::uint64_t{n_rows} + 511) / 512 * 8;
}
constexpr std::uint32_t PageCount(std::uint32_t n_rows) {
  return (n_rows + kPageRows - 1) / kPageRows;
}

// Who stands to a site in one way.
struct RowSet {
  Form form = Form::kRows;
  std::uint32_t count = 0;
  std::uint32_t place = 0;  // in kIds a row, in kPages 8 bytes, in kBitsets a bitset

  // A place with this bit is a bitset, whatever the number of members.
  static constexpr std::uint32_t kIsBitset = 1U << 31;
  static constexpr RowSet Of(std::uint32_t count, std::uint32_t place, std::uint32_t n_rows) {
    const Form form = FormOf(count, n_rows);
    if (form == Form::kPages && (place & kIsBitset) != 0)
      return {Form::kBitset, count, place & ~kIsBitset};
    return {form, count, place};
  }
  // Bytes of the section.
  constexpr std::uint64_t begin(std::uint32_t n_rows) const {
    return (form == Form::kRows    ? 4
            : form == Form::kPages ? 8
                                   : 8 * BitsetWords(n_rows)) *
           std::uint64_t{place};
  }
  constexpr std::uint64_t size(std::uint32_t n_rows) const {
    return form == Form::kRows    ? 4 * std::uint64_t{count}
           : form == Form::kPages ? std::uint64_t{PageCount(n_rows)} + count
                                  : 8 * BitsetWords(n_rows);
  }
};

enum class Section : std::uint32_t {
  // Of each site.
  kPosition,     // u32, 0-based
  kAllele,       // u32, see AlleleKey
  kFrequency,    // f32, of the frequency table or else among these people
  kMissing,      // u32, alleles that were not called
  kConsequence,  // u8
  kUnit,         // u32
  kCounts,       // u32 of each kind of set that the tile has: all het, all hom, all hemi
  kPlaces,       // u32 likewise, see RowSet
  // Ways to a site.
  kBuckets,    // u32 for each 64 bases and one more: the first site at or behind
  kPool,       // u16 REF length, u16 ALT length, REF, ALT of what is not an SNV
  kUnits,      // Unit, and one more
  kNames,      // of genes
  kGroups,     // Group, and one more
  kOrder,      // u32: sites by group
  kElsewhere,  // u32: sites by group that have a set which is not in kIds
  kSecondary,  // Secondary, by unit
  kChunks,     // Chunk, and one more
  kGeneSets,   // GeneSet, by unit
  kChanges,    // Change, by site
  // Rows.
  kIds,
  kPages,
  kBitsets,
  kRuns,      // u64, see Run
  kBase,      // bitsets
  kGeneRows,  // u32 rows or bitsets of gene sets
  kCalled,    // where gVCFs say who was called (genomics::CoverageWriter); may be empty
};
inline constexpr std::size_t kSections = 26;
inline constexpr std::size_t kMetadataSections = static_cast<std::size_t>(Section::kIds);

struct TileHeader {
  std::array<char, 8> magic = {'G', 'F', 'C', 'O', 'H', '\r', '\n', '\0'};
  std::uint32_t format_version = kTileFormatVersion;
  std::uint32_t tile = 0;  // position / 1,000,000
  std::uint32_t n_rows = 0;
  std::uint32_t n_sites = 0;
  std::uint32_t n_kinds = 2;  // 3 when somebody is hemizygous
  std::uint32_t max_ref_length = 0;
  std::uint64_t size = 0;
  std::uint64_t metadata_size = 0;
  struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  std::array<Extent, kSections> sections = {};
};
static_assert(sizeof(TileHeader) == 48 + 16 * kSections &&
              std::is_trivially_copyable_v<TileHeader>);

struct Unit {
  std::uint32_t name = kNone;  // offset in kNames of u8 length and text; kNone between genes
  std::uint32_t first_group = 0;
  std::uint32_t first_secondary = 0;
  std::uint32_t first_set = 0;
};
struct Group {
  std::uint32_t first = 0;      // in kOrder
  std::uint32_t elsewhere = 0;  // in kElsewhere
  std::uint32_t id = 0;         // in kIds
  std::uint8_t band = 0;
  std::uint8_t consequence = 0;
  std::uint16_t reserved = 0;
};
struct Secondary {
  std::uint32_t site = 0;
  std::uint32_t consequence = 0;
};
// What a site does to a protein.
struct Change {
  std::uint32_t site = 0;
  std::uint32_t text = 0;  // offset in kNames of u8 length and text: "G12D"
};
struct Chunk {
  std::uint32_t first_run = 0;
  std::uint32_t base[2] = {kNone, kNone};  // rows that lack one and two alleles, in kBase
};
// Everybody who carries one of the variants of a gene with a frequency below `limit` and one of
// `consequences`: rows, or a bitset where that is smaller.
struct GeneSet {
  std::uint64_t consequences = 0;
  double limit = 0;
  std::uint32_t members = 0;
  std::uint32_t is_bitset = 0;
  std::uint64_t place = 0;  // byte in kGeneRows
};

struct Run {
  static constexpr std::uint32_t kRowMask = 0xffffff;

  std::uint64_t bits = 0;

  // `first` and `last` within the chunk; missing is 1 or 2.
  static constexpr Run Of(std::uint32_t row, std::uint32_t first, std::uint32_t last,
                          std::uint32_t missing) {
    return {std::uint64_t{first} << 40 | std::uint64_t{last} << 30 | std::uint64_t{missing} << 24 |
            row};
  }
  constexpr std::uint32_t first() const { return static_cast<std::uint32_t>(bits >> 40) & 0x3ff; }
  constexpr std::uint32_t last() const { return static_cast<std::uint32_t>(bits >> 30) & 0x3ff; }
  constexpr std::uint32_t missing() const { return static_cast<std::uint32_t>(bits >> 24) & 3; }
  constexpr std::uint32_t row() const { return static_cast<std::uint32_t>(bits) & kRowMask; }
};

// Visits the rows of a set in pages, ascending.
template <typename Visit>
void ForEachInPages(const std::uint8_t* pages, std::uint32_t n_pages, Visit visit) {
  const std::uint8_t* low = pages + n_pages;
  for (std::uint32_t page = 0; page < n_pages; ++page) {
    for (const std::uint8_t* end = low + pages[page]; low != end; ++low)
      visit(page * kPageRows + *low);
  }
}

// Frequencies and consequences of the gene sets that are stored.
inline constexpr std::array<double, 3> kGeneSetLimits = {1e-4, 1e-3, 1e-2};

}  // namespace genofed::cohort
