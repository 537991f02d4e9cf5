// SPDX-License-Identifier: Apache-2.0
//
// From what is there to one segment that questions are asked of: the index that ingest writes of a
// batch of people, or segments that were made before. People who withdrew are not written; counts,
// frequencies and gene sets are made anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>
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

  // Tab-separated lines of contig, position (1-based), REF, ALT, frequency, gene, consequences and
  // the change of the protein (may be left out), one for each transcript; "." is nothing. It is what
  // bcftools writes of a VCF annotated by VEP, normalised with the site's reference:
  //   bcftools +split-vep -d -f '%CHROM\t%POS\t%REF\t%ALT\t%AF\t%SYMBOL\t%Consequence\t%HGVSp\n'
  // Of several lines about a gene the most severe one holds. Only variants that `wanted` accepts are
  // kept; none: all. Errors: NotFound FILE_FAILED, InvalidArgument ANNOTATION_INVALID with the line's
  // number.
  static Result<Annotations> Read(const std::filesystem::path& path,
                                  const std::function<bool(const genomics::Variant&)>& wanted = {});
  const Entry* Find(const genomics::Variant& variant) const;
  // Names the frequency table by what the file holds; empty when it has no frequencies.
  const std::string& frequencies() const { return frequencies_; }
  std::size_t size() const { return entries_.size(); }

 private:
  std::map<genomics::Variant, Entry> entries_;
  std::string frequencies_;
};

struct CompactReport {
  std::uint64_t sites = 0;
  std::uint32_t people = 0;   // written
  std::uint32_t dropped = 0;  // not in `live`
  std::string sha256;         // of the manifest
};

// Borrowed.
using CompactInput = std::variant<const genomics::CohortIndex*, const Segment*>;

// Writes a segment of the people of `live` into the new directory `dir`: row i is the i-th row that
// is set, counted over the inputs one after the other. In an input that does not list an allele its
// people are called there as their gVCFs say, else not; of segments, as SegmentInfo::unlisted says.
// `annotations` null: segments keep theirs, and frequencies are counted anew unless all inputs name
// the same table; else `frequencies` names the table. Memory: about that of a tile. Errors:
// FailedPrecondition INDEX_MISMATCH for inputs of different assemblies or meanings of what is not
// listed; those of SegmentWriter; DataLoss INDEX_CORRUPT; Cancelled, DeadlineExceeded.
Result<CompactReport> Compact(const Context& ctx, std::span<const CompactInput> inputs,
                              const genomics::Bitmap& live, const Annotations* annotations,
                              const std::string& frequencies, const std::filesystem::path& dir);

}  // namespace genofed::cohort
