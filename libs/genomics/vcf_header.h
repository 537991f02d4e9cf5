// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the lines of a VCF header (VCF 4.3, section 1.4).
#pragma once

#include <string_view>

#include "libs/core/status.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {

// Collects header lines one by one; Finish() checks the whole.
class VcfHeaderParser {
 public:
  // Takes one line. Sets `*done` when it was the #CHROM line.
  Status Add(std::string_view line, bool* done);
  VcfHeader Finish();

 private:
  Status AddMeta(std::string_view line);
  Status AddColumns(std::string_view line);

  VcfHeader header_;
  std::uint64_t lines_ = 0;
  std::size_t bytes_ = 0;
  std::optional<Assembly> named_;
  bool named_conflict_ = false;
};

}  // namespace genofed::genomics
