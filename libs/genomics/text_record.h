// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: one line of VCF text as a ScannedRecord.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "libs/genomics/record_scanner.h"
#include "libs/genomics/site_rules.h"

namespace genofed::genomics {

// A million samples with 250 bytes each. Longer records are an attack or another kind of file.
inline constexpr std::size_t kMaxRecordBytes = 256U << 20;

// BAD_HEADER when two contig lines have the same name.
Status CheckContigs(const VcfHeader& header);

class TextRecordParser {
 public:
  TextRecordParser(const VcfHeader& header, Reference* reference);

  // Whether the line is a good record; if not, problem() says why. The record's views point into
  // `line`. Without `may_have_nul` the caller knows that it has no NUL byte.
  bool Parse(std::string_view line, std::uint64_t number, bool may_have_nul = true);
  const ScannedRecord& record() const { return record_; }
  const VcfProblem& problem() const { return rules_.problem(); }

 private:
  bool ParseSite();

  std::size_t n_samples_;
  SiteRules rules_;
  ScannedRecord record_;
  std::array<std::string_view, 9> columns_;
  std::vector<std::uint32_t> tabs_;
};

}  // namespace genofed::genomics
