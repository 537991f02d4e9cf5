// SPDX-License-Identifier: Apache-2.0
//
// The records of a VCF or BCF for whoever counts genotypes: judged by VcfConformance as CheckVcf
// judges them, with genotypes as the calls that are not 0/0 (genotype_scan.h). Where FORMAT is
// exactly GT, whole columns are never written or parsed one by one; of BCF not even as text.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/genotype_scan.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/vcf_conformance.h"

namespace genofed::genomics {

class BcfSource;
class VcfScanner;

// A path to a regular file, or a descriptor (which may be a pipe, and is closed).
using VcfInput = std::variant<std::filesystem::path, int>;

// One record. Views are valid until the next call of RecordScanner::Next.
struct ScannedRecord {
  std::string_view contig;  // normalised
  std::int64_t pos = 0;     // 0-based
  std::string_view ref;     // upper case
  // Upper case where bases; empty when ALT is ".".
  std::vector<std::string_view> alts;
  bool passed = true;  // FILTER is PASS or "."
  std::uint64_t line = 0;
  // Exclusive, 0-based: of REF, or of the reference block.
  std::int64_t end = 0;
  bool is_reference_block = false;  // see VcfSite: says only who was called, and is like REF
  bool has_unspecified = false;     // <NON_REF> or <*> among ALT: a gVCF
  std::vector<Call> calls;          // by sample column; more than two alleles are a missing call
  // The nine columns before the samples and the columns of samples, as VCF text. `samples` is empty
  // when the scanner was opened without text and the file is BCF.
  std::span<const std::string_view> columns;
  std::string_view samples;
  bool samples_are_lanes = false;  // each column of samples has three characters, as "0|1"
};

struct ScanOptions {
  Reference* reference = nullptr;  // borrowed; REF is compared with it
  bool text = false;               // `samples` also of BCF: several times slower
  // Values of FORMAT keys other than GT are judged too, as CheckVcf does. Who has the file's
  // verdict from CheckVcf already saves time without; a record that only such a value spoils is
  // then used.
  bool judge_values = true;
  VcfIssueSink on_issue = nullptr;  // everything that is noticed, as CheckVcf notices it
};

// Not thread-safe. Memory is bounded by the longest record (kMaxLine).
class RecordScanner {
 public:
  enum class Outcome { kRecord, kLeftOut, kSetAside, kEnd };

  // Errors carry the reason words of VcfCode.
  static Result<std::unique_ptr<RecordScanner>> Open(const VcfInput& input,
                                                     const ScanOptions& options = {});
  ~RecordScanner();

  const VcfHeader& header() const;
  // kSetAside: problem() says why; kLeftOut: valid, without a place in genofed. Reading may go on.
  // An error ends the file.
  Result<Outcome> Next();
  const ScannedRecord& record() const { return record_; }
  const Finding& problem() const { return problem_; }

 private:
  explicit RecordScanner(ScanOptions options);
  Status Start(const VcfInput& input);
  Result<bool> ReadSite(VcfVerdict* verdict);
  Result<bool> ReadBcfSite(VcfVerdict* verdict);
  bool TakeGenotypes();
  bool TakeBcfGenotypes();
  void Fill();

  ScanOptions options_;
  std::unique_ptr<VcfScanner> scanner_;
  BcfSource* bcf_ = nullptr;  // of the scanner, when genotypes are read as BCF
  VcfSite bcf_site_;
  const VcfSite* site_ = nullptr;  // of the record in hand
  std::string bcf_line_;           // its columns before the samples
  std::string bcf_samples_;        // where they had to be written
  ScannedRecord record_;
  std::deque<std::string> upper_;  // alleles of the record that are in lower case
  Finding problem_;
};

}  // namespace genofed::genomics
