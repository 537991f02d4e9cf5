// SPDX-License-Identifier: Apache-2.0
//
// Reads one tile (layout: tile_layout.h). Its metadata is in memory; its rows are mapped, or read
// in contiguous ranges when they are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "libs/cohort/tile_layout.h"
#include "libs/core/status.h"
#include "libs/core/unique_fd.h"
#include "libs/genomics/tile_file.h"

namespace genofed::cohort {

// Where rows come from. A mapped tile that is not in the page cache is the slowest of all: each
// page faults on its own (1.4 s instead of 52 ms for a gene of a million people). So a tile is
// mapped when it is meant to stay in memory, and read by ranges otherwise.
enum class Residence { kMapped, kRead };

// What is known of a tile before it is read; both digests are hex.
struct TileIdentity {
  std::uint32_t tile = 0;
  std::uint32_t n_rows = 0;
  std::uint64_t size = 0;
  std::uint64_t metadata_size = 0;
  std::string_view metadata_sha256;
};

// Immutable and safe for any number of threads.
class Tile {
 public:
  // Verifies the metadata against its digest, and that every place lies in its section. DataLoss
  // INDEX_CORRUPT.
  static Result<std::unique_ptr<Tile>> Open(const std::filesystem::path& path,
                                            const TileIdentity& identity, Residence residence);
  ~Tile();
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;

  // Reads everything: the digest, that rows lie below n_rows, and that missing calls add up.
  Status Verify(std::string_view sha256) const;
  // Drops the file from the page cache: for measurements.
  void Evict() const;

  const TileHeader& header() const { return *header_; }
  std::uint32_t n_sites() const { return header_->n_sites; }
  bool mapped() const { return map_ != nullptr; }
  template <typename T>
  std::span<const T> Column(Section section) const {  // of the metadata
    const TileHeader::Extent& extent = header_->sections[static_cast<std::size_t>(section)];
    return {reinterpret_cast<const T*>(metadata_ + extent.offset), extent.size / sizeof(T)};
  }
  // Its place among the tiles of its segment.
  std::uint32_t number() const { return number_; }
  void set_number(std::uint32_t number) { number_ = number; }
  std::span<const std::uint32_t> positions() const { return positions_; }
  std::span<const float> frequencies() const { return frequencies_; }
  std::string_view ref(std::uint32_t site) const { return Allele(site, 0); }
  std::string_view alt(std::uint32_t site) const { return Allele(site, 1); }
  RowSet Set(std::size_t kind, std::uint32_t site) const {
    const std::size_t i = kind * header_->n_sites + site;
    return RowSet::Of(counts_[i], places_[i], header_->n_rows);
  }
  std::uint64_t SectionSize(Section section) const {
    return header_->sections[static_cast<std::size_t>(section)].size;
  }

  std::optional<std::uint32_t> Find(std::uint32_t position, std::string_view ref,
                                    std::string_view alt) const;
  // The first site at or behind a position.
  std::uint32_t LowerBound(std::uint32_t position) const;
  // Of kNames.
  std::string_view Name(std::uint32_t offset) const {
    const auto names = Column<char>(Section::kNames);
    return {names.data() + offset + 1, static_cast<unsigned char>(names[offset])};
  }
  // Where gVCFs say who was called, positions relative to the tile. Read from the disk each time.
  // DataLoss INDEX_CORRUPT.
  Result<std::vector<genomics::CoverageRun>> Called() const;

 private:
  friend class RowSource;
  Tile() = default;
  Status Load(const std::filesystem::path& path, const TileIdentity& identity);
  Status CheckMetadata(const TileIdentity& identity);
  Status CheckPlaces() const;
  std::string_view Allele(std::uint32_t site, std::size_t which) const;
  Status Read(std::uint64_t offset, std::uint64_t size, std::byte* out) const;

  UniqueFd fd_;
  std::uint32_t number_ = 0;
  const std::byte* map_ = nullptr;  // of the whole file, when mapped
  std::uint64_t map_size_ = 0;
  std::byte* metadata_ = nullptr;
  std::uint64_t metadata_size_ = 0;
  const TileHeader* header_ = nullptr;
  std::span<const std::uint32_t> positions_, alleles_, counts_, places_;
  std::span<const float> frequencies_;
  std::string_view pool_;
};

// A window on one section of rows: the bytes themselves of a mapped tile, else a copy. One for each
// thread.
class RowSource {
 public:
  void Reset(const Tile& tile, Section section);
  // Makes [begin, end) ready, in bytes of the section, with one read.
  Status Load(std::uint64_t begin, std::uint64_t end);
  // Tells the system that [begin, end) will be loaded soon.
  void Announce(std::uint64_t begin, std::uint64_t end) const;
  // Bytes [begin, begin + size), read now unless they were loaded. Never null; when the disk fails
  // they are zero, and status() says so.
  const std::byte* Get(std::uint64_t begin, std::uint64_t size) {
    if (begin >= begin_ && begin + size <= end_) return data_ + (begin - begin_);
    return Fetch(begin, size);
  }
  const Status& status() const { return status_; }

 private:
  const std::byte* Fetch(std::uint64_t begin, std::uint64_t size);

  const Tile* tile_ = nullptr;
  std::uint64_t section_ = 0;  // offset in the file
  std::uint64_t section_size_ = 0;
  const std::byte* data_ = nullptr;  // of begin_
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  std::vector<std::uint64_t> window_, single_;  // aligned for words
  Status status_;
};

}  // namespace genofed::cohort
