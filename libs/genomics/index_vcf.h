// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/reference.h"

namespace genofed::genomics {

struct IndexVcfReport {
  std::uint64_t records = 0;          // read, the rejected ones included
  std::uint64_t sites = 0;            // alleles fed to the builder
  std::uint64_t skipped_alleles = 0;  // symbolic, breakend, "*" or with N
  std::uint64_t filtered = 0;  // records that a filter failed, when only passing ones are wanted
  std::map<std::string, std::uint64_t> rejected;  // by VcfCodeName
};

struct IndexVcfOptions {
  Reference* reference = nullptr;  // borrowed; with it alleles are left-aligned and REF is checked
  bool pass_only = false;          // leave out records whose FILTER is neither PASS nor "."
};

// Feeds a VCF or BCF to a builder: each record is checked, split and normalised. `rows[i]` is the
// sample name of row i; a row whose sample the file lacks is a no-call at each of its sites. Files
// of different contigs may follow one another. Errors: those of VcfReader and SegmentBuilder::Add;
// SAMPLE_INVALID for a repeated name.
Result<IndexVcfReport> IndexVcf(const std::filesystem::path& vcf, std::span<const std::string> rows,
                                SegmentBuilder& builder, const IndexVcfOptions& options = {});

}  // namespace genofed::genomics
