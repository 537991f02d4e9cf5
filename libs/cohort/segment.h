// SPDX-License-Identifier: Apache-2.0
//
// A segment of a cohort: a batch of people over the whole genome, an immutable directory with one
// file for each megabase (tile_layout.h) and segment.json with their digests. Rows are people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/cohort/shards.h"
#include "libs/cohort/tile.h"
#include "libs/cohort/tile_builder.h"
#include "libs/core/status.h"
#include "libs/genomics/variant.h"

namespace genofed::cohort {

inline constexpr const char* kSegmentFile = "segment.json";
inline constexpr std::uint32_t kMaxRows = 1U << 24;

// What it means for AN that a segment does not list an allele that another segment has. (The same
// choice as genomics::AbsentSite, made when the files were read.)
enum class Unlisted { kIsReference, kIsNotCalled };

struct SegmentInfo {
  genomics::Assembly assembly = genomics::Assembly::kGrch38;
  std::uint32_t n_people = 0;
  Unlisted unlisted = Unlisted::kIsNotCalled;
  // Which frequency table the bands were cut by; empty when they were counted among these people.
  std::string frequencies;
  // What it was made for; empty when that is not known.
  std::string dataset = {};
  std::string version = {};

  bool operator==(const SegmentInfo&) const = default;
};

struct SegmentTile {
  std::string contig;
  std::uint32_t tile = 0;
  std::uint32_t n_sites = 0;
  TileDigests digests;
  // What another process has to know to ask the one that has the tile. Segments that were made
  // before that was written down can only be opened whole.
  struct Reach {
    std::uint32_t max_ref_length = 0;
    std::vector<std::string> genes;
  };
  std::optional<Reach> reach = {};

  std::string FileName() const;
};

struct SegmentManifest {
  SegmentInfo info;
  std::vector<SegmentTile> tiles;  // by contig and tile
};
std::string FormatSegment(const SegmentManifest& manifest);
// DataLoss INDEX_CORRUPT. Names are derived, never believed.
Result<SegmentManifest> ParseSegment(std::string_view text);

// Writes tiles into a new directory, and at the end the manifest: without it there is no segment.
class SegmentWriter {
 public:
  // Errors: InvalidArgument INDEX_INVALID, AlreadyExists INDEX_EXISTS, Internal FILE_FAILED.
  static Result<SegmentWriter> Create(const std::filesystem::path& dir, SegmentInfo info);
  const SegmentInfo& info() const { return manifest_.info; }
  std::uint64_t n_sites() const;
  // A tile without sites is left out. Each once, in any order.
  Status Add(const std::string& contig, std::uint32_t tile, TileBuilder& builder);
  // Returns the SHA-256 (hex) of the manifest, which stands for the whole segment.
  Result<std::string> Finish();

 private:
  SegmentWriter(std::filesystem::path dir, SegmentInfo info) : dir_(std::move(dir)) {
    manifest_.info = std::move(info);
  }
  std::filesystem::path dir_;
  SegmentManifest manifest_;
};

// An opened segment. Immutable and safe for any number of threads.
class Segment {
 public:
  struct Contig {
    std::vector<std::unique_ptr<Tile>> tiles;  // ascending
    std::uint32_t max_ref_length = 0;
    // By number of a megabase: its place in `tiles`, or kNone.
    std::vector<std::uint32_t> by_megabase;

    const Tile* Find(std::uint32_t tile) const {
      if (tile >= by_megabase.size() || by_megabase[tile] == kNone) return nullptr;
      return tiles[by_megabase[tile]].get();
    }
  };
  struct GenePart {
    const Tile* tile = nullptr;
    std::uint32_t unit = 0;
  };

  // Metadata is verified. `manifest_sha256`, when not empty, must match. Of a divided genome only
  // the tiles of `shard` are opened, and need be there. Errors: NotFound INDEX_MISSING, DataLoss
  // INDEX_CORRUPT, FailedPrecondition INDEX_MISMATCH when it cannot be divided.
  static Result<std::unique_ptr<Segment>> Open(const std::filesystem::path& dir,
                                               Residence residence = Residence::kMapped,
                                               std::string_view manifest_sha256 = {},
                                               const Shard& shard = {});
  // Reads every byte of what was opened (Tile::Verify). Once, when a segment arrives: queries trust
  // its rows.
  Status Verify() const;
  void Evict() const;

  const SegmentInfo& info() const { return manifest_.info; }
  const SegmentManifest& manifest() const { return manifest_; }
  std::uint32_t n_people() const { return manifest_.info.n_people; }
  std::uint64_t n_sites() const;
  // Tiles that were opened, and their files.
  std::size_t n_tiles() const { return n_tiles_; }
  std::uint64_t bytes() const { return bytes_; }
  const Contig* FindContig(std::string_view contig) const;
  // visit(const Tile&) -> Status; the first error ends it.
  template <typename Visit>
  Status ForEachTile(Visit visit) const {
    for (const auto& [name, contig] : contigs_) {
      for (const auto& tile : contig.tiles) GF_TRY(visit(*tile));
    }
    return absl::OkStatus();
  }
  // A gene may reach into the next megabase. Upper and lower case are the same.
  std::vector<GenePart> FindGene(std::string_view gene) const;
  std::vector<std::string> Genes() const;
  // Tiles of the manifest, opened or not, that say something of the gene, or have sites that
  // overlap [start, end): ascending numbers. Of segments that were opened as a shard.
  std::vector<std::uint32_t> TilesOfGene(std::string_view gene) const;
  std::vector<std::uint32_t> TilesOfRange(std::string_view contig, std::int64_t start,
                                          std::int64_t end) const;

 private:
  Segment() = default;

  SegmentManifest manifest_;
  std::size_t n_tiles_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> tiles_of_gene_;
  std::map<std::string, Contig, std::less<>> contigs_;
  std::map<std::string, std::vector<GenePart>, std::less<>> genes_;
};

}  // namespace genofed::cohort
