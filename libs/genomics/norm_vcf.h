// SPDX-License-Identifier: Apache-2.0
//
// Normalises the records of a VCF: REF is compared with the reference, alleles are trimmed and
// moved to the left, records split, joined, taken apart or freed of duplicates. Gives what
// `bcftools norm` gives for the same work (norm_options.h). Symbolic alleles and breakends stay
// where they are.
//
// Streaming: one record at a time, but for a window of bases that puts moved records into order
// again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/genomics/norm_options.h"
#include "libs/genomics/reference.h"

namespace genofed::genomics {

struct NormaliseReport {
  std::uint64_t records = 0;        // read
  std::uint64_t written = 0;        // records
  std::uint64_t split = 0;          // records with several ALT that became several records
  std::uint64_t joined = 0;         // records that went into another one
  std::uint64_t moved = 0;          // trimmed or left-aligned
  std::uint64_t reference_set = 0;  // REF taken from the reference
  std::uint64_t excluded = 0;       // see findings
  std::uint64_t duplicates = 0;     // left out
  // Written behind a record of a later position, because they moved further than the window. Where
  // this is not 0 the output needs sorting.
  std::uint64_t out_of_order = 0;
  std::vector<Finding> findings;
};

class VcfNormaliser {
 public:
  // Takes one output line, header included; valid during the call only.
  using Sink = std::function<Status(std::string_view line)>;

  // `reference` may be null: then nothing is compared or moved. It is borrowed, and opened with its
  // own letter case (BaseCase::kAsWritten) where masking should show in REF and ALT.
  // Errors: OPTIONS_INVALID.
  static Result<std::unique_ptr<VcfNormaliser>> Create(const NormaliseOptions& options,
                                                       Reference* reference, Sink sink);
  virtual ~VcfNormaliser() = default;

  // One line of the input, header lines first. Errors name line and field, never values; after an
  // error the output is incomplete. RESOURCE_EXHAUSTED/WINDOW_TOO_LARGE when more records lie
  // within the window than memory is allowed for.
  virtual Status Add(std::string_view line) = 0;
  // Writes what is left.
  virtual Result<NormaliseReport> Finish() = 0;
};

// Reads VCF or BCF, plain or bgzipped, from `fd`, which it closes.
Result<NormaliseReport> NormaliseVcf(int fd, const NormaliseOptions& options, Reference* reference,
                                     VcfNormaliser::Sink sink);

}  // namespace genofed::genomics
