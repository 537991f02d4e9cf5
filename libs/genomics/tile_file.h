// SPDX-License-Identifier: Apache-2.0
//
// Internal to libs/genomics: the layout of one index file, that is one tile of a megabase for one
// batch of people. All numbers are little-endian.
//
//   TileHeader (128 bytes)
//   columns, one array after another, each aligned to 8:
//     u32 pos[n]            0-based, ascending
//     u64 allele_key[n]     FNV-1a 64 of "REF>ALT"; a match is confirmed on the text
//     u32 allele_offset[n]  into the allele pool: REF then ALT
//     u16 ref_length[n], u16 alt_length[n]
//     u32 count[5][n]       n_het, n_hom, n_hemi, n_single, n_nocall
//     u32 an[n]             called alleles
//     u64 rows_offset[5][n] from the start of the file; 0 when the count is 0
//   allele pool
//   row sets: kind after kind in site order, equal neighbours shared
//
// A row set is a list of ascending u32 rows, relative to the batch, when it has fewer than n_rows /
// 32 members; otherwise a bitset of ceil(n_rows / 64) words, aligned to 64 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
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
inline constexpr std::uint32_t kTileFormatVersion = 1;
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
  std::uint64_t pool_offset = 0;
  std::uint64_t pool_size = 0;
  std::uint64_t file_size = 0;
  std::array<std::uint8_t, 32> body_sha256 =
      {};  // of all behind the header, for tools without the manifest
  std::array<std::uint8_t, 40> reserved = {};
};
static_assert(sizeof(TileHeader) == 128 && std::is_trivially_copyable_v<TileHeader>);

// Whether a set of `count` rows out of `n_rows` is a list rather than a bitset.
constexpr bool IsRowList(std::uint32_t count, std::uint32_t n_rows) {
  return static_cast<std::uint64_t>(count) * kListShare < n_rows;
}
std::uint64_t AlleleKey(std::string_view ref, std::string_view alt);
// Where each column starts, for n sites.
struct TileColumns {
  explicit TileColumns(std::uint64_t n_sites);
  std::uint64_t pos, key, allele, ref_length, alt_length, an, end;
  std::array<std::uint64_t, kRowSetKinds> count, rows;
};

// Collects the sites of one tile and batch and encodes them. Rows are absolute.
class TileWriter {
 public:
  TileWriter(std::uint32_t tile, std::uint32_t row_begin, std::uint32_t n_rows)
      : tile_(tile), row_begin_(row_begin), n_rows_(n_rows) {}

  // Sites come in any order. Rows of other batches in `sets` are ignored.
  void Add(const Variant& variant, const CarrierSets& sets);
  // The file's bytes, sites sorted by position, REF and ALT; of equal sites the first one added
  // stays.
  // `*duplicates` grows by the number of those left out.
  std::string Encode(std::uint64_t* duplicates) const;
  std::uint32_t n_sites() const { return static_cast<std::uint32_t>(sites_.size()); }

 private:
  struct Site {
    std::uint32_t pos = 0;
    std::string ref;
    std::string alt;
    std::array<std::uint32_t, kRowSetKinds> count = {};
    std::array<std::string, kRowSetKinds>
        rows;  // encoded already: dense sets would not fit as lists
  };
  std::vector<const Site*> Sorted(std::uint64_t* duplicates) const;

  std::uint32_t tile_;
  std::uint32_t row_begin_;
  std::uint32_t n_rows_;
  std::vector<Site> sites_;
};

// A verified, memory-mapped tile file. Immutable, safe for any number of threads.
class TileReader {
 public:
  // DataLoss INDEX_CORRUPT when the digest (hex SHA-256 of the whole file) or any bound is wrong.
  static Result<std::unique_ptr<TileReader>> Open(const std::filesystem::path& path,
                                                  std::string_view sha256);
  ~TileReader();
  TileReader(const TileReader&) = delete;
  TileReader& operator=(const TileReader&) = delete;

  const TileHeader& header() const { return header_; }
  std::uint32_t n_sites() const { return header_.n_sites; }
  std::uint32_t pos(std::uint32_t site) const { return At<std::uint32_t>(columns_.pos, site); }
  std::uint64_t key(std::uint32_t site) const { return At<std::uint64_t>(columns_.key, site); }
  std::uint32_t an(std::uint32_t site) const { return At<std::uint32_t>(columns_.an, site); }
  std::string_view ref(std::uint32_t site) const;
  std::string_view alt(std::uint32_t site) const;
  std::uint32_t count(RowSetKind kind, std::uint32_t site) const {
    return At<std::uint32_t>(columns_.count[static_cast<std::size_t>(kind)], site);
  }
  // Exactly one of the two is not empty, unless the count is 0.
  std::span<const std::uint32_t> list(RowSetKind kind, std::uint32_t site) const;
  std::span<const std::uint64_t> bits(RowSetKind kind, std::uint32_t site) const;
  // The first site at or behind a position.
  std::uint32_t LowerBound(std::uint32_t pos) const;

 private:
  TileReader(const std::uint8_t* data, std::size_t size) : data_(data), size_(size), columns_(0) {}
  Status Verify(std::string_view sha256);
  Status VerifySites() const;
  bool RowsValid(RowSetKind kind, std::uint32_t site) const;
  template <typename T>
  T At(std::uint64_t column, std::uint32_t site) const {
    T value;
    std::memcpy(&value, data_ + column + sizeof(T) * static_cast<std::uint64_t>(site), sizeof(T));
    return value;
  }
  std::uint64_t RowsOffset(RowSetKind kind, std::uint32_t site) const {
    return At<std::uint64_t>(columns_.rows[static_cast<std::size_t>(kind)], site);
  }

  const std::uint8_t* data_;
  std::size_t size_;
  TileHeader header_;
  TileColumns columns_;
};

}  // namespace genofed::genomics
