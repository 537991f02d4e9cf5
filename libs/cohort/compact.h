// SPDX-License-Identifier: Apache-2.0
//
// From the segments that ingest writes (genomics::CohortIndex: one for each batch of people that
// was added) to one segment that questions are asked of. People who withdrew are not written;
// counts, frequencies and gene sets are made anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/cohort/segment.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"
#include "libs/genomics/cohort_index.h"

namespace genofed::cohort {

// What variants do, and how frequent they are in a table that all nodes share.
class Annotations {
 public:
  struct Entry {
    std::optional<double> frequency;
    std::vector<Effect> effects;
  };

  // Tab-separated lines of contig, position (1-based), REF, ALT, frequency, gene and consequences,
  // one for each transcript; "." is nothing. It is what bcftools writes of a VCF annotated by VEP:
  //   bcftools +split-vep -d -f '%CHROM\t%POS\t%REF\t%ALT\t%AF\t%SYMBOL\t%Consequence\n'
  // Of several lines about a gene the most severe one holds. Errors: InvalidArgument
  // ANNOTATION_INVALID with the line's number.
  static Result<Annotations> Read(const std::filesystem::path& path);
  const Entry* Find(const genomics::Variant& variant) const;
  std::size_t size() const { return entries_.size(); }

 private:
  std::map<genomics::Variant, Entry> entries_;
};

struct CompactReport {
  std::uint64_t sites = 0;
  std::uint32_t people = 0;   // written
  std::uint32_t dropped = 0;  // not in `live`
  std::string sha256;         // of the manifest
};

// Writes a segment of the people of `live` into the new directory `dir`: row i is the i-th row that
// is set, counted over the inputs one after the other. In an input that does not list an allele its
// people are called there as genomics::SegmentedIndex::Count says. Memory: about that of a tile.
// Errors: FailedPrecondition INDEX_MISMATCH for inputs of different assemblies; those of
// SegmentWriter; Cancelled, DeadlineExceeded.
Result<CompactReport> Compact(const Context& ctx,
                              std::span<const genomics::CohortIndex* const> inputs,
                              const genomics::Bitmap& live, const Annotations& annotations,
                              const std::string& frequencies, const std::filesystem::path& dir);

}  // namespace genofed::cohort
