// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/variant_query.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/beacon/json_values.h"
#include "libs/core/parts.h"
#include "libs/core/strings.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBases = 10'000;

// IUPAC nucleotide codes as sets of A, C, G, T; U is T. 0: no code.
unsigned BaseSet(char base) {
  constexpr std::string_view kCodes = "ACGTUNRYSWKMBDHV";
  constexpr std::array<unsigned, 16> kSets = {1, 2, 4, 8, 8, 15, 5, 10, 6, 9, 12, 3, 14, 13, 11, 7};
  const auto at = kCodes.find(base);
  return at == std::string_view::npos ? 0 : kSets[at];
}

// Each base of `bases` is one of those that the code at its place stands for.
bool BasesMatch(std::string_view pattern, std::string_view bases) {
  return pattern.size() == bases.size() &&
         std::equal(pattern.begin(), pattern.end(), bases.begin(), [](char code, char base) {
           const unsigned set = BaseSet(base);
           return code == base || (set != 0 && (BaseSet(code) & set) == set);
         });
}

// Alleles without what they share at the end and then at the beginning.
struct Trimmed {
  std::int64_t start;
  std::string_view ref, alt;
  bool operator==(const Trimmed&) const = default;
};

Trimmed Trim(std::int64_t start, std::string_view ref, std::string_view alt) {
  while (!ref.empty() && !alt.empty() && ref.back() == alt.back()) {
    ref.remove_suffix(1);
    alt.remove_suffix(1);
  }
  while (!ref.empty() && !alt.empty() && ref.front() == alt.front()) {
    ref.remove_prefix(1);
    alt.remove_prefix(1);
    ++start;
  }
  return {start, ref, alt};
}

std::string UpperType(std::string_view type) {
  std::string upper = ToUpper(type);
  return upper == "SNV" ? "SNP" : upper;
}

// "refseq:NC_000003.12", "HGVSid:3:g.45864730T>C", "chr3": the contig, and the assembly where an accession tells it.
void TakeSequence(std::string_view id, VariantFacts& facts) {
  std::vector<std::string_view> parts = Split(id, ':');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i == 0 && parts.size() > 1 && !StartsWithIgnoreCase(parts[i], "NC_")) continue;  // the prefix of a CURIE
    const auto contig = genomics::NormaliseContig(parts[i]);
    if (!contig.ok()) continue;
    facts.contig = *contig;
    facts.assembly = genomics::AssemblyOfAccession(parts[i]);
    return;
  }
}

Status Invalid(std::string_view field, std::string_view what) {
  return InvalidField(field, "VARIATION_INVALID", "{}", what);
}

// VRS wraps coordinates ({"type": "Number", "value": 5}); older files have them bare.
std::optional<std::int64_t> Coordinate(const json& interval, const char* name) {
  const json* value = Member(interval, name);
  if (value != nullptr && value->is_object()) value = Member(*value, "value");
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  const auto number = value->get<std::int64_t>();
  if (number < 0 || number > genomics::kMaxPosition) return std::nullopt;
  return number;
}

Status ReadLocation(const json& variation, VariantFacts& facts) {
  const json* location = Member(variation, "location");
  if (location == nullptr) {
    // VRS variations on a gene or with a nested subject have no location of their own; they are found by other means.
    const json* type = Member(variation, "type");
    return type != nullptr ? absl::OkStatus() : Invalid("variation.location", "is missing");
  }
  if (location->is_string()) return absl::OkStatus();  // a VRS identifier
  if (const json* sequence = Member(*location, "sequence_id"); sequence != nullptr && sequence->is_string()) {
    TakeSequence(sequence->get_ref<const std::string&>(), facts);
  } else if (const json* chromosome = Member(*location, "chr"); chromosome != nullptr && chromosome->is_string()) {
    TakeSequence(chromosome->get_ref<const std::string&>(), facts);
    return absl::OkStatus();  // a cytoband
  }
  if (facts.contig.empty()) return Invalid("variation.location.sequence_id", "is not the name of a sequence");
  const json* interval = Member(*location, "interval");
  if (interval == nullptr) return Invalid("variation.location.interval", "is missing");
  const auto start = Coordinate(*interval, "start"), end = Coordinate(*interval, "end");
  if (!start || !end || *end < *start) return Invalid("variation.location.interval", "is not a range of positions");
  facts.start = *start;
  facts.end = *end;
  return absl::OkStatus();
}

std::optional<std::string> BasesOf(const json& object, const char* name) {
  const json* bases = Member(object, name);
  if (bases == nullptr || !bases->is_string()) return std::nullopt;
  std::string text = genomics::UpperBases(bases->get_ref<const std::string&>());
  if (text == "-" || text == ".") text.clear();
  return text;
}

