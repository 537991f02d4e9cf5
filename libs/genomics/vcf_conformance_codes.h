// SPDX-License-Identifier: Apache-2.0
//
// The rules that a VCF or BCF file can break, each with a stable code and what breaking it costs.
// "The specification" is VCF 4.1 to 4.4 (samtools/hts-specs); section numbers are those of 4.3.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/finding.h"
#include "libs/core/status.h"

namespace genofed::genomics {

enum class VcfCode : std::uint8_t {
  // Nothing of the file can be used.
  kReadFailed,
  kNotVcf,
  kTruncatedBgzip,
  kCorruptBgzipBlock,
  kCorruptBcf,
  kLineTooLong,
  kBadHeader,
  kDuplicateSample,
  kUnsorted,
  kNoRecords,
  kAssemblyMismatch,
  // One record is set aside.
  kMalformedRecord,
  kBadContig,
  kBadPos,
  kPosOutOfRange,
  kBadId,
  kBadAllele,
  kBadQual,
  kBadFilter,
  kBadEnd,
  kBadFormat,
  kBadGenotype,
  kAlleleIndex,
  kSampleValueType,
  kSampleValueCount,
  kDuplicateRecord,
  kRefMismatch,
  // One header line or INFO value is set aside; the records stay.
  kBadMetaLine,
  kBadDefinition,
  kDuplicateDefinition,
  kReservedKeyMisdeclared,
  kBadInfo,
  kInfoType,
  kInfoCount,
  kInfoRange,
  // Valid, but genofed has no place for the record.
  kTelomere,
  kContigNotIndexed,
  kAlleleTooLong,
  kTooManyAlleles,
  kGtMissing,
  // Nothing is lost.
  kNoSamples,
  kNoDataLines,
  kOtherVersion,
  kByteOrderMark,
  kPlainGzip,
  kBlankLine,
  kNoFinalNewline,
  kRepeatedDefinition,
  kReservedKeyLoose,
  kUndeclaredKey,
  kUndeclaredFilter,
  kContigNotInHeader,
  kFlagWithValue,
  kEndIgnored,
  kEmptyValue,
  kPloidy,
  kMissingAltCalled,
  kNotInReference,
};
inline constexpr std::size_t kVcfCodes = static_cast<std::size_t>(VcfCode::kNotInReference) + 1;

// What a broken rule costs.
enum class VcfEffect : std::uint8_t {
  kNone,
  kRecordLeftOut,
  kValueSetAside,
  kRecordSetAside,
  kFileRejected
};

// "TRUNCATED_BGZIP": the reason word of statuses and findings.
std::string_view VcfCodeName(VcfCode code);
// One sentence for people: what the code means.
std::string_view VcfCodeMeaning(VcfCode code);
VcfEffect EffectOf(VcfCode code);
// kNone and kRecordLeftOut are notes, kFileRejected is an error, the others are warnings.
Severity SeverityOf(VcfCode code);
std::optional<VcfCode> VcfCodeOf(std::string_view name);

// One broken rule, before anybody decided to keep it. All views live as long as the call that
// reports it; none of them holds a value of the file.
struct VcfIssue {
  VcfCode code = VcfCode::kMalformedRecord;
  std::uint64_t line = 0;   // 1-based; 0: the file as a whole
  std::string_view column;  // "REF", "INFO", "##contig"
  std::string_view key;     // a declared or reserved key of the column, or empty
  std::string_view message;
  std::uint64_t sample = 0;  // 1-based sample column; 0: none
};
using VcfIssueSink = std::function<void(const VcfIssue&)>;

// An error of reading, whose reason word is one of the codes (READ_FAILED for others).
void ReportStatus(const Status& status, std::uint64_t line, const VcfIssueSink& sink);

Finding ToFinding(const VcfIssue& issue, std::string_view file);

}  // namespace genofed::genomics
