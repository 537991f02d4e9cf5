// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the records of a VCF or BCF with the verdict on each. VcfReader and
// CheckVcf both read through it, so that they cannot disagree.
#pragma once

#include <memory>
#include <string_view>

#include "libs/core/status.h"
#include "libs/genomics/line_source.h"
#include "libs/genomics/vcf_conformance.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {

class VcfScanner {
 public:
  // Reads the header. All issues, those behind an error included, go to `sink`. `reference` is
  // borrowed.
  static Result<std::unique_ptr<VcfScanner>> Open(std::unique_ptr<LineSource> source,
                                                  VcfIssueSink sink, Reference* reference);

  const VcfHeader& header() const { return header_; }
  // Judges the next record, if there is one. An error ends the file.
  Result<bool> Next();
  // As Next, but leaves the samples to the caller, who has a faster scan of genotypes:
  // conformance().CheckSamples(site()) judges them.
  Result<bool> NextSite();
  // Reports that the bytes of a BCF record cannot be decoded.
  void ReportUndecodable() const;
  // Of the record last read; the views are valid until the next call.
  VcfVerdict verdict() const { return verdict_; }
  const VcfSite& site() const { return site_; }
  std::string_view line() const { return line_; }
  std::uint64_t line_number() const { return source_->line_number(); }
  const VcfConformance& conformance() const { return *conformance_; }
  VcfConformance& conformance() { return *conformance_; }

 private:
  VcfScanner(std::unique_ptr<LineSource> source, VcfIssueSink sink);
  Result<bool> Read(VcfVerdict (VcfConformance::*judge)(std::string_view, std::uint64_t, VcfSite&));

  std::unique_ptr<LineSource> source_;
  VcfIssueSink sink_;
  VcfHeader header_;
  std::unique_ptr<VcfConformance> conformance_;
  std::string_view line_;
  VcfSite site_;
  VcfVerdict verdict_ = VcfVerdict::kUse;
};

}  // namespace genofed::genomics