// As FormatHgvs writes what can be read; lower case.
std::string NormalHgvs(const std::string& text,
                       const Result<genomics::HgvsDescription>& described) {
  if (!described.ok()) return ToLower(text);
  return ToLower(
      genomics::FormatHgvs(*described, described->assembly.value_or(genomics::Assembly::kGrch38)));
}

void ReadIdentifiers(const json& record, VariantFacts& facts) {
  const json* identifiers = Member(record, "identifiers");
  if (identifiers == nullptr) return;
  for (const char* name : {"genomicHGVSId", "transcriptHGVSIds", "proteinHGVSIds"}) {
    const json* value = Member(*identifiers, name);
    if (value == nullptr) continue;
    ForEachText(*value, [&](const std::string& text) {
      facts.hgvs.push_back(NormalHgvs(text, genomics::ParseHgvs(text)));
      if (std::string_view(name) == "proteinHGVSIds")
        facts.amino_acid_changes.push_back(genomics::NormaliseAminoAcidChange(text));
      if (std::string_view(name) == "genomicHGVSId" && !facts.assembly) {
        facts.assembly = genomics::AssemblyOfAccession(text.substr(0, text.find(':')));
      }
    });
  }
}

bool Contains(const std::vector<std::string>& list, const std::string& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool HgvsMatches(const genomics::HgvsDescription& described, const VariantFacts& variant) {
  if (described.contig != variant.contig || !variant.ref || !variant.alt) return false;
  if (described.assembly && variant.assembly && *described.assembly != *variant.assembly) return false;
  const Trimmed own = Trim(variant.start, *variant.ref, *variant.alt);
  const std::int64_t begin = described.start - 1;
  const auto length = static_cast<std::size_t>(described.end - begin);
  switch (described.kind) {
    case genomics::HgvsKind::kSubstitution:
      return own == Trimmed{begin, described.ref, described.alt};
    case genomics::HgvsKind::kDeletion:
      return own.alt.empty() && own.start == begin && own.ref.size() == length;
    case genomics::HgvsKind::kInsertion:
      return own.ref.empty() && own.start == described.start && own.alt == described.alt;
    case genomics::HgvsKind::kDelins:
      return variant.start == begin && variant.ref->size() == length && *variant.alt == described.alt;
    case genomics::HgvsKind::kInversion: {
      if (own.start != begin || own.ref.size() != length) return false;
      const auto its =
          genomics::DescribeHgvs({variant.contig, variant.start, *variant.ref, *variant.alt},
                                 described.assembly.value_or(genomics::Assembly::kGrch38), nullptr);
      return its.ok() && its->kind == described.kind;
    }
    default:
      return false;  // duplications need the reference; they are found as they are written
  }
}

bool Overlaps(const VariantFacts& variant, std::int64_t begin, std::int64_t end) {
  // What has no length, as an insertion between bases, lies at its place.
  const std::int64_t variant_end = std::max(variant.end, variant.start + 1);
  return variant.start < std::max(end, begin + 1) && variant_end > begin;
}

}  // namespace

std::string TypeOfAlleles(std::string_view ref, std::string_view alt) {
  if (ref.size() == alt.size()) return ref.size() == 1 ? "SNP" : "MNP";
  return ref.size() < alt.size() ? "INS" : "DEL";
}

std::int64_t VariantFacts::length() const {
  if (!ref && !alt) return end - start;
  const std::size_t longest = std::max(ref ? ref->size() : 0, alt ? alt->size() : 0);
  return ref ? static_cast<std::int64_t>(longest) : std::max(static_cast<std::int64_t>(longest), end - start);
}

Result<VariantFacts> ReadVariantFacts(const json& record) {
  const json* variation = Member(record, "variation");
  if (variation == nullptr || !variation->is_object()) return Invalid("variation", "is missing");
  VariantFacts facts;
  GF_TRY(ReadLocation(*variation, facts));
  facts.ref = BasesOf(*variation, "referenceBases");
  facts.alt = BasesOf(*variation, "alternateBases");
  if (const json* state = Member(*variation, "state"); !facts.alt && state != nullptr)
    facts.alt = BasesOf(*state, "sequence");
  if (const json* type = Member(*variation, "variantType"); type != nullptr && type->is_string()) {
    facts.type = UpperType(type->get_ref<const std::string&>());
  } else {
    if (facts.ref && facts.alt) facts.type = TypeOfAlleles(*facts.ref, *facts.alt);
  }
  if (const json* attributes = Member(record, "molecularAttributes"); attributes != nullptr) {
    if (const json* genes = Member(*attributes, "geneIds"); genes != nullptr)
      ForEachText(*genes, [&](const std::string& gene) { facts.genes.push_back(ToLower(gene)); });
    if (const json* changes = Member(*attributes, "aminoacidChanges"); changes != nullptr) {
      ForEachText(*changes, [&](const std::string& change) {
        facts.amino_acid_changes.push_back(genomics::NormaliseAminoAcidChange(change));
      });
    }
  }
  ReadIdentifiers(record, facts);
  return facts;
}

