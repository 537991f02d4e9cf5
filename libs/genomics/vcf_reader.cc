// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "libs/core/strings.h"
#include "libs/genomics/line_source.h"
#include "libs/genomics/vcf_header.h"

namespace genofed::genomics {
namespace {

struct CodeFacts {
  VcfCode code;
  std::string_view name;
  bool fatal;
};

constexpr std::array kCodes = {
    CodeFacts{VcfCode::kNotVcf, "NOT_VCF", true},
    CodeFacts{VcfCode::kTruncatedBgzip, "TRUNCATED_BGZIP", true},
    CodeFacts{VcfCode::kCorruptBgzipBlock, "CORRUPT_BGZIP_BLOCK", true},
    CodeFacts{VcfCode::kBadHeader, "BAD_HEADER", true},
    CodeFacts{VcfCode::kNoSamples, "NO_SAMPLES", true},
    CodeFacts{VcfCode::kDuplicateSample, "DUPLICATE_SAMPLE", true},
    CodeFacts{VcfCode::kLineTooLong, "LINE_TOO_LONG", true},
    CodeFacts{VcfCode::kUnsorted, "UNSORTED", true},
    CodeFacts{VcfCode::kContigNotInHeader, "CONTIG_NOT_IN_HEADER", false},
    CodeFacts{VcfCode::kBadContig, "BAD_CONTIG", false},
    CodeFacts{VcfCode::kPosOutOfRange, "POS_OUT_OF_RANGE", false},
    CodeFacts{VcfCode::kBadAllele, "BAD_ALLELE", false},
    CodeFacts{VcfCode::kAlleleTooLong, "ALLELE_TOO_LONG", false},
    CodeFacts{VcfCode::kTooManyAlleles, "TOO_MANY_ALLELES", false},
    CodeFacts{VcfCode::kRefMismatch, "REF_MISMATCH", true},
    CodeFacts{VcfCode::kGtMissing, "GT_MISSING", false},
    CodeFacts{VcfCode::kPloidy, "PLOIDY", false},
    CodeFacts{VcfCode::kAlleleIndex, "ALLELE_INDEX", false},
    CodeFacts{VcfCode::kMalformedRecord, "MALFORMED_RECORD", false},
    CodeFacts{VcfCode::kReadFailed, "READ_FAILED", true},
};

VcfCode CodeOf(const Status& status) {
  std::string reason = Reason(status);
  for (const CodeFacts& facts : kCodes) {
    if (facts.name == reason) return facts.code;
  }
  return VcfCode::kReadFailed;
}

std::string_view CutColumn(std::string_view& rest, char separator) {
  std::size_t end = rest.find(separator);
  std::string_view column = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return column;
}

}  // namespace

std::string_view VcfCodeName(VcfCode code) { return kCodes[static_cast<std::size_t>(code)].name; }
bool IsFatal(VcfCode code) { return kCodes[static_cast<std::size_t>(code)].fatal; }

VcfReader::VcfReader(std::unique_ptr<LineSource> source, Reference* reference)
    : source_(std::move(source)), reference_(reference) {}
VcfReader::~VcfReader() = default;

Result<std::unique_ptr<VcfReader>> VcfReader::Open(const std::filesystem::path& path,
                                                   Reference* reference) {
  GF_ASSIGN(auto source, LineSource::OpenPath(path));
  std::unique_ptr<VcfReader> reader(new VcfReader(std::move(source), reference));
  GF_TRY(reader->ReadHeader());
  return reader;
}

Result<std::unique_ptr<VcfReader>> VcfReader::OpenFd(int fd, Reference* reference) {
  GF_ASSIGN(auto source, LineSource::OpenFd(fd));
  std::unique_ptr<VcfReader> reader(new VcfReader(std::move(source), reference));
  GF_TRY(reader->ReadHeader());
  return reader;
}

std::uint64_t VcfReader::line_number() const { return source_->line_number(); }

Status VcfReader::ReadHeader() {
  VcfHeaderParser parser;
  std::string_view line;
  for (bool done = false; !done;) {
    GF_ASSIGN(bool more, source_->Next(&line));
    if (!more)
      return Error(StatusCode::kInvalidArgument, "BAD_HEADER",
                   "the file ends before the #CHROM line");
    GF_TRY(parser.Add(line, &done));
  }
  header_ = parser.Finish();
  for (std::size_t i = 0; i < header_.contigs.size(); ++i) {
    if (!contig_by_raw_.emplace(header_.contigs[i].raw, i).second) {
      return Error(StatusCode::kInvalidArgument, "BAD_HEADER",
                   "contig line {} repeats an earlier one", i + 1);
    }
  }
  return absl::OkStatus();
}

Result<VcfReader::Outcome> VcfReader::Next(VcfRecord& record) {
  GF_ASSIGN(bool more, source_->Next(&line_));
  if (!more) return Outcome::kEnd;
  record.line = source_->line_number();
  return Parse(record) ? Outcome::kRecord : Outcome::kRejected;
}

bool VcfReader::Reject(VcfCode code, std::string_view field, std::string message) {
  problem_ = VcfProblem{code, source_->line_number(), std::string(field), std::move(message)};
  return false;
}

bool VcfReader::Parse(VcfRecord& record) {
  if (line_.find('\0') != std::string_view::npos) {
    return Reject(VcfCode::kMalformedRecord, "", "a NUL byte");
  }
  std::array<std::string_view, 9> columns;
  std::string_view rest = line_;
  for (std::string_view& column : columns) {
    column = CutColumn(rest, '\t');
    if (column.empty())
      return Reject(VcfCode::kMalformedRecord, "", "a column is empty or missing");
  }
  if (!ParseSite(columns, record)) return false;
  if (!CheckOrder(record)) return false;
  if (reference_ != nullptr && !CheckReference(record)) return false;
  std::string_view format = columns[8];
  if (format != "GT" && !format.starts_with("GT:")) {
    return Reject(VcfCode::kGtMissing, "FORMAT",
                  "the record has no genotypes: FORMAT does not begin with GT");
  }
  return ParseGenotypes(rest, record);
}

bool VcfReader::ParseSite(std::span<const std::string_view> columns, VcfRecord& record) {
  std::string_view chrom = columns[0];
  std::optional<std::int64_t> length;
  if (auto declared = contig_by_raw_.find(chrom); declared != contig_by_raw_.end()) {
    record.contig = header_.contigs[declared->second].name;
    length = header_.contigs[declared->second].length;
  } else if (!contig_by_raw_.empty()) {
    return Reject(VcfCode::kContigNotInHeader, "CHROM", "the header declares no such contig");
  } else {
    auto name = NormaliseContig(chrom);
    record.contig = name.ok() ? *name : "";
  }
  if (record.contig.empty())
    return Reject(VcfCode::kBadContig, "CHROM", "not an acceptable contig name");
  auto pos = ParseInt(columns[1]);
  if (!pos.ok()) return Reject(VcfCode::kMalformedRecord, "POS", "not a number");
  if (*pos < 1 || *pos > kMaxPosition || (length && *pos > *length)) {
    return Reject(VcfCode::kPosOutOfRange, "POS", "outside of the contig");
  }
  record.pos = *pos - 1;
  if (columns[5] != "." &&
      columns[5].find_first_not_of("0123456789.eE+-InNaAfF") != std::string_view::npos) {
    return Reject(VcfCode::kMalformedRecord, "QUAL", "not a number");
  }
  record.filter = columns[6];
  return ParseAlleles(columns[3], columns[4], record);
}

bool VcfReader::ParseAlleles(std::string_view ref, std::string_view alts, VcfRecord& record) {
  AlleleKind kind = ClassifyAllele(ref);
  if (kind == AlleleKind::kTooLong) return Reject(VcfCode::kAlleleTooLong, "REF", "too many bases");
  if (kind != AlleleKind::kBases)
    return Reject(VcfCode::kBadAllele, "REF", "other letters than A, C, G, T and N");
  record.ref = UpperBases(ref);
  record.alts.clear();
  if (alts == ".") return true;
  for (bool more = true; more;) {
    std::size_t comma = alts.find(',');
    std::string_view alt = alts.substr(0, comma);
    more = comma != std::string_view::npos;
    alts.remove_prefix(more ? comma + 1 : alts.size());
    kind = ClassifyAllele(alt);
    if (kind == AlleleKind::kTooLong)
      return Reject(VcfCode::kAlleleTooLong, "ALT", "too many bases");
    if (kind == AlleleKind::kInvalid || kind == AlleleKind::kMissing) {
      return Reject(VcfCode::kBadAllele, "ALT",
                    "neither bases, *, a symbolic allele nor a breakend");
    }
    std::string text = kind == AlleleKind::kBases ? UpperBases(alt) : std::string(alt);
    if (text == record.ref) return Reject(VcfCode::kBadAllele, "ALT", "equals REF");
    if (std::find(record.alts.begin(), record.alts.end(), text) != record.alts.end()) {
      return Reject(VcfCode::kBadAllele, "ALT", "the same allele twice");
    }
    if (record.alts.size() == kMaxAlts)
      return Reject(VcfCode::kTooManyAlleles, "ALT", "more than 126 alleles");
    record.alts.push_back(std::move(text));
  }
  return true;
}

bool VcfReader::CheckOrder(const VcfRecord& record) {
  auto [last, fresh] = last_pos_.try_emplace(record.contig, record.pos);
  bool sorted = fresh || (record.contig == current_contig_ && record.pos >= last->second);
  if (!sorted)
    return Reject(VcfCode::kUnsorted, "POS", "the record comes after a later one; sort the file");
  last->second = record.pos;
  current_contig_ = record.contig;
  return true;
}

bool VcfReader::CheckReference(const VcfRecord& record) {
  auto bases =
      reference_->Fetch(record.contig, record.pos, static_cast<std::int64_t>(record.ref.size()));
  if (!bases.ok()) return Reject(VcfCode::kRefMismatch, "CHROM", "the reference lacks this contig");
  if (bases->size() != record.ref.size())
    return Reject(VcfCode::kRefMismatch, "REF", "behind the contig's end");
  for (std::size_t i = 0; i < bases->size(); ++i) {
    // IUPAC codes of the reference agree with any base.
    bool known = std::string_view("ACGT").find((*bases)[i]) != std::string_view::npos;
    if (known && (*bases)[i] != record.ref[i]) {
      return Reject(VcfCode::kRefMismatch, "REF", "differs from the reference genome");
    }
  }
  return true;
}

bool VcfReader::ParseGenotypes(std::string_view text, VcfRecord& record) {
  std::size_t n = header_.samples.size();
  record.alleles.resize(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    std::string_view sample = CutColumn(text, '\t');
    std::string_view genotype = sample.substr(0, sample.find(':'));
    if (!ParseGenotype(genotype, record.alts.size() + 1, record.alleles.data() + 2 * i))
      return false;
    // CutColumn leaves null data only when no separator was found: then this must be the last
    // sample.
    if ((text.data() == nullptr) != (i + 1 == n)) {
      return Reject(VcfCode::kMalformedRecord, "",
                    "the number of sample columns differs from the header's");
    }
  }
  return true;
}

bool VcfReader::ParseGenotype(std::string_view text, std::size_t n_alleles, std::int8_t* out) {
  out[0] = kAlleleMissing;
  out[1] = kAlleleAbsent;
  for (std::size_t ploidy = 0;; ++ploidy) {
    if (ploidy == 2)
      return Reject(VcfCode::kPloidy, "FORMAT/GT", "more than two alleles in one genotype");
    std::size_t end = std::min(text.size(), text.find_first_of("/|"));
    std::string_view allele = text.substr(0, end);
    if (allele == ".") {
      out[ploidy] = kAlleleMissing;
    } else {
      std::uint32_t index = 0;
      auto [stop, error] = std::from_chars(allele.data(), allele.data() + allele.size(), index);
      if (allele.empty() || stop != allele.data() + allele.size() ||
          error == std::errc::invalid_argument) {
        return Reject(VcfCode::kMalformedRecord, "FORMAT/GT",
                      "an allele is neither a number nor '.'");
      }
      if (error == std::errc::result_out_of_range || index >= n_alleles) {
        return Reject(VcfCode::kAlleleIndex, "FORMAT/GT",
                      "names an allele that the record does not have");
      }
      out[ploidy] = static_cast<std::int8_t>(index);
    }
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

VcfReport CheckVcf(const std::filesystem::path& path, Reference* reference) {
  VcfReport report;
  auto add = [&](VcfProblem problem) {
    std::uint64_t& count = report.counts[std::string(VcfCodeName(problem.code))];
    report.fatal = report.fatal || IsFatal(problem.code);
    if (++count <= kMaxReasonsPerCode) report.reasons.push_back(std::move(problem));
  };
  auto reader = VcfReader::Open(path, reference);
  if (!reader.ok()) {
    add({CodeOf(reader.status()), 0, "", Message(reader.status())});
    report.fatal = true;
    return report;
  }
  report.samples = (*reader)->header().samples;
  report.assembly = (*reader)->header().assembly;
  VcfRecord record;
  while (true) {
    auto outcome = (*reader)->Next(record);
    if (!outcome.ok()) {
      add({CodeOf(outcome.status()), (*reader)->line_number(), "", Message(outcome.status())});
      report.fatal = true;
      break;
    }
    if (*outcome == VcfReader::Outcome::kEnd) break;
    ++report.records;
    if (*outcome == VcfReader::Outcome::kRejected) {
      ++report.rejected;
      add((*reader)->problem());
    }
  }
  return report;
}

}  // namespace genofed::genomics
