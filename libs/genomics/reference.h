// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

// In which letter case a reference gives its bases. FASTA files of genomes write repeats in lower
// case.
enum class BaseCase { kUpper, kAsWritten };

// The reference genome as an indexed FASTA (plain or bgzipped; FILE.fai must exist). Contigs are
// asked for by their normalised names. Not thread-safe: one for each thread.
class Reference {
 public:
  // Errors: REFERENCE_FAILED when the FASTA or its index cannot be read.
  static Result<std::unique_ptr<Reference>> Open(const std::filesystem::path& fasta,
                                                 BaseCase base_case = BaseCase::kUpper);
  virtual ~Reference() = default;

  // Length of a contig, or -1 when the reference has none of that name.
  virtual std::int64_t Length(std::string_view contig) const = 0;
  // Bases of [start, start + length), upper case unless opened otherwise, cut at the contig's end.
  // NOT_FOUND for an unknown contig.
  Result<std::string> Fetch(std::string_view contig, std::int64_t start, std::int64_t length);
  // The same without a copy; valid until the next call. Neighbouring places are answered from one
  // block.
  virtual Result<std::string_view> View(std::string_view contig, std::int64_t start,
                                        std::int64_t length) = 0;
};

}  // namespace genofed::genomics