bool VariantQuery::Matches(const VariantFacts& variant) const {
  if (!contig.empty() && contig != variant.contig) return false;
  if (assembly && variant.assembly && *assembly != *variant.assembly) return false;
  if (start.size() == 2) {
    if (variant.start < start[0] || variant.start >= start[1] || variant.end < end[0] || variant.end >= end[1])
      return false;
  } else if (!end.empty()) {
    if (!Overlaps(variant, start[0], end[0])) return false;
  } else if (!start.empty() && variant.start != start[0] && !IsOneChange()) {
    return false;
  }
  if (IsOneChange()) {
    if (!variant.ref || !variant.alt ||
        Trim(start[0], ref, alt) != Trim(variant.start, *variant.ref, *variant.alt))
      return false;
  } else {
    if (!ref.empty() && !(variant.ref && BasesMatch(ref, *variant.ref))) return false;
    if ((!alt.empty() || no_alt) && !(variant.alt && BasesMatch(alt, *variant.alt))) return false;
  }
  if (!type.empty() && type != variant.type) return false;
  if (!gene.empty() && !Contains(variant.genes, gene)) return false;
  if (!amino_acid_change.empty() && !Contains(variant.amino_acid_changes, amino_acid_change)) return false;
  if (min_length && variant.length() < *min_length) return false;
  if (max_length && variant.length() > *max_length) return false;
  return hgvs.empty() || Contains(variant.hgvs, hgvs) || (described && HgvsMatches(*described, variant));
}

bool VariantQuery::IsOneChange() const {
  const auto plain = [](const std::string& bases) {
    return bases.find_first_not_of("ACGT") == std::string::npos;
  };
  return start.size() == 1 && end.empty() && !ref.empty() && (!alt.empty() || no_alt) &&
         plain(ref) && plain(alt);
}

std::string VariantQuery::Meaning() const {
  const auto numbers = [](const std::vector<std::int64_t>& values) {
    return fmt::format("{}", fmt::join(values, ","));
  };
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : "";
  };
  std::string place = JoinParts({numbers(start), numbers(end), ref, no_alt ? "-" : alt});
  if (IsOneChange()) {
    const Trimmed change = Trim(start[0], ref, alt);
    place = JoinParts({"change", std::to_string(change.start), change.ref, change.alt});
  }
  return JoinParts({assembly ? genomics::AssemblyName(*assembly) : "", contig, place, type, gene,
                    amino_acid_change, hgvs, described ? "described" : "", number(min_length),
                    number(max_length)});
}

std::optional<VariantQuery::Window> VariantQuery::Region() const {
  if (contig.empty() || start.empty()) return std::nullopt;
  if (start.size() == 2) return Window{start[0], start[1]};
  if (!end.empty()) return Window{start[0], std::max(end[0], start[0] + 1)};
  // Trimming moves a start by no more than the bases that were given.
  const auto slack = static_cast<std::int64_t>(std::max(ref.size(), alt.size()));
  return Window{std::max<std::int64_t>(start[0] - slack, 0), start[0] + slack + 1};
}

Status VariantParameters::TakePositions(const std::string& name, const json& value) {
  std::vector<std::int64_t>& out = name == "start" ? query_.start : query_.end;
  const auto take = [&](const json& one) -> Status {
    GF_ASSIGN(const std::int64_t position, IntegerOf(one, name));
    if (position < 0 || position > genomics::kMaxPosition) return WrongField(name, "is out of range");
    out.push_back(position);
    return absl::OkStatus();
  };
  if (value.is_array()) {
    for (const json& one : value) GF_TRY(take(one));
  } else if (value.is_string()) {
    for (std::string_view part : Split(value.get_ref<const std::string&>(), ',')) GF_TRY(take(json(std::string(part))));
  } else {
    GF_TRY(take(value));
  }
  if (out.size() > 2) return WrongField(name, "has more than two values");
  echo_.emplace_back(name, json(out).dump());
  return absl::OkStatus();
}

Status VariantParameters::TakeBases(const std::string& name, const json& value) {
  GF_ASSIGN(const std::string text, TextValue(value, name, kMaxBases));
  std::string bases = genomics::UpperBases(text);
  if (bases == "-" || bases == ".") bases.clear();
  if (!std::all_of(bases.begin(), bases.end(), [](char c) { return BaseSet(c) != 0; }))
    return WrongField(name, "must be bases or IUPAC codes");
  if (name == "alternateBases") query_.no_alt = bases.empty();
  echo_.emplace_back(name, json(bases).dump());
  (name == "referenceBases" ? query_.ref : query_.alt) = std::move(bases);
  return absl::OkStatus();
}

