// SPDX-License-Identifier: Apache-2.0
//
// Reads the genotypes of VCF 4.x and BCF 2.2 (plain or compressed) defensively: every record is
// judged by VcfConformance before it is believed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/vcf_conformance.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {

class VcfScanner;

// One allele of a genotype: index into {REF, ALT...}, or one of these.
inline constexpr std::int8_t kAlleleMissing = -1;  // "."
inline constexpr std::int8_t kAlleleAbsent = -2;   // second allele of a haploid call

struct VcfRecord {
  std::string contig;             // normalised
  std::int64_t pos = 0;           // 0-based
  std::string ref;                // upper case
  std::vector<std::string> alts;  // upper case where bases; empty when ALT is "."
  std::string filter;
  std::uint64_t line = 0;
  // Two for each sample, in header order. A genotype of more than two alleles is missing.
  std::vector<std::int8_t> alleles;

  std::span<const std::int8_t, 2> Genotype(std::size_t sample) const {
    return std::span<const std::int8_t, 2>(alleles.data() + 2 * sample, 2);
  }
};

class VcfReader {
 public:
  enum class Outcome { kRecord, kRejected, kEnd };

  // Errors carry the reason words of VcfCode. `reference` (optional, borrowed) must outlive the
  // reader.
  static Result<std::unique_ptr<VcfReader>> Open(const std::filesystem::path& path,
                                                 Reference* reference = nullptr);
  // Takes ownership of `fd`, which may be a pipe.
  static Result<std::unique_ptr<VcfReader>> OpenFd(int fd, Reference* reference = nullptr);
  // From here on, Next fails when nobody waits any more.
  void StopWith(Context ctx) { ctx_ = std::move(ctx); }
  ~VcfReader();

  const VcfHeader& header() const;
  // Reads the next record; those that are valid but have no place in genofed are skipped and
  // counted. kRejected: problem() says why, and reading may go on: CheckVcf sets aside exactly
  // these. An error ends the file.
  Result<Outcome> Next(VcfRecord& record);
  const Finding& problem() const { return problem_; }
  std::uint64_t left_out() const { return left_out_; }
  // The record last returned, as VCF text. Valid until the next call of Next.
  std::string_view line() const;
  std::uint64_t line_number() const;

 private:
  VcfReader() = default;
  static Result<std::unique_ptr<VcfReader>> Start(std::unique_ptr<LineSource> source,
                                                  Reference* reference);
  void Fill(const VcfSite& site, VcfRecord& record) const;

  std::unique_ptr<VcfScanner> scanner_;
  Finding problem_;
  std::uint64_t left_out_ = 0;
  Context ctx_ = Context::Background();
  std::uint64_t read_ = 0;
};

}  // namespace genofed::genomics
