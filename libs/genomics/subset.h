// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "libs/core/status.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {

struct SampleRename {
  std::string old_name;
  std::string new_name;  // a pseudonym: letters, digits, '_', '.', '-'
};

struct Region {
  std::string contig;      // normalised
  std::int64_t start = 0;  // 0-based, half open; a record belongs when its REF overlaps
  std::int64_t end = kMaxPosition;
};

struct SubsetOptions {
  std::optional<Region> region;
  // Leaves out records whose alternative alleles none of the kept samples carries. The record alone
  // tells that somebody in the source file carries them, perhaps somebody without consent. Off by
  // default, because AN of a variant seen elsewhere is needed to pool frequencies over countries.
  bool drop_unobserved = false;
};

struct SubsetReport {
  std::uint64_t records = 0;                      // written
  std::uint64_t outside = 0;                      // of the region, or unobserved
  std::map<std::string, std::uint64_t> rejected;  // by VcfCodeName, as CheckVcf counts them
};

// A path to a regular file, or a descriptor (which may be a pipe, and is closed).
using VcfInput = std::variant<std::filesystem::path, int>;

// Writes the records of `input` with only the samples of `keep`, in its order, under their new
// names. The output has only what is known not to name people: a new header (contigs, FILTER, kept
// FORMAT), the eight fixed columns, INFO AC, AF and AN counted anew over the kept samples, GT and
// numeric FORMAT fields that the header declares. Text FORMAT fields, other INFO and other header
// lines (which hold command lines and sample names) are left out.
//
// `output` ends in .vcf.gz or .bcf and appears whole and synced, or not at all. Same input and
// library version, same bytes. Errors: those of VcfReader, SAMPLE_UNKNOWN, SAMPLE_INVALID,
// OUTPUT_INVALID.
Result<SubsetReport> SubsetVcf(const VcfInput& input, std::span<const SampleRename> keep,
                               const std::filesystem::path& output,
                               const SubsetOptions& options = {});

}  // namespace genofed::genomics
