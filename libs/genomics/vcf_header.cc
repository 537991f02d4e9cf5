// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_header.h"

#include <algorithm>
#include <array>
#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/line_source.h"
#include "libs/genomics/vcf_header_attributes.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64U << 20;
constexpr std::size_t kMaxSamples = 2'000'000;
constexpr std::size_t kMaxSampleName = 256;

std::optional<Assembly> AssemblyNamedIn(std::string_view text) {
  if (auto assembly = ParseAssembly(text)) return assembly;
  std::string lower = ToLower(text);
  for (std::string_view word : {"grch37", "hg19", "hs37d5", "b37"}) {
    if (lower.find(word) != std::string::npos) return Assembly::kGrch37;
  }
  for (std::string_view word : {"grch38", "hg38"}) {
    if (lower.find(word) != std::string::npos) return Assembly::kGrch38;
  }
  return std::nullopt;
}

}  // namespace

void VcfHeaderParser::Report(VcfCode code, std::string_view column, std::string_view message,
                             std::string_view key) {
  sink_({code, header_.lines, column, key, message});
}

Status VcfHeaderParser::Fatal(VcfCode code, std::string_view column, std::string_view message) {
  Report(code, column, message);
  return Error(StatusCode::kInvalidArgument, VcfCodeName(code), "header line {}: {}", header_.lines,
               message);
}

Status VcfHeaderParser::Add(std::string_view line, bool* done) {
  *done = false;
  ++header_.lines;
  bytes_ += line.size();
  if (bytes_ > kMaxHeaderBytes) {
    return Fatal(VcfCode::kBadHeader, "", "the header is longer than 64 MiB");
  }
  if (line.find('\0') != std::string_view::npos)
    return Fatal(VcfCode::kBadHeader, "", "a NUL byte");
  if (header_.lines == 1) return AddFileFormat(line);
  if (line.starts_with("##")) {
    AddMeta(line);
    return absl::OkStatus();
  }
  if (!line.starts_with('#')) {
    return Fatal(VcfCode::kBadHeader, "", "a line before the #CHROM line does not begin with ##");
  }
  *done = true;
  return AddColumns(line);
}

// Section 1.4.1: ##fileformat=VCFv4.x, the first line.
Status VcfHeaderParser::AddFileFormat(std::string_view line) {
  constexpr std::string_view kPrefix = "##fileformat=VCFv4.";
  std::string_view minor = line.starts_with(kPrefix) ? line.substr(kPrefix.size()) : "";
  if (minor.size() != 1 || minor[0] < '0' || minor[0] > '9') {
    return Fatal(VcfCode::kBadHeader, "##fileformat", "the first line is not ##fileformat=VCFv4.x");
  }
  header_.version = line.substr(line.find('=') + 1);
  header_.minor = std::clamp(minor[0] - '0', 1, 4);
  if (header_.minor != minor[0] - '0') Report(VcfCode::kOtherVersion, "##fileformat", "");
  return absl::OkStatus();
}

// Section 1.4: ##key=value.
void VcfHeaderParser::AddMeta(std::string_view line) {
  std::size_t equals = line.find('=');
  if (equals == std::string_view::npos || equals == 2) {
    return Report(VcfCode::kBadMetaLine, "##", "not of the form ##key=value");
  }
  std::string_view key = line.substr(2, equals - 2);
  std::string_view value = Trim(line.substr(equals + 1));
  // The key is quoted only where the specification names it.
  constexpr std::array kNamed = {"INFO",   "FORMAT",   "FILTER",     "ALT",      "contig",
                                 "SAMPLE", "PEDIGREE", "pedigreeDB", "assembly", "reference"};
  const auto* named = std::find(kNamed.begin(), kNamed.end(), key);
  if (value.empty()) {
    std::string column = named == kNamed.end() ? "##" : fmt::format("##{}", key);
    return Report(VcfCode::kBadMetaLine, column, "the value is empty");
  }
  if (key == "fileformat") {
    return Report(VcfCode::kBadMetaLine, "##fileformat", "only the first line can be ##fileformat");
  }
  if (named == kNamed.end()) return;
  if (key == "assembly" || key == "pedigreeDB" || key == "reference") return AddUrl(key, value);
  AddStructured(key, value);
}

