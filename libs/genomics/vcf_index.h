// SPDX-License-Identifier: Apache-2.0
//
// Coordinate index of a bgzipped VCF: a CSI file (hts-specs CSIv1) as tabix and bcftools read it,
// and which bytes of the VCF hold a region, found from the index alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::genomics {

// Bytes [begin, end) of a file.
struct FileRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  friend bool operator==(const FileRange&, const FileRange&) = default;
};

// 0-based, half open, on a reference as the VCF itself names it.
struct IndexRegion {
  std::string reference;
  std::int64_t start = 0;
  std::optional<std::int64_t> end;  // none: to the end of the reference
};

// Indexes a coordinate-sorted .vcf.gz of this library's writer. references() has all contigs of the
// header, also those without records. `output` must not exist. Errors: INDEX_FAILED (unsorted, not
// bgzipped, cannot be written, or a block begins in the middle of a record whose block goes on with
// others: such blocks cannot be taken out).
Status BuildVcfIndex(const std::filesystem::path& vcf, const std::filesystem::path& output);

// An index in memory. Immutable; may be shared by threads.
class VcfIndex {
 public:
  // `csi` is the whole file, `vcf_size` the size of the .vcf.gz it belongs to, which ends with an
  // end-of-file block. Errors: InvalidArgument INDEX_INVALID.
  static Result<VcfIndex> Parse(std::string_view csi, std::uint64_t vcf_size);

  // Whole BGZF blocks that give a valid .vcf.gz when joined: those of the header, those with every
  // record that overlaps a region (and others near by), and the end-of-file block. Ascending; gaps
  // are at least `min_gap` bytes long. Errors: NotFound REFERENCE_UNKNOWN.
  Result<std::vector<FileRange>> Plan(std::span<const IndexRegion> regions,
                                      std::uint64_t min_gap = 1) const;

  // Those with records in the order of the file, then the others of its header.
  const std::vector<std::string>& references() const { return names_; }

 private:
  struct Bin {
    std::int64_t start = 0;  // what the bin covers, 0-based, half open
    std::int64_t end = 0;
    std::uint64_t first_overlap = 0;  // virtual offset of the first record that overlaps it
    std::vector<FileRange> chunks;    // virtual offsets
  };
  friend class CsiReader;

  std::uint64_t BlockAfter(std::uint64_t block) const;
  void AddRegion(const std::vector<Bin>& bins, const IndexRegion& region,
                 std::vector<FileRange>& ranges) const;

  std::vector<std::string> names_;
  std::vector<std::vector<Bin>> bins_;  // by reference
  std::vector<std::uint64_t>
      blocks_;  // known starts of blocks, ascending; the last is the end-of-file block
  std::uint64_t header_end_ = 0;  // end of the header's last block
  std::uint64_t size_ = 0;
};

}  // namespace genofed::genomics