Status VariantParameters::TakeReferenceName(const std::string& value) {
  auto contig = genomics::NormaliseContig(value);
  if (!contig.ok()) return InvalidField("referenceName", "CONTIG_INVALID", "is not the name of a sequence");
  query_.contig = *std::move(contig);
  accession_assembly_ = genomics::AssemblyOfAccession(value);
  return absl::OkStatus();
}

Status VariantParameters::Take(const std::string& given, const json& value) {
  // The OpenAPI of the model says "allele" and "geneid", the documentation and everybody else the other.
  const std::string name = given == "allele" ? "genomicAlleleShortForm" : given == "geneid" ? "geneId" : given;
  if (Has(name)) return WrongField(name, "is given twice");
  if (name == "start" || name == "end") return TakePositions(name, value);
  if (name == "referenceBases" || name == "alternateBases") return TakeBases(name, value);
  if (name == "variantMinLength" || name == "variantMaxLength") {
    GF_ASSIGN(const std::int64_t length, IntegerOf(value, name));
    if (length < 0) return WrongField(name, "is out of range");
    (name == "variantMinLength" ? query_.min_length : query_.max_length) = length;
    echo_.emplace_back(name, json(length).dump());
    return absl::OkStatus();
  }
  constexpr std::array<std::string_view, 6> kTexts = {"referenceName", "assemblyId",      "variantType",
                                                      "geneId",        "aminoacidChange", "genomicAlleleShortForm"};
  if (std::find(kTexts.begin(), kTexts.end(), name) == kTexts.end())
    return InvalidField(name, "QUERY_UNSUPPORTED", "is not a parameter that this beacon understands");
  GF_ASSIGN(const std::string text, TextValue(value, name, 256));
  if (name == "referenceName") GF_TRY(TakeReferenceName(text));
  if (name == "assemblyId") {
    named_assembly_ = genomics::ParseAssembly(text);
    if (!named_assembly_) return WrongField(name, "is not an assembly that this beacon knows");
  }
  if (name == "variantType") query_.type = UpperType(text);
  if (name == "geneId") {
    query_.gene = ToLower(text);
    query_.gene_name = text;
  }
  if (name == "aminoacidChange") query_.amino_acid_change = genomics::NormaliseAminoAcidChange(text);
  if (name == "genomicAlleleShortForm") {
    auto described = genomics::ParseHgvs(text);
    query_.hgvs = NormalHgvs(text, described);
    if (described.ok()) query_.described = *std::move(described);
  }
  echo_.emplace_back(name, json(text).dump());
  return absl::OkStatus();
}

bool VariantParameters::Has(const std::string& name) const {
  return std::any_of(echo_.begin(), echo_.end(), [&](const auto& entry) { return entry.first == name; });
}

std::string VariantParameters::Echo() const {
  json echo = json::object();
  for (const auto& [name, text] : echo_) echo[name] = json::parse(text);
  return echo.dump();
}

Result<VariantQuery> VariantParameters::Finish() const {
  VariantQuery query = query_;
  const auto missing = [](std::string_view field, std::string_view why) {
    return InvalidField(field, "QUERY_INCOMPLETE", "{}", why);
  };
  const bool elsewhere = !query.gene.empty() || !query.amino_acid_change.empty() || !query.hgvs.empty();
  const bool bases = !query.ref.empty() || !query.alt.empty();
  if (query.start.empty()) {
    if (!query.end.empty()) return missing("start", "must be given with end");
    if ((!query.contig.empty() || bases) && !elsewhere) return missing("start", "must be given");
  } else {
    if (query.contig.empty() && !elsewhere) return missing("referenceName", "must be given with start");
    if (query.end.empty() && query.alt.empty() && !(query.no_alt && !query.ref.empty()))
      return missing("alternateBases", "must be given with start, unless end is");
    if (query.start.size() == 2 && query.end.size() != 2) return missing("end", "must have two values, as start has");
    if (query.start.size() == 1 && query.end.size() == 2) return missing("start", "must have two values, as end has");
    if (query.start.size() == 2 && (query.start[1] < query.start[0] || query.end[1] < query.end[0]))
      return WrongField("start", "and end must be in rising order");
    if (query.start.size() == 1 && query.end.size() == 1 && query.end[0] < query.start[0])
      return WrongField("end", "must not be less than start");
  }
  if (query.no_alt && query.ref.empty()) query.no_alt = false;  // a form's empty field
  if (query.min_length && query.max_length && *query.min_length > *query.max_length)
    return WrongField("variantMaxLength", "must not be less than variantMinLength");
  if (named_assembly_ && accession_assembly_ && *named_assembly_ != *accession_assembly_)
    return WrongField("assemblyId", "contradicts referenceName");
  query.assembly = accession_assembly_ ? accession_assembly_ : named_assembly_;
  return query;
}

}  // namespace genofed::beacon
