// SPDX-License-Identifier: Apache-2.0
//
// Reads VCF 4.x and BCF 2.2 (plain or bgzipped) defensively: every record is checked before its
// genotypes are believed, and what is wrong is reported with a typed code, a line and a field.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

class LineSource;

enum class VcfCode {
  kNotVcf,             // neither VCF nor BCF, or a compression other than bgzip
  kTruncatedBgzip,     // no end-of-file block
  kCorruptBgzipBlock,  // a block does not inflate or its CRC is wrong
  kBadHeader,          // header lines or the #CHROM line are malformed or over a limit
  kNoSamples,
  kDuplicateSample,
  kLineTooLong,
  kUnsorted,           // positions go back, or a contig comes again
  kContigNotInHeader,  // only when the header declares contigs at all
  kBadContig,          // a contig name that genofed does not accept
  kPosOutOfRange,      // POS 0, or behind the declared length
  kBadAllele,          // REF or ALT with other letters
  kAlleleTooLong,
  kTooManyAlleles,
  kRefMismatch,      // REF differs from the reference: another assembly, or a damaged file
  kGtMissing,        // FORMAT does not begin with GT
  kPloidy,           // more than two alleles in one genotype
  kAlleleIndex,      // a genotype names an allele that the record does not have
  kMalformedRecord,  // wrong number of columns, not a number, and the like
  kReadFailed,
};
// "TRUNCATED_BGZIP": the reason word of statuses and reports.
std::string_view VcfCodeName(VcfCode code);
// Whether one such problem makes the whole file unfit, rather than the record.
bool IsFatal(VcfCode code);

// One thing wrong with a file. `message` never quotes the file, so it may be shown and logged.
struct VcfProblem {
  VcfCode code = VcfCode::kMalformedRecord;
  std::uint64_t line = 0;  // 1-based; 0 when the file as a whole is meant
  std::string field;       // VCF column: "REF", "FORMAT/GT", "##contig"
  std::string message;
};

struct VcfContig {
  std::string raw;   // as the file writes it
  std::string name;  // normalised; empty when the name is not acceptable
  std::optional<std::int64_t> length;
};

struct VcfFormatField {
  std::string id;
  std::string number;
  std::string type;
  std::string description;
};

struct VcfHeader {
  std::string version;  // "VCFv4.2"
  std::vector<std::string> samples;
  std::vector<VcfContig> contigs;
  std::vector<VcfFormatField> formats;
  std::vector<std::string> filters;  // ids
  // From contig lengths, else from ##contig assembly=, ##assembly or ##reference; none when they
  // disagree.
  std::optional<Assembly> assembly;
};

// One allele of a genotype: index into {REF, ALT...}, or one of these.
inline constexpr std::int8_t kAlleleMissing = -1;  // "."
inline constexpr std::int8_t kAlleleAbsent = -2;   // second allele of a haploid call
inline constexpr std::size_t kMaxAlts = 126;

struct VcfRecord {
  std::string contig;             // normalised
  std::int64_t pos = 0;           // 0-based
  std::string ref;                // upper case
  std::vector<std::string> alts;  // upper case where bases; empty when ALT is "."
  std::string filter;
  std::uint64_t line = 0;
  std::vector<std::int8_t> alleles;  // two for each sample, in header order

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
  ~VcfReader();

  const VcfHeader& header() const { return header_; }
  // Reads the next record. kRejected: problem() says why, and reading may go on. An error ends the
  // file.
  Result<Outcome> Next(VcfRecord& record);
  const VcfProblem& problem() const { return problem_; }
  // The record last returned, as VCF text. Valid until the next call of Next.
  std::string_view line() const { return line_; }
  std::uint64_t line_number() const;

 private:
  explicit VcfReader(std::unique_ptr<LineSource> source, Reference* reference);
  Status ReadHeader();
  bool Parse(VcfRecord& record);
  bool ParseSite(std::span<const std::string_view> columns, VcfRecord& record);
  bool ParseAlleles(std::string_view ref, std::string_view alts, VcfRecord& record);
  bool ParseGenotypes(std::string_view text, VcfRecord& record);
  bool ParseGenotype(std::string_view text, std::size_t n_alleles, std::int8_t* out);
  bool CheckOrder(const VcfRecord& record);
  bool CheckReference(const VcfRecord& record);
  bool Reject(VcfCode code, std::string_view field, std::string message);

  std::unique_ptr<LineSource> source_;
  Reference* reference_;
  VcfHeader header_;
  VcfProblem problem_;
  std::string_view line_;
  std::map<std::string, std::size_t, std::less<>> contig_by_raw_;
  std::map<std::string, std::int64_t, std::less<>> last_pos_;  // by contig already seen
  std::string current_contig_;
};

struct VcfReport {
  std::uint64_t records = 0;  // read, the rejected ones included
  std::uint64_t rejected = 0;
  std::vector<std::string> samples;
  std::optional<Assembly> assembly;
  // The first problems of each code; `counts` has all, by VcfCodeName.
  std::vector<VcfProblem> reasons;
  std::map<std::string, std::uint64_t> counts;
  // The file must not be onboarded: some code with IsFatal() occurred.
  bool fatal = false;
};
inline constexpr std::size_t kMaxReasonsPerCode = 20;

// Reads a whole file and reports everything wrong with it. Never fails: an unreadable file is a
// report too.
VcfReport CheckVcf(const std::filesystem::path& path, Reference* reference = nullptr);

}  // namespace genofed::genomics
