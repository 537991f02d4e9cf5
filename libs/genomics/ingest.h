// SPDX-License-Identifier: Apache-2.0
//
// One pass over variant files for everything that has to be known about them. Each record is read,
// checked, split and normalised once; stages (index, subset, quality control, conformance) take
// what they need from it. Who carries what is kept as short lists throughout.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/record_scanner.h"
#include "libs/genomics/reference.h"

namespace genofed::genomics {

// One alternative allele of a record, normalised, and its carriers among the rows.
struct AlleleCall {
  std::int8_t index = 1;  // into {REF, ALT...} of the record
  Variant variant;
  CarrierSets carriers;
};

// What a stage sees of one record. Everything is borrowed for the call.
struct SiteCall {
  const ScannedRecord& record;
  // Genotypes other than 0/0 by ascending row, on the record's own alleles. Rows that the file has
  // no sample for are missing (./.) here.
  std::span<const Call> calls;
  // Called alleles among the rows, counted on the original record before it is split.
  std::uint64_t an = 0;
  // Sequence alleles only: symbolic ones, breakends, "*" and alleles with N are not there.
  std::span<const AlleleCall> alleles;
};

// A stage of the pass. Called from one thread.
class SiteConsumer {
 public:
  virtual ~SiteConsumer() = default;
  // Whether the stage reads columns and samples of records as text, which costs where the file is
  // BCF.
  virtual bool NeedsText() const { return false; }
  // Once, before any record. `column_of_row` has the sample column of each row, or -1.
  virtual Status Begin(const VcfHeader& /*header*/,
                       std::span<const std::int32_t> /*column_of_row*/) {
    return absl::OkStatus();
  }
  virtual Status Take(const SiteCall& site) = 0;
};

struct PassOptions {
  Reference* reference = nullptr;   // borrowed; with it REF is checked and alleles are left-aligned
  bool judge_values = true;         // see ScanOptions
  VcfIssueSink on_issue = nullptr;  // everything that is noticed, as CheckVcf notices it
};

struct PassReport {
  std::uint64_t records = 0;           // read
  std::uint64_t left_out = 0;          // of these: valid, without a place in genofed
  std::uint64_t skipped_alleles = 0;   // symbolic, breakend, "*" or with N; not <NON_REF> and <*>
  std::uint64_t reference_blocks = 0;  // records of a gVCF that only say who was called
  std::map<std::string, std::uint64_t> set_aside;  // records, by VcfCodeName
};

// Reads one file. `rows[i]` is the sample name of row i; a row whose sample the file lacks, or that
// has no name, is a no-call at each of its records. Memory does not grow with the file. Errors:
// those of RecordScanner and of the stages; SAMPLE_INVALID for a repeated name.
Result<PassReport> RunPass(const VcfInput& input, std::span<const std::string> rows,
                           const PassOptions& options, std::span<SiteConsumer* const> stages);

struct IndexStageOptions {
  bool pass_only = false;  // leave out records whose FILTER is neither PASS nor "."
};

// Feeds a cohort index. Records of gVCFs are also kept as coverage.
class IndexStage final : public SiteConsumer {
 public:
  explicit IndexStage(SegmentBuilder& builder, IndexStageOptions options = {})
      : builder_(builder), options_(options) {}

  Status Take(const SiteCall& site) override;
  std::uint64_t sites() const { return sites_; }        // alleles fed to the builder
  std::uint64_t filtered() const { return filtered_; }  // records left out by pass_only

 private:
  Status AddCoverage(const SiteCall& site);

  SegmentBuilder& builder_;
  IndexStageOptions options_;
  std::uint64_t sites_ = 0;
  std::uint64_t filtered_ = 0;
};

}  // namespace genofed::genomics
