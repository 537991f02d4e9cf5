// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_header.h"

#include <algorithm>
#include <set>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64U << 20;
constexpr std::size_t kMaxSamples = 2'000'000;
constexpr std::size_t kMaxSampleName = 256;
constexpr std::size_t kMaxContigs = 100'000;
constexpr std::size_t kMaxDeclarations = 10'000;

Status Bad(std::uint64_t line, std::string_view message) {
  return Error(StatusCode::kInvalidArgument, "BAD_HEADER", "header line {}: {}", line, message);
}

// The value of `key` in <ID=x,Description="a, b">; quoted values may hold commas and escaped
// quotes.
std::optional<std::string> Attribute(std::string_view body, std::string_view key) {
  std::size_t at = 0;
  while (at < body.size()) {
    std::size_t equals = body.find('=', at);
    if (equals == std::string_view::npos) return std::nullopt;
    std::string_view name = Trim(body.substr(at, equals - at));
    std::string value;
    at = equals + 1;
    if (at < body.size() && body[at] == '"') {
      for (++at; at < body.size() && body[at] != '"'; ++at) {
        if (body[at] == '\\' && at + 1 < body.size()) ++at;
        value.push_back(body[at]);
      }
      at = std::min(body.size(), body.find(',', at));
    } else {
      std::size_t comma = std::min(body.size(), body.find(',', at));
      value = body.substr(at, comma - at);
      at = comma;
    }
    if (name == key) return value;
    ++at;
  }
  return std::nullopt;
}

// The inside of ##KEY=<...>; empty when the line is of another kind.
std::string_view Structured(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix) || line.size() < prefix.size() + 1 || line.back() != '>') return {};
  return line.substr(prefix.size(), line.size() - prefix.size() - 1);
}

}  // namespace

Status VcfHeaderParser::Add(std::string_view line, bool* done) {
  *done = false;
  ++lines_;
  bytes_ += line.size();
  if (bytes_ > kMaxHeaderBytes) return Bad(lines_, "the header is too long");
  if (line.find('\0') != std::string_view::npos) return Bad(lines_, "a NUL byte");
  if (lines_ == 1) {
    if (!line.starts_with("##fileformat=VCFv4.")) {
      return Error(StatusCode::kInvalidArgument, "NOT_VCF",
                   "the first line is not ##fileformat=VCFv4.x");
    }
    header_.version = line.substr(13);
    return absl::OkStatus();
  }
  if (line.starts_with("##")) return AddMeta(line);
  if (!line.starts_with("#CHROM\t")) return Bad(lines_, "expected ## or the #CHROM line");
  *done = true;
  return AddColumns(line);
}

Status VcfHeaderParser::AddMeta(std::string_view line) {
  if (auto body = Structured(line, "##contig=<"); !body.empty()) {
    VcfContig contig;
    contig.raw = Attribute(body, "ID").value_or("");
    if (contig.raw.empty()) return Bad(lines_, "a contig without ID");
    if (header_.contigs.size() >= kMaxContigs) return Bad(lines_, "too many contigs");
    if (auto name = NormaliseContig(contig.raw); name.ok()) contig.name = *name;
    if (auto length = Attribute(body, "length")) {
      auto value = ParseInt(*length);
      if (!value.ok() || *value < 1)
        return Bad(lines_, "a contig length that is not a positive number");
      contig.length = *value;
    }
    auto assembly = ParseAssembly(Attribute(body, "assembly").value_or(""));
    if (!assembly) assembly = AssemblyOfAccession(contig.raw);
    if (assembly && named_ && *named_ != *assembly) named_conflict_ = true;
    if (assembly) named_ = assembly;
    header_.contigs.push_back(std::move(contig));
  } else if (body = Structured(line, "##FORMAT=<"); !body.empty()) {
    VcfFormatField field{Attribute(body, "ID").value_or(""), Attribute(body, "Number").value_or(""),
                         Attribute(body, "Type").value_or(""),
                         Attribute(body, "Description").value_or("")};
    if (field.id.empty()) return Bad(lines_, "a FORMAT line without ID");
    if (header_.formats.size() >= kMaxDeclarations) return Bad(lines_, "too many FORMAT lines");
    header_.formats.push_back(std::move(field));
  } else if (body = Structured(line, "##FILTER=<"); !body.empty()) {
    if (header_.filters.size() >= kMaxDeclarations) return Bad(lines_, "too many FILTER lines");
    header_.filters.push_back(Attribute(body, "ID").value_or(""));
  } else if (line.starts_with("##reference=") || line.starts_with("##assembly=")) {
    std::string_view value = line.substr(line.find('=') + 1);
    auto assembly = ParseAssembly(value);
    for (std::string_view word : {"GRCh37", "hg19", "hs37d5", "b37"}) {
      if (!assembly && ToLower(value).find(ToLower(word)) != std::string::npos)
        assembly = Assembly::kGrch37;
    }
    for (std::string_view word : {"GRCh38", "hg38"}) {
      if (!assembly && ToLower(value).find(ToLower(word)) != std::string::npos)
        assembly = Assembly::kGrch38;
    }
    if (assembly && named_ && *named_ != *assembly) named_conflict_ = true;
    if (assembly) named_ = assembly;
  }
  return absl::OkStatus();
}

Status VcfHeaderParser::AddColumns(std::string_view line) {
  constexpr std::string_view kFixed = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (!line.starts_with(kFixed))
    return Bad(lines_, "the #CHROM line lacks one of the eight fixed columns");
  std::string_view rest = line.substr(kFixed.size());
  constexpr Status (*kNone)() = [] {
    return Error(StatusCode::kInvalidArgument, "NO_SAMPLES", "the file has no sample columns");
  };
  if (rest.empty() || rest == "\tFORMAT") return kNone();
  if (!rest.starts_with("\tFORMAT\t"))
    return Bad(lines_, "the ninth column of the #CHROM line is not FORMAT");
  rest.remove_prefix(8);
  if (static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\t')) >= kMaxSamples) {
    return Bad(lines_, "too many samples");
  }
  std::set<std::string_view> seen;
  for (std::string_view name : Split(rest, '\t')) {
    if (name.empty() || name.size() > kMaxSampleName)
      return Bad(lines_, "a sample name is empty or too long");
    if (!seen.insert(name).second) {
      return Error(StatusCode::kInvalidArgument, "DUPLICATE_SAMPLE",
                   "sample column {} repeats an earlier name", header_.samples.size() + 1);
    }
    header_.samples.emplace_back(name);
  }
  return absl::OkStatus();
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
  } else if (!is37 && !named_conflict_) {
    header_.assembly = named_;
  }
  return std::move(header_);
}

}  // namespace genofed::genomics