// Sections 1.4.6 and 1.4.9: URLs. ##reference is not of the specification, but names assemblies.
void VcfHeaderParser::AddUrl(std::string_view key, std::string_view value) {
  if (key != "pedigreeDB")
    NameAssembly(AssemblyNamedIn(value), key == "assembly" ? "##assembly" : "##reference");
  if (key == "reference") return;
  std::string column = fmt::format("##{}", key);
  std::string_view url = value;
  if (url.size() >= 2 && url.front() == '<' && url.back() == '>')
    url = url.substr(1, url.size() - 2);
  // A plain name of an assembly is common and clear.
  if (key == "assembly" && url.find("://") == std::string_view::npos) return;
  if (!IsUrl(url)) Report(VcfCode::kBadMetaLine, column, "not a URL, or its host cannot exist");
}

void VcfHeaderParser::NameAssembly(std::optional<Assembly> assembly, std::string_view evidence) {
  if (!assembly) return;
  if (named_ && *named_ != *assembly) named_conflict_ = true;
  if (!named_) named_by_ = evidence;
  named_ = assembly;
}

// Section 1.5.
Status VcfHeaderParser::AddColumns(std::string_view line) {
  constexpr std::string_view kFixed = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (!line.starts_with(kFixed)) {
    bool spaces = line.find('\t') == std::string_view::npos && HasWhitespace(line);
    return Fatal(VcfCode::kBadHeader, "#CHROM",
                 spaces ? "the columns are not separated by tabs"
                        : "the #CHROM line does not have the eight fixed columns");
  }
  std::string_view rest = line.substr(kFixed.size());
  if (rest.empty()) return absl::OkStatus();
  if (!rest.starts_with("\tFORMAT\t")) {
    return Fatal(VcfCode::kBadHeader, "#CHROM",
                 rest == "\tFORMAT" ? "a FORMAT column, but no sample column behind it"
                                    : "the ninth column is not FORMAT");
  }
  return AddSamples(rest.substr(8));
}

Status VcfHeaderParser::AddSamples(std::string_view names) {
  if (static_cast<std::size_t>(std::count(names.begin(), names.end(), '\t')) >= kMaxSamples) {
    return Fatal(VcfCode::kBadHeader, "#CHROM", "more samples than genofed reads");
  }
  std::set<std::string_view> seen;
  for (std::string_view name : Split(names, '\t')) {
    std::string_view wrong;
    if (name.empty()) wrong = "a sample name is empty";
    if (name.size() > kMaxSampleName) wrong = "a sample name is longer than 256 bytes";
    if (!wrong.empty()) return Fatal(VcfCode::kBadHeader, "#CHROM", wrong);
    if (!seen.insert(name).second) {
      return Fatal(
          VcfCode::kDuplicateSample, "#CHROM",
          fmt::format("sample column {} repeats an earlier name", header_.samples.size() + 1));
    }
    header_.samples.emplace_back(name);
  }
  return absl::OkStatus();
}

Status VcfHeaderParser::Unfinished() {
  return Fatal(VcfCode::kBadHeader, "#CHROM", "the file ends before the #CHROM line");
}

VcfHeader VcfHeaderParser::Finish() {
  // Lengths are the stronger evidence: nobody edits them by hand.
  bool is37 = false;
  bool is38 = false;
  for (const VcfContig& contig : header_.contigs) {
    if (!contig.length || contig.name == "MT" || !IsPrimaryContig(contig.name)) continue;
    is37 = is37 || contig.length == ContigLength(Assembly::kGrch37, contig.name);
    is38 = is38 || contig.length == ContigLength(Assembly::kGrch38, contig.name);
  }
  if (is37 != is38) {
    header_.assembly = is37 ? Assembly::kGrch37 : Assembly::kGrch38;
    header_.assembly_evidence = "contig lengths";
  } else if (!is37 && named_ && !named_conflict_) {
    header_.assembly = named_;
    header_.assembly_evidence = named_by_;
  }
  return std::move(header_);
}

Result<VcfHeader> ReadVcfHeader(LineSource& source, const VcfIssueSink& sink) {
  VcfHeaderParser parser(sink);
  std::string_view line;
  for (bool done = false; !done;) {
    auto more = source.Next(&line);
    if (!more.ok()) {
      ReportStatus(more.status(), source.line_number(), sink);
      return more.status();
    }
    if (!*more) return parser.Unfinished();
    GF_TRY(parser.Add(line, &done));
  }
  return parser.Finish();
}

}  // namespace genofed::genomics
