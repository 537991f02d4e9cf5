// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_conformance_codes.h"

#include <fmt/core.h>

#include <array>

namespace genofed::genomics {
namespace {

struct Facts {
  VcfCode code;
  std::string_view name;
  VcfEffect effect;
  std::string_view meaning;
};

using enum VcfCode;
using enum VcfEffect;

constexpr std::array<Facts, kVcfCodes> kFacts = {{
    {kReadFailed, "READ_FAILED", kFileRejected, "the file cannot be opened or read"},
    {kNotVcf, "NOT_VCF", kFileRejected,
     "neither VCF nor BCF, or another compression than bgzip and gzip"},
    {kTruncatedBgzip, "TRUNCATED_BGZIP", kFileRejected, "the compressed file was cut off"},
    {kCorruptBgzipBlock, "CORRUPT_BGZIP_BLOCK", kFileRejected, "a compressed block is damaged"},
    {kCorruptBcf, "CORRUPT_BCF", kFileRejected, "the BCF cannot be decoded"},
    {kLineTooLong, "LINE_TOO_LONG", kFileRejected, "a line is longer than genofed reads"},
    {kBadHeader, "BAD_HEADER", kFileRejected, "the header does not tell what the records mean"},
    {kDuplicateSample, "DUPLICATE_SAMPLE", kFileRejected, "two sample columns have one name"},
    {kUnsorted, "UNSORTED", kFileRejected, "positions go back, or a contig comes again"},
    {kNoRecords, "NO_RECORDS", kFileRejected, "no record of the file can be used"},
    {kAssemblyMismatch, "ASSEMBLY_MISMATCH", kFileRejected,
     "most REF alleles differ from the reference: probably another assembly"},
    {kMalformedRecord, "MALFORMED_RECORD", kRecordSetAside,
     "wrong number of columns, or an empty one"},
    {kBadContig, "BAD_CONTIG", kRecordSetAside, "CHROM is not a contig name"},
    {kBadPos, "BAD_POS", kRecordSetAside, "POS is not a number of 0 or more"},
    {kPosOutOfRange, "POS_OUT_OF_RANGE", kRecordSetAside, "the record lies outside of its contig"},
    {kBadId, "BAD_ID", kRecordSetAside, "ID is not a list of different identifiers"},
    {kBadAllele, "BAD_ALLELE", kRecordSetAside,
     "REF or ALT is not an allele, or an allele comes twice"},
    {kBadQual, "BAD_QUAL", kRecordSetAside, "QUAL is not a number of 0 or more"},
    {kBadFilter, "BAD_FILTER", kRecordSetAside, "FILTER is not PASS, a dot or a list of filters"},
    {kBadEnd, "BAD_END", kRecordSetAside,
     "END of a reference block lies outside of its contig or before POS"},
    {kBadFormat, "BAD_FORMAT", kRecordSetAside,
     "FORMAT is not a list of different keys with GT first"},
    {kBadGenotype, "BAD_GENOTYPE", kRecordSetAside,
     "a genotype is not written as the specification says"},
    {kAlleleIndex, "ALLELE_INDEX", kRecordSetAside,
     "a genotype names an allele that the record lacks"},
    {kSampleValueType, "SAMPLE_VALUE_TYPE", kRecordSetAside,
     "a sample's value is not of its declared type"},
    {kSampleValueCount, "SAMPLE_VALUE_COUNT", kRecordSetAside,
     "a sample has more or fewer values than declared"},
    {kDuplicateRecord, "DUPLICATE_RECORD", kRecordSetAside,
     "an earlier record has the same variant"},
    {kRefMismatch, "REF_MISMATCH", kRecordSetAside, "REF differs from the reference genome"},
    {kBadMetaLine, "BAD_META_LINE", kValueSetAside, "a header line cannot be understood"},
    {kBadDefinition, "BAD_DEFINITION", kValueSetAside, "a definition in the header is wrong"},
    {kDuplicateDefinition, "DUPLICATE_DEFINITION", kValueSetAside,
     "two definitions of one id disagree"},
    {kReservedKeyMisdeclared, "RESERVED_KEY_MISDECLARED", kValueSetAside,
     "a reserved key is declared with another type or number"},
    {kBadInfo, "BAD_INFO", kValueSetAside, "an INFO entry is malformed or comes twice"},
    {kInfoType, "INFO_TYPE", kValueSetAside, "an INFO value is not of its declared type"},
    {kInfoCount, "INFO_COUNT", kValueSetAside,
     "an INFO key has more or fewer values than declared"},
    {kInfoRange, "INFO_RANGE", kValueSetAside,
     "an INFO value is impossible, such as a negative count"},
    {kTelomere, "TELOMERE", kRecordLeftOut, "POS 0 or one behind the contig stands for a telomere"},
    {kContigNotIndexed, "CONTIG_NOT_INDEXED", kRecordLeftOut,
     "the contig's name has signs that genofed does not index"},
    {kAlleleTooLong, "ALLELE_TOO_LONG", kRecordLeftOut, "an allele is longer than genofed indexes"},
    {kTooManyAlleles, "TOO_MANY_ALLELES", kRecordLeftOut, "more alleles than genofed indexes"},
    {kGtMissing, "GT_MISSING", kRecordLeftOut, "the record has no genotypes"},
    {kNoSamples, "NO_SAMPLES", kNone, "the file has sites only, no sample columns"},
    {kNoDataLines, "NO_DATA_LINES", kNone, "the file has a header only"},
    {kOtherVersion, "OTHER_VERSION", kNone, "judged by the rules of a neighbouring version"},
    {kByteOrderMark, "BYTE_ORDER_MARK", kNone,
     "the file begins with a byte order mark, which was skipped"},
    {kPlainGzip, "PLAIN_GZIP", kNone, "compressed with gzip: bgzip would let it be indexed"},
    {kBlankLine, "BLANK_LINE", kNone, "an empty line was skipped"},
    {kNoFinalNewline, "NO_FINAL_NEWLINE", kNone,
     "the last line has no end: it may have been cut off"},
    {kRepeatedDefinition, "REPEATED_DEFINITION", kNone,
     "a definition comes again without contradiction"},
    {kReservedKeyLoose, "RESERVED_KEY_LOOSE", kNone,
     "a reserved key is declared more loosely than the specification does; nothing depends on it"},
    {kUndeclaredKey, "UNDECLARED_KEY", kNone, "an INFO or FORMAT key is not declared"},
    {kUndeclaredFilter, "UNDECLARED_FILTER", kNone, "a filter is not declared"},
    {kContigNotInHeader, "CONTIG_NOT_IN_HEADER", kNone,
     "the header declares contigs, but not this one"},
    {kFlagWithValue, "FLAG_WITH_VALUE", kNone, "a flag is written with 0 or 1 behind it"},
    {kEndIgnored, "END_IGNORED", kNone,
     "END lies before POS, but says nothing for a sequence allele"},
    {kEmptyValue, "EMPTY_VALUE", kNone, "an empty value was taken as missing"},
    {kPloidy, "PLOIDY", kNone, "a genotype of more than two alleles was taken as not called"},
    {kMissingAltCalled, "MISSING_ALT_CALLED", kNone,
     "a genotype names the ALT that is given as missing; it was taken as not called"},
    {kNotInReference, "NOT_IN_REFERENCE", kNone,
     "the reference lacks the contig: REF was not compared"},
}};

static_assert([] {
  for (std::size_t i = 0; i < kFacts.size(); ++i) {
    if (static_cast<std::size_t>(kFacts[i].code) != i) return false;
  }
  return true;
}());

const Facts& FactsOf(VcfCode code) { return kFacts[static_cast<std::size_t>(code)]; }

}  // namespace

std::string_view VcfCodeName(VcfCode code) { return FactsOf(code).name; }
std::string_view VcfCodeMeaning(VcfCode code) { return FactsOf(code).meaning; }
VcfEffect EffectOf(VcfCode code) { return FactsOf(code).effect; }

Severity SeverityOf(VcfCode code) {
  switch (EffectOf(code)) {
    case kNone:
    case kRecordLeftOut:
      return Severity::kNote;
    case kFileRejected:
      return Severity::kError;
    case kValueSetAside:
    case kRecordSetAside:
      break;
  }
  return Severity::kWarning;
}

std::optional<VcfCode> VcfCodeOf(std::string_view name) {
  for (const Facts& facts : kFacts) {
    if (facts.name == name) return facts.code;
  }
  return std::nullopt;
}

void ReportStatus(const Status& status, std::uint64_t line, const VcfIssueSink& sink) {
  std::string message = Message(status);
  sink({VcfCodeOf(Reason(status)).value_or(kReadFailed), line, "", "", message});
}

Finding ToFinding(const VcfIssue& issue, std::string_view file) {
  std::string field(issue.column);
  if (!issue.key.empty()) field.append("/").append(issue.key);
  std::string message(issue.message.empty() ? VcfCodeMeaning(issue.code) : issue.message);
  if (issue.sample > 0) message += fmt::format(" (sample column {})", issue.sample);
  return {SeverityOf(issue.code), std::string(VcfCodeName(issue.code)),
          std::string(file),      static_cast<std::int64_t>(issue.line),
          std::move(field),       std::move(message)};
}

}  // namespace genofed::genomics
