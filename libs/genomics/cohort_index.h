// SPDX-License-Identifier: Apache-2.0
//
// The cohort index: which people carry which variant. An immutable directory with one file for each
// contig and batch of people, which has its tiles of a megabase one after another (layout:
// tile_file.h), and manifest.json with the place and SHA-256 of each tile. Rows 0..n_people-1 are
// people in the order of the dataset version (ascending pseudonym).
#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

class MappedFile;
class TileReader;
class TileWriter;

inline constexpr std::uint32_t kDefaultBatchSize = 65'536;
inline constexpr std::uint32_t kMaxPeople = 16'000'000;
inline constexpr const char* kManifestFile = "manifest.json";

struct IndexInfo {
  std::string dataset;
  std::string version;
  Assembly assembly = Assembly::kGrch38;
  std::uint32_t n_people = 0;
  std::uint32_t batch_size =
      kDefaultBatchSize;  // a multiple of 64, at most 65,536: bitsets join word by word
};

struct TileEntry {
  std::string contig;
  std::uint32_t tile = 0;  // pos / 1,000,000
  std::uint32_t batch = 0;
  std::uint32_t n_sites = 0;
  std::uint64_t offset = 0;  // in the file; a multiple of 64
  std::uint64_t size = 0;
  std::string sha256;  // hex

  std::string FileName() const;  // of its contig and batch
};

struct BuildSummary {
  std::uint64_t sites = 0;
  std::uint64_t duplicate_sites = 0;  // the same normalised allele again; the first one is kept
  std::uint64_t bytes = 0;
  std::uint32_t tiles = 0;      // of all batches
  std::string manifest_sha256;  // hex; what a database keeps to recognise this index
};

// Writes an index into an empty or new directory. Same sites in the same order, same bytes.
// Without Finish() there is no manifest, and so no index. Not thread-safe.
class SegmentBuilder {
 public:
  // `source_key` is kept in the manifest: any digest of inputs and settings, so that the same work
  // need not be done again.
  static Result<std::unique_ptr<SegmentBuilder>> Create(const std::filesystem::path& dir,
                                                        IndexInfo info,
                                                        std::string source_key = {});
  ~SegmentBuilder();

  // Sites of one contig come together, roughly by position: left-alignment may have moved them back
  // by up to kMaxShift. Errors: VARIANT_INVALID, UNSORTED, ROW_INVALID.
  Status Add(const Variant& variant, const CarrierSets& sets);
  // A gVCF says that a person was called on 0-based [begin, end). Comes in the order of Add, and
  // ascending for each row. A haploid call has one allele. Errors: as Add.
  Status AddCoverage(const std::string& contig, std::uint32_t row, std::int64_t begin,
                     std::int64_t end, bool haploid);
  // Writes what is left, syncs all files, and then the manifest.
  Result<BuildSummary> Finish();

  const IndexInfo& info() const { return info_; }

 private:
  class OutputFile;

  SegmentBuilder(std::filesystem::path dir, IndexInfo info, std::string source_key);
  Status Enter(const std::string& contig, std::int64_t pos);
  TileWriter& Open(std::uint32_t tile);
  Status Flush(std::uint32_t before_tile);
  Status WriteTile(std::uint32_t tile, TileWriter& writer);
  Status CloseFiles();

  std::filesystem::path dir_;
  IndexInfo info_;
  std::string source_key_;
  std::string contig_;
  std::map<std::string, bool> finished_contigs_;
  std::uint32_t flushed_before_ = 0;  // tiles below are on disk
  std::map<std::uint32_t, std::unique_ptr<TileWriter>> open_tiles_;
  TileWriter* current_ = nullptr;  // of the last Add, in open_tiles_
  std::uint32_t current_tile_ = 0;
  std::vector<std::unique_ptr<OutputFile>> files_;  // of this contig, by batch
  std::vector<TileEntry> entries_;
  BuildSummary summary_;
  bool finished_ = false;
};

// A set of rows that stays where it is in the mapped files. Valid as long as the index.
class RowSet {
 public:
  std::uint64_t Count() const;
  std::uint64_t CountAnd(const Bitmap& mask) const;
  void OrInto(Bitmap& out) const;
  std::vector<std::uint32_t> ToRows() const;  // ascending
  template <typename Visit>  // visit(row), ascending
  void ForEach(Visit visit) const {
    for (const Part& part : parts_) {
      for (const std::uint16_t row : part.list) visit(part.row_begin + row);
      for (std::size_t i = 0; i < part.bits.size(); ++i) {
        for (std::uint64_t word = part.bits[i]; word != 0; word &= word - 1)
          visit(part.row_begin +
                static_cast<std::uint32_t>(i * 64 + static_cast<std::size_t>(std::countr_zero(word))));
      }
    }
  }

 private:
  friend class CohortIndex;
  struct Part {
    std::uint32_t row_begin = 0;
    std::uint32_t count = 0;
    std::span<const std::uint16_t> list;  // relative to row_begin, as the bits
    std::span<const std::uint64_t> bits;
  };
  std::vector<Part> parts_;
};

