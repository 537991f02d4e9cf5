// SPDX-License-Identifier: Apache-2.0
//
// Makes one tile of a segment, in memory (layout: tile_layout.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/cohort/consequence.h"
#include "libs/cohort/tile_layout.h"
#include "libs/core/status.h"

namespace genofed::cohort {

// What one variant does to one gene.
struct Effect {
  std::string gene;  // 1 to 255 bytes
  Consequence consequence = Consequence::kUnknown;
  std::string change = {};  // of the protein, "G12D"; at most 255 bytes, empty for none

  bool operator==(const Effect&) const = default;
};

struct SiteFacts {
  std::uint32_t position = 0;  // 0-based
  std::string_view ref;        // upper case, normalised
  std::string_view alt;
  // Of a frequency table that all nodes share; without one it is counted among these people.
  std::optional<double> frequency;
  std::span<const Effect> effects;  // each gene once
};

// Members of a set: ascending rows, or bits of BitsetWords(n_rows) words when `bits` is not empty.
struct Members {
  std::span<const std::uint32_t> rows;
  std::span<const std::uint64_t> bits;
};

struct TileDigests {
  std::uint64_t size = 0;
  std::uint64_t metadata_size = 0;
  std::string sha256;           // hex, of all
  std::string metadata_sha256;  // hex, of the header and metadata
};

// Not thread-safe. Memory: about that of the tile.
class TileBuilder {
 public:
  TileBuilder(std::uint32_t tile, std::uint32_t n_rows);

  std::uint32_t n_sites() const { return static_cast<std::uint32_t>(position_.size()); }
  // Nothing was added that a tile would have to tell.
  bool empty() const { return position_.empty() && called_.empty(); }
  // Of the sites so far: the longest REF, and the genes that something was said of, sorted.
  std::uint32_t max_ref_length() const { return max_ref_length_; }
  std::vector<std::string> Genes() const;
  // Sites come strictly ascending by position, REF and ALT; nobody is in two sets of a site.
  // Errors: InvalidArgument UNSORTED, SITE_INVALID, ROW_INVALID.
  Status Add(const SiteFacts& site, const Members& het, const Members& hom,
             const Members& hemi = {});
  // Where gVCFs say that people were called, as genomics::CoverageWriter encodes it. Once.
  void SetCalled(std::string called) { called_ = std::move(called); }
  // `row` lacks `missing` (1 or 2) called alleles at the sites [first, last]. Runs of one row do
  // not overlap; they come in any order, before or after their sites. Errors: ROW_INVALID.
  Status AddRun(std::uint32_t row, std::uint32_t first, std::uint32_t last, std::uint32_t missing);
  // Writes and syncs the file, once. Errors: ROW_INVALID for a run behind the last site.
  Result<TileDigests> Finish(const std::filesystem::path& path);

 private:
  Status CheckMembers(const Members& members, std::uint32_t* count) const;
  std::uint32_t Put(const Members& members, std::uint32_t count);
  std::uint32_t AlleleKey(std::string_view ref, std::string_view alt);
  std::uint32_t UnitOf(std::string_view gene);
  std::uint32_t NameOf(std::string_view text);
  void OrderSites();
  Status PackRuns();
  void StoreGeneSets();
  template <typename Visit>
  void ForEachCarrier(std::uint32_t site, Visit visit) const;

  std::uint32_t tile_;
  std::uint32_t n_rows_;
  std::vector<std::uint32_t> position_, allele_, missing_, unit_;
  std::vector<float> frequency_;
  std::vector<std::uint8_t> has_frequency_;
  std::vector<std::uint8_t> consequence_;
  std::array<std::vector<std::uint32_t>, kKinds> counts_, places_;
  std::vector<std::uint32_t> ids_;  // by site, until OrderSites
  std::string pages_;
  std::vector<std::vector<std::uint64_t>>
      bitsets_;  // chunks: one array would be copied as it grows
  std::uint32_t n_bitsets_ = 0;
  std::string pool_, names_, called_;
  std::vector<Change> changes_;
  std::map<std::string, std::uint32_t, std::less<>> change_names_;
  std::string last_ref_, last_alt_;
  std::uint32_t max_ref_length_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> genes_;
  std::map<std::uint32_t, std::uint32_t> between_;  // windows between genes
  std::vector<Unit> units_;
  std::vector<std::pair<std::uint32_t, Secondary>> secondary_;  // unit and entry
  struct WideRun {
    std::uint32_t row, first, last, missing;
  };
  std::vector<WideRun> runs_;

  std::vector<Group> groups_;
  std::vector<std::uint32_t> order_, elsewhere_;
  std::vector<Chunk> chunks_;
  std::vector<std::uint64_t> packed_runs_, base_;
  std::vector<GeneSet> gene_sets_;
  std::string gene_rows_;
};

}  // namespace genofed::cohort
