// SPDX-License-Identifier: Apache-2.0
//
// The records of a VCF or BCF for whoever counts genotypes: only the columns that are needed are
// looked at, and genotypes come as the calls that are not 0/0 (genotype_scan.h). What a record must
// be, and the codes of what is wrong with it, are those of VcfReader (vcf_reader.h).
#pragma once

#include <cstdint>
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
#include "libs/genomics/vcf_reader.h"

namespace genofed::genomics {

// A path to a regular file, or a descriptor (which may be a pipe, and is closed).
using VcfInput = std::variant<std::filesystem::path, int>;

// One record. Views are valid until the next call of RecordScanner::Next.
struct ScannedRecord {
  std::string_view contig;  // normalised
  std::int64_t pos = 0;     // 0-based
  std::string_view ref;     // upper case
  // Upper case where bases; empty when ALT is ".".
  std::vector<std::string_view> alts;
  bool passed = true;     // FILTER is PASS or "."
  std::uint64_t line = 0;  // as VcfReader::line_number
  // A gVCF reference block or the extent of a symbolic allele: INFO/END, else pos + |REF|.
  std::int64_t end = 0;
  // No alternative allele, or only <NON_REF> and <*>: says that people were called here, and that
  // they are like the reference.
  bool is_reference_block = false;
  bool has_unspecified = false;  // <NON_REF> or <*> among ALT: a gVCF
  std::vector<Call> calls;  // by sample column
  // The nine columns before the samples and the columns of samples, as VCF text. Empty when the
  // scanner was opened without text and the file is BCF.
  std::span<const std::string_view> columns;
  std::string_view samples;
  bool samples_are_lanes = false;  // each column of samples has three characters, as "0|1"
};

struct ScanOptions {
  Reference* reference = nullptr;  // borrowed; REF is compared with it
  bool text = false;               // `columns` and `samples` also of BCF: several times slower
};

// Not thread-safe. Memory is bounded by the longest record (256 MiB).
class RecordScanner {
 public:
  // Errors carry the reason words of VcfCode.
  static Result<std::unique_ptr<RecordScanner>> Open(const VcfInput& input,
                                                     const ScanOptions& options = {});
  virtual ~RecordScanner() = default;

  virtual const VcfHeader& header() const = 0;
  // kRejected: problem() says why, and reading may go on. An error ends the file.
  virtual Result<VcfReader::Outcome> Next() = 0;
  virtual const ScannedRecord& record() const = 0;
  virtual const VcfProblem& problem() const = 0;
};

}  // namespace genofed::genomics