// One allele of the cohort and its carriers; the kinds are those of CarrierSets.
struct SiteHit {
  Variant variant;
  RowSet het;
  RowSet hom;
  RowSet hemi;
  RowSet single;
  RowSet nocall;
};

struct AlleleCounts {
  std::uint64_t ac = 0;             // alternative alleles: het + 2 hom + hemi
  std::uint64_t an = 0;             // called alleles
  std::uint64_t n_het = 0;          // people
  std::uint64_t n_hom = 0;          // people with two copies
  std::uint64_t n_hemi = 0;         // people with one copy and one called allele (X, Y, MT)
  std::uint64_t n_individuals = 0;  // n_het + n_hom + n_hemi

  bool operator==(const AlleleCounts&) const = default;
};

// Rows of which their gVCFs say that they were called at a position. Nobody of whom there is a
// VCF of variants only.
struct CallCoverage {
  Bitmap diploid;  // two called alleles
  Bitmap haploid;  // one

  // Among the rows of `live`: the AN of an allele that none of them carries.
  std::uint64_t CalledAlleles(const Bitmap& live) const {
    return 2 * diploid.CountAnd(live) + haploid.CountAnd(live);
  }
};

// Where a gVCF says that a person was called: 0-based, half open.
struct CalledRun {
  std::uint32_t row = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool haploid = false;
};

// Sites that overlap [start, end), 0-based and half open, with the given alleles where given.
struct RangeQuery {
  std::string contig;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::optional<std::string> ref;
  std::optional<std::string> alt;
  // More hits than this are an error (TOO_MANY_SITES), not a silent cut.
  std::size_t max_sites = 1'000'000;
};

// An opened index. Immutable and safe for any number of threads.
class CohortIndex {
 public:
  // Verifies every file against the manifest. `manifest_sha256`, when not empty, must match too.
  // Errors: NotFound INDEX_MISSING, DataLoss INDEX_CORRUPT.
  static Result<std::unique_ptr<CohortIndex>> Open(const std::filesystem::path& dir,
                                                   std::string_view manifest_sha256 = {});
  // What the manifest says, without the files.
  static Result<IndexInfo> ReadInfo(const std::filesystem::path& dir,
                                    std::string_view manifest_sha256);
  ~CohortIndex();

  const IndexInfo& info() const { return info_; }
  std::uint64_t n_sites() const { return n_sites_; }
  const std::vector<TileEntry>& tiles() const { return entries_; }
  // Numbers of the megabases of each contig, which come in the order in which they were written.
  std::vector<std::pair<std::string, std::set<std::uint32_t>>> TilesByContig() const;
  // The alleles that begin in a megabase, by position, REF and ALT.
  Result<std::vector<SiteHit>> SitesOfTile(const std::string& contig, std::uint32_t tile) const;
  // What gVCFs say about a 0-based position, whether anybody has a variant there or not. Takes time
  // in proportion to the runs of calls in its megabase.
  CallCoverage CoveredAt(std::string_view contig, std::int64_t pos) const;
  // The runs of calls in the megabase of a position; those of one row by ascending begin.
  std::vector<CalledRun> CalledRunsAround(std::string_view contig, std::int64_t pos) const;

  // `variant` must be normalised as the index was (NormaliseVariant).
  std::optional<SiteHit> FindExact(const Variant& variant) const;
  Result<std::vector<SiteHit>> FindRange(const RangeQuery& query) const;
  // Everybody with at least one copy of some allele that FindRange would return; max_sites is not
  // used.
  Bitmap CarriersInRange(const RangeQuery& query) const;
  // Carriers of one site: het, hom and hemi.
  Bitmap Carriers(const SiteHit& hit) const;

  // Counts among the rows of `live`, which has n_people bits. No-calls reduce AN.
  AlleleCounts Count(const SiteHit& hit, const Bitmap& live) const;
  AlleleCounts Count(const SiteHit& hit) const;

 private:
  // The files of one tile, by batch; all hold the same sites.
  struct Tile {
    std::uint32_t tile = 0;
    std::vector<std::unique_ptr<TileReader>> batches;
  };
  struct Contig {
    std::vector<Tile> tiles;  // ascending
    std::int64_t max_ref_length = 0;
  };

  CohortIndex() = default;
  Status Load(const std::filesystem::path& dir);
  Status CheckBatches() const;
  SiteHit Hit(const std::string& contig, const Tile& tile, std::uint32_t site) const;
  template <typename Visit>  // bool visit(const Tile&, site); false stops
  void VisitRange(const RangeQuery& query, Visit visit) const;

  IndexInfo info_;
  std::vector<TileEntry> entries_;
  std::map<std::string, std::unique_ptr<MappedFile>> files_;  // by name; tiles point into them
  std::map<std::string, Contig, std::less<>> contigs_;
  std::uint64_t n_sites_ = 0;
};

}  // namespace genofed::genomics
