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
constexpr std::size_t kMaxContigs = 100'000;
constexpr std::size_t kMaxDeclarations = 10'000;

// First-level types of symbolic alleles (4.1 to 4.3, section 1.4.5; BND from section 5), and those
// that callers in wide use declare besides: GATK's NON_REF, bcftools' * and X, CN0.. of the 1000
// Genomes Project, STR14 of ExpansionHunter, TRA of structural variant callers.
bool IsAltType(std::string_view type) {
  constexpr std::array kTypes = {"DEL", "INS", "DUP",     "INV", "CNV",
                                 "BND", "TRA", "NON_REF", "*",   "X"};
  if (std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end()) return true;
  // IUPAC ambiguity codes (section 1.4.5).
  if (type.size() == 1)
    return std::string_view("RYMKSWHBVDN").find(type[0]) != std::string_view::npos;
  for (std::string_view counted : {"CN", "STR"}) {
    if (!type.starts_with(counted)) continue;
    std::string_view number = type.substr(counted.size());
    return number.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return false;
}

bool IsNumber(std::string_view number, int minor) {
  if (number == "." || number == "A" || number == "G" || number == "R") return true;
  if (number == "P") return minor >= 4;  // 4.4, section 1.4.2
  auto count = ParseInt(number);
  return count.ok() && *count >= 0 && *count <= 1'000'000;
}

bool IsType(std::string_view type, bool info) {
  return type == "Integer" || type == "Float" || type == "Character" || type == "String" ||
         (info && type == "Flag");
}

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

void VcfHeaderParser::AddStructured(std::string_view key, std::string_view value) {
  VcfAttributes attributes;
  std::string column = fmt::format("##{}", key);
  if (std::string_view wrong = attributes.Parse(value); !wrong.empty()) {
    return Report(VcfCode::kBadMetaLine, column, wrong);
  }
  if (key == "INFO") return AddKeyed(attributes, true);
  if (key == "FORMAT") return AddKeyed(attributes, false);
  if (key == "FILTER") return AddFilter(attributes);
  if (key == "ALT") return AddAlt(attributes);
  if (key == "contig") return AddContig(attributes);
  if (key == "SAMPLE") return AddSample(attributes);
  AddPedigree(attributes);
}

bool VcfHeaderParser::HasRoom(std::size_t have, std::size_t limit, std::string_view column) {
  if (have < limit) return true;
  Report(VcfCode::kBadDefinition, column, "more declarations than genofed reads");
  return false;
}

bool VcfHeaderParser::CheckId(const VcfAttributes& attributes, std::string_view column) {
  const VcfAttribute* id = attributes.Find("ID");
  if (id == nullptr) {
    Report(VcfCode::kBadDefinition, column, "ID is missing");
  } else if (id->quoted) {
    Report(VcfCode::kBadDefinition, column, "ID is in quotation marks");
  } else if (!IsVcfId(id->value)) {
    Report(VcfCode::kBadDefinition, column,
           "ID is empty or has whitespace, a comma or another sign of the syntax");
  } else {
    return true;
  }
  return false;
}

bool VcfHeaderParser::CheckQuoted(const VcfAttributes& attributes, std::string_view column) {
  const VcfAttribute* description = attributes.Find("Description");
  if (description == nullptr) {
    Report(VcfCode::kBadDefinition, column, "Description is missing");
  } else if (!description->quoted) {
    Report(VcfCode::kBadDefinition, column, "Description is not in quotation marks");
  } else {
    return true;
  }
  return false;
}

// Sections 1.4.2 and 1.4.4.
void VcfHeaderParser::AddKeyed(const VcfAttributes& attributes, bool info) {
  std::string_view column = info ? "##INFO" : "##FORMAT";
  auto& list = info ? header_.infos : header_.formats;
  auto& ids = info ? info_ids_ : format_ids_;
  if (!CheckId(attributes, column)) return;
  const VcfAttribute* number = attributes.Find("Number");
  const VcfAttribute* type = attributes.Find("Type");
  if (number == nullptr || number->quoted || !IsNumber(number->value, header_.minor)) {
    return Report(VcfCode::kBadDefinition, column, "Number is none of a count, A, R, G and '.'");
  }
  if (type == nullptr || type->quoted || !IsType(type->value, info)) {
    return Report(VcfCode::kBadDefinition, column,
                  info ? "Type is none of Integer, Float, Flag, Character and String"
                       : "Type is none of Integer, Float, Character and String");
  }
  if (!CheckQuoted(attributes, column)) return;
  // "described as follows" in 4.1 and 4.2; later versions give the order up.
  if (header_.minor < 3 && !attributes.InOrder({"ID", "Number", "Type", "Description"})) {
    return Report(VcfCode::kBadDefinition, column,
                  "the order is not ID, Number, Type, Description");
  }
  VcfDefinition definition{std::string(attributes.ValueOf("ID")), std::string(number->value),
                           std::string(type->value),
                           UnescapeQuoted(attributes.ValueOf("Description")), header_.lines};
  if (header_.minor < 2 && definition.number == "R") {
    Report(VcfCode::kReservedKeyLoose, column, "Number=R is of a later version of the format");
  }
  auto [known, fresh] = ids.try_emplace(definition.id, list.size());
  if (!fresh) {
    const VcfDefinition& first = list[known->second];
    bool same = first.number == definition.number && first.type == definition.type;
    return Report(same ? VcfCode::kRepeatedDefinition : VcfCode::kDuplicateDefinition, column,
                  same ? "" : "an earlier definition of this id differs; the first one is used");
  }
  if (HasRoom(list.size(), kMaxDeclarations, column)) list.push_back(std::move(definition));
}

// Sections 1.4.3 and 1.6.1: 0 is reserved.
void VcfHeaderParser::AddFilter(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##FILTER") || !CheckQuoted(attributes, "##FILTER")) return;
  std::string id(attributes.ValueOf("ID"));
  if (id == "0") return Report(VcfCode::kBadDefinition, "##FILTER", "0 is reserved");
  if (!filter_ids_.try_emplace(id, header_.filters.size()).second) {
    return Report(VcfCode::kRepeatedDefinition, "##FILTER", "");
  }
  if (HasRoom(header_.filters.size(), kMaxDeclarations, "##FILTER")) header_.filters.push_back(id);
}

// Section 1.4.5. Number and Type are not of its attributes, but some writers add them.
void VcfHeaderParser::AddAlt(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##ALT")) return;
  const VcfAttribute* number = attributes.Find("Number");
  const VcfAttribute* type = attributes.Find("Type");
  std::string_view id = attributes.ValueOf("ID");
  std::string_view wrong;
  if (!IsAltType(id.substr(0, id.find(':')))) {
    wrong = "the first part of ID is no type of structural variant";
  } else if (number != nullptr && !IsNumber(number->value, header_.minor)) {
    wrong = "Number is none of a count, A, R, G and '.'";
  } else if (type != nullptr && !IsType(type->value, true)) {
    wrong = "Type is none of Integer, Float, Flag, Character and String";
  } else if (header_.minor < 3 && !attributes.InOrder({"ID", "Number", "Type", "Description"})) {
    wrong = "the order is not ID, Number, Type, Description";
  }
  if (!wrong.empty()) return Report(VcfCode::kBadDefinition, "##ALT", wrong);
  CheckQuoted(attributes, "##ALT");
}

// Section 1.4.7.
void VcfHeaderParser::AddContig(const VcfAttributes& attributes) {
  const VcfAttribute* id = attributes.Find("ID");
  if (id == nullptr || id->quoted || !IsContigText(id->value)) {
    return Report(VcfCode::kBadDefinition, "##contig",
                  "ID is missing or has signs that a contig name cannot have");
  }
  VcfContig contig;
  contig.raw = id->value;
  if (auto name = NormaliseContig(contig.raw); name.ok()) contig.name = *name;
  if (const VcfAttribute* length = attributes.Find("length")) {
    auto value = ParseInt(length->value);
    if (value.ok() && *value > 0) {
      contig.length = *value;
    } else {
      Report(VcfCode::kBadDefinition, "##contig", "length is not a positive number", "length");
    }
  }
  if (auto assembly = ParseAssembly(attributes.ValueOf("assembly"))) {
    NameAssembly(assembly, "##contig assembly");
  } else {
    NameAssembly(AssemblyOfAccession(contig.raw), "contig accessions");
  }
  auto [known, fresh] = contig_ids_.try_emplace(contig.raw, header_.contigs.size());
  if (fresh) {
    if (HasRoom(header_.contigs.size(), kMaxContigs, "##contig")) {
      header_.contigs.push_back(std::move(contig));
    }
    return;
  }
  VcfContig& first = header_.contigs[known->second];
  bool agrees = !first.length || !contig.length || *first.length == *contig.length;
  if (!first.length) first.length = contig.length;
  Report(agrees ? VcfCode::kRepeatedDefinition : VcfCode::kDuplicateDefinition, "##contig",
         agrees ? "" : "an earlier line gives this contig another length; the first one is used");
}

// Section 1.4.8; in 4.1 and 4.2 mixtures are proportions of genomes, one for each.
void VcfHeaderParser::AddSample(const VcfAttributes& attributes) {
  if (!CheckId(attributes, "##SAMPLE") || header_.minor >= 3) return;
  const VcfAttribute* genomes = attributes.Find("Genomes");
  const VcfAttribute* mixture = attributes.Find("Mixture");
  if (genomes == nullptr && mixture == nullptr) return;
  std::string_view wrong;
  if (genomes == nullptr || mixture == nullptr) {
    wrong = "Genomes and Mixture go together, and one is missing";
  } else if (genomes->quoted || mixture->quoted) {
    wrong = "Genomes or Mixture is in quotation marks";
  } else if (std::count(genomes->value.begin(), genomes->value.end(), ';') !=
             std::count(mixture->value.begin(), mixture->value.end(), ';')) {
    wrong = "Genomes and Mixture have different numbers of values";
  }
  if (!wrong.empty()) Report(VcfCode::kBadDefinition, "##SAMPLE", wrong);
}

// Section 1.4.9: values are names of genomes.
void VcfHeaderParser::AddPedigree(const VcfAttributes& attributes) {
  for (const VcfAttribute& attribute : attributes.all()) {
    if (attribute.quoted) continue;
    if (!IsVcfId(attribute.value) || attribute.value.find(':') != std::string_view::npos) {
      return Report(VcfCode::kBadDefinition, "##PEDIGREE",
                    "a genome's name is empty or has whitespace or a colon");
    }
  }
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
