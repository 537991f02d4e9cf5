// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/query.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "libs/cohort/people.h"
#include "libs/core/parts.h"
#include "libs/core/strings.h"
#include "libs/genomics/normalise.h"
#include "libs/genomics/protein_change.h"

namespace genofed::discovery {
namespace {

using genomics::kMaxPosition;

constexpr std::string_view kTermCharacters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz.-";

// A CURIE, of the characters that onboarding takes.
bool IsTerm(std::string_view term) {
  const auto colon = term.find(':');
  if (term.size() > 64 || colon == 0 || colon == std::string_view::npos || colon + 1 == term.size())
    return false;
  term.remove_prefix(term.find_first_not_of(kTermCharacters));
  return term.substr(1).find_first_not_of(kTermCharacters) == std::string_view::npos;
}

// Only A, C, G and T: an N would stand for four alleles, each with a count of its own.
Status CheckBases(std::string_view field, const std::string& bases) {
  if (bases.size() > kMaxQueryBases) {
    return InvalidField(field, "BASES_TOO_LONG", "at most {} bases", kMaxQueryBases);
  }
  if (bases.find_first_not_of("ACGT") != std::string::npos) {
    return InvalidField(field, "BASES_INVALID", "only the bases A, C, G and T are understood");
  }
  return absl::OkStatus();
}

Status CheckPlace(const RawVariant& raw) {
  if (raw.start < 0 || raw.start >= kMaxPosition) {
    return InvalidField("variant.start", "POSITION_INVALID", "must be within 0 and {}",
                        kMaxPosition);
  }
  if (raw.end == 0) {
    if (raw.alt.empty()) {
      return InvalidField("variant.alternate_bases", "ALLELE_MISSING",
                          "a start without an end needs alternate bases");
    }
    return absl::OkStatus();
  }
  if (raw.end <= raw.start || raw.end > kMaxPosition) {
    return InvalidField("variant.end", "POSITION_INVALID", "must lie behind start");
  }
  if (raw.end - raw.start > kMaxRangeBases) {
    return InvalidField("variant.end", "RANGE_TOO_LONG", "at most {} bases", kMaxRangeBases);
  }
  return absl::OkStatus();
}

Status MakeExact(VariantPattern& pattern) {
  genomics::Variant variant{pattern.contig, pattern.start, pattern.ref, pattern.alt};
  // The index was left-aligned with a reference, which a query has not: an indel inside a repeat
  // must come aligned.
  Status trimmed = genomics::NormaliseVariant(variant, nullptr);
  if (!trimmed.ok()) {
    return InvalidField("variant.alternate_bases", "VARIANT_INVALID",
                        "must differ from the reference bases");
  }
  pattern.form = VariantPattern::Form::kExact;
  pattern.start = variant.pos;
  pattern.end = variant.end();
  pattern.ref = variant.ref;
  pattern.alt = variant.alt;
  return absl::OkStatus();
}

Status CheckName(std::string_view field, std::string_view text) {
  const bool fits = text.size() <= 128 && std::all_of(text.begin(), text.end(),
                                                      [](char c) { return c > ' ' && c <= '~'; });
  return fits ? absl::OkStatus() : InvalidField(field, "FIELD_INVALID", "is not a name");
}

// Consequences and frequency.
Status Restrict(const RawVariant& raw, VariantPattern& pattern) {
  if (!raw.consequences.empty()) pattern.consequences = 0;
  for (const std::string& term : raw.consequences) {
    const auto consequence = cohort::ParseConsequence(term);
    if (!consequence)
      return InvalidField("variant.consequences", "CONSEQUENCE_UNKNOWN",
                          "must be a term of the Sequence Ontology such as stop_gained");
    pattern.consequences |= cohort::Of(*consequence);
  }
  if (raw.below_frequency == 0) return absl::OkStatus();
  if (!(raw.below_frequency > 0 && raw.below_frequency <= 1))
    return InvalidField("variant.below_frequency", "FIELD_INVALID", "must be above 0, at most 1");
  pattern.below_frequency = raw.below_frequency;
  return absl::OkStatus();
}

// A substitution is an exact allele; all else is looked for where the description lies.
Status TakeHgvs(const RawVariant& raw, VariantPattern& pattern) {
  auto described = genomics::ParseHgvs(raw.hgvs);
  if (!described.ok())
    return InvalidField("variant.hgvs", "HGVS_INVALID", "{}", Message(described.status()));
  if (!pattern.contig.empty() && pattern.contig != described->contig)
    return InvalidField("variant.hgvs", "FIELD_INVALID", "contradicts the contig");
  if (pattern.assembly && described->assembly && *pattern.assembly != *described->assembly)
    return InvalidField("variant.hgvs", "FIELD_INVALID", "contradicts the assembly");
  pattern.contig = described->contig;
  if (described->assembly) pattern.assembly = described->assembly;
  pattern.search.hgvs = ToLower(genomics::FormatHgvs(
      *described, described->assembly.value_or(genomics::Assembly::kGrch38)));
  pattern.search.described = *std::move(described);
  return absl::OkStatus();
}

Status TakeBracket(const RawVariant& raw, VariantPattern& pattern) {
  const auto& start = raw.start_bracket;
  const auto& end = raw.end_bracket;
  if (start.empty() && end.empty()) return absl::OkStatus();
  if (start.size() != 2 || end.size() != 2 || raw.start != 0 || raw.end != 0)
    return InvalidField("variant.bracket", "FIELD_INVALID", "has two values for start and for end");
  if (start[0] < 0 || start[1] < start[0] || end[0] < 0 || end[1] < end[0] ||
      std::max(start[1], end[1]) > kMaxPosition)
    return InvalidField("variant.bracket", "POSITION_INVALID", "must be in rising order");
  pattern.search.start = start;
  pattern.search.end = end;
  return absl::OkStatus();
}

bool IsSearch(const RawVariant& raw) {
  return !raw.gene.empty() || !raw.amino_acid_change.empty() || !raw.hgvs.empty() ||
         !raw.type.empty() || raw.min_length != 0 || raw.max_length != 0 ||
         !raw.start_bracket.empty() || !raw.end_bracket.empty();
}

Status MakeSearch(const RawVariant& raw, VariantPattern& pattern) {
  beacon::VariantQuery& search = pattern.search;
  const bool placed = !IsSearch(raw) || raw.start != 0 || raw.end != 0;
  GF_TRY(TakeBracket(raw, pattern));
  GF_TRY(CheckName("variant.gene", raw.gene));
  GF_TRY(CheckName("variant.amino_acid_change", raw.amino_acid_change));
  GF_TRY(CheckName("variant.type", raw.type));
  if (!raw.hgvs.empty()) GF_TRY(TakeHgvs(raw, pattern));
  search.gene = ToLower(raw.gene);
  search.gene_name = raw.gene;
  search.amino_acid_change = genomics::NormaliseAminoAcidChange(raw.amino_acid_change);
  search.type = ToUpper(raw.type) == "SNV" ? "SNP" : ToUpper(raw.type);
  if (raw.min_length < 0 || raw.max_length < 0 ||
      (raw.max_length != 0 && raw.max_length < raw.min_length))
    return InvalidField("variant.max_length", "FIELD_INVALID",
                        "must not be less than the shortest length");
  if (raw.min_length != 0) search.min_length = raw.min_length;
  if (raw.max_length != 0) search.max_length = raw.max_length;
  search.ref = pattern.ref;
  search.alt = pattern.alt;
  if (search.start.empty() && placed && raw.hgvs.empty()) {
    if (pattern.contig.empty())
      return InvalidField("variant.contig", "CONTIG_INVALID", "must be given with a position");
    GF_TRY(CheckPlace(raw));
    search.start = {raw.start};
    if (raw.end != 0) search.end = {raw.end};
  }
  search.contig = pattern.contig;
  search.assembly = pattern.assembly;
  pattern.form = VariantPattern::Form::kSearch;
  if (!search.gene.empty() || !search.amino_acid_change.empty()) return absl::OkStatus();
  const auto region = pattern.Region();
  if (!region)
    return InvalidField("variant", "VARIANT_MISSING", "say which gene, change, variant or range");
  if (region->end - region->begin > kMaxRangeBases)
    return InvalidField("variant.end", "RANGE_TOO_LONG", "at most {} bases", kMaxRangeBases);
  return absl::OkStatus();
}

Result<VariantPattern> ValidateVariant(const RawVariant& raw) {
  VariantPattern pattern;
  if (!raw.assembly.empty()) {
    pattern.assembly = genomics::ParseAssembly(raw.assembly);
    if (!pattern.assembly)
      return InvalidField("variant.assembly", "ASSEMBLY_UNKNOWN", "GRCh37 and GRCh38 are known");
  } else {
    pattern.assembly = genomics::AssemblyOfAccession(raw.contig);
  }
  const bool search = IsSearch(raw);
  if (!raw.contig.empty() || !search) {
    auto contig = genomics::NormaliseContig(raw.contig);
    if (!contig.ok())
      return InvalidField("variant.contig", "CONTIG_INVALID",
                          "must name a sequence such as 20, X or MT");
    pattern.contig = *contig;
  }
  pattern.ref = genomics::UpperBases(raw.ref);
  pattern.alt = genomics::UpperBases(raw.alt);
  GF_TRY(CheckBases("variant.reference_bases", pattern.ref));
  GF_TRY(CheckBases("variant.alternate_bases", pattern.alt));
  GF_TRY(Restrict(raw, pattern));
  const bool restricted = pattern.consequences != cohort::kAnyConsequence ||
                          pattern.below_frequency <= 1;
  if (search || (restricted && raw.end == 0)) {
    GF_TRY(MakeSearch(raw, pattern));
    return pattern;
  }
  GF_TRY(CheckPlace(raw));
  pattern.start = raw.start;
  pattern.end = raw.end;
  auto ref_end = raw.start + static_cast<std::int64_t>(pattern.ref.size());
  const bool exact = !pattern.ref.empty() && !pattern.alt.empty() && !restricted;
  if (exact && (raw.end == 0 || raw.end == ref_end)) {
    GF_TRY(MakeExact(pattern));
  } else {
    pattern.form = raw.end == 0 ? VariantPattern::Form::kAtStart : VariantPattern::Form::kRange;
    if (raw.end == 0) pattern.end = raw.start + 1;
  }
  return pattern;
}

Status CheckFilter(std::size_t place, const Filter& filter) {
  const std::string field = fmt::format("filters[{}]", place);
  if (filter.ages) {
    if (!filter.term.empty() || filter.ages->first < 0 || filter.ages->second < filter.ages->first)
      return InvalidField(field, "FILTER_INVALID", "must be a range of ages in years");
    if (filter.similarity != beacon::Similarity::kExact)
      return InvalidField(field, "FILTER_INVALID", "no age is similar to another");
  } else if (!IsTerm(filter.term)) {
    return InvalidField(field, "FILTER_INVALID", "must be a term such as HP:0001250");
  }
  return absl::OkStatus();
}

// Nobody counts as older: however far beyond a range goes, it is one.
std::pair<std::int32_t, std::int32_t> Clamped(std::pair<std::int32_t, std::int32_t> ages) {
  constexpr auto kOldest = static_cast<std::int32_t>(cohort::kMaxAge);
  const std::int32_t from = std::min(ages.first, kOldest + 1);  // as old as nobody is
  return {from, std::clamp(ages.second, from, std::max(from, kOldest))};
}

template <typename T>
void SortAndUnite(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

const char* ByName(By by) {
  switch (by) {
    case By::kSex:
      return "sex";
    case By::kAge:
      return "age";
    case By::kSexByAge:
      return "sexByAge";
  }
  return "sex";
}

std::optional<By> ParseBy(std::string_view name) {
  for (const By by : {By::kSex, By::kAge, By::kSexByAge}) {
    if (name == ByName(by)) return by;
  }
  return std::nullopt;
}

const char* EntityName(Entity entity) {
  return entity == Entity::kVariant ? "variant" : "individual";
}

const char* GranularityName(Granularity granularity) {
  switch (granularity) {
    case Granularity::kBoolean:
      return "boolean";
    case Granularity::kCount:
      return "count";
    case Granularity::kRecord:
      return "record";
  }
  return "boolean";
}

bool Query::Wants(const std::string& dataset) const {
  return datasets.empty() || std::find(datasets.begin(), datasets.end(), dataset) != datasets.end();
}

Result<Query> Validate(const RawQuery& raw) {
  if (!raw.entity) return InvalidField("entity", "ENTITY_MISSING", "must be variant or individual");
  Query query;
  query.entity = *raw.entity;
  query.granularity = raw.granularity;
  if (raw.variant) {
    GF_ASSIGN(query.variant, ValidateVariant(*raw.variant));
  } else if (query.entity == Entity::kVariant) {
    return InvalidField("variant", "VARIANT_MISSING", "say which variant or range");
  }
  std::size_t n_filters = 0;
  for (std::size_t i = 0; i < raw.filters.size(); ++i) {
    n_filters += std::max<std::size_t>(raw.filters[i].size(), 1);
    if (n_filters > kMaxFilters)
      return InvalidField("filters", "TOO_MANY_FILTERS", "at most {} filters", kMaxFilters);
    if (raw.filters[i].empty())
      return InvalidField(fmt::format("filters[{}]", i), "FILTER_INVALID", "is empty");
    for (const Filter& filter : raw.filters[i]) GF_TRY(CheckFilter(i, filter));
  }
  query.filters = raw.filters;
  for (FilterGroup& group : query.filters) {
    for (Filter& filter : group) {
      if (filter.ages) filter.ages = Clamped(*filter.ages);
    }
    SortAndUnite(group);
  }
  SortAndUnite(query.filters);
  if (raw.datasets.size() > kMaxDatasets) {
    return InvalidField("datasets", "TOO_MANY_DATASETS", "at most {} datasets", kMaxDatasets);
  }
  query.datasets = raw.datasets;
  if (raw.sites.size() > kMaxSites)
    return InvalidField("sites", "TOO_MANY_SITES", "at most {} sites", kMaxSites);
  query.sites = raw.sites;
  for (const std::string& name : raw.distributions) {
    const auto by = ParseBy(name);
    if (!by)
      return InvalidField("aggregations", "AGGREGATION_UNKNOWN", "sex, age and sexByAge are known");
    query.distributions.push_back(*by);
  }
  SortAndUnite(query.distributions);
  if (!query.distributions.empty() && (query.entity != Entity::kIndividual || query.variant))
    return InvalidField("aggregations", "QUERY_UNSUPPORTED",
                        "individuals are aggregated, without a condition on variants");
  return query;
}

Query Narrowed(Query query, const Filter& filter) {
  query.filters.push_back({filter});
  SortAndUnite(query.filters);
  return query;
}

std::string Filter::Text() const {
  if (ages) {
    const auto [from, to] = Clamped(*ages);
    return JoinParts({"ages", std::to_string(from), std::to_string(to)});
  }
  const char* what = descendants ? "term" : "exact term";
  if (similarity == beacon::Similarity::kExact) return JoinParts({what, term});
  return JoinParts({what, term, beacon::SimilarityName(similarity)});
}

std::optional<beacon::VariantQuery::Window> VariantPattern::Region() const {
  if (form == Form::kRange) return beacon::VariantQuery::Window{start, end};
  if (search.described) {
    // An insertion stands between two bases, and left-aligned ones may begin one base before.
    return beacon::VariantQuery::Window{std::max<std::int64_t>(search.described->start - 2, 0),
                                        search.described->end + 1};
  }
  return search.Region();
}

VariantPattern::Condition VariantPattern::OfAllele() const {
  if (form == Form::kRange) {
    if (ref.empty() && alt.empty()) return nullptr;
    return [this](std::uint32_t, std::string_view its_ref, std::string_view its_alt) {
      return (ref.empty() || ref == its_ref) && (alt.empty() || alt == its_alt);
    };
  }
  // Of gene and change the index knows more than the allele.
  beacon::VariantQuery rest = search;
  rest.gene.clear();
  rest.amino_acid_change.clear();
  const bool nothing = rest.start.empty() && rest.ref.empty() && rest.alt.empty() &&
                       rest.type.empty() && rest.hgvs.empty() && !rest.min_length &&
                       !rest.max_length;
  if (nothing) return nullptr;
  return [rest = std::move(rest)](std::uint32_t position, std::string_view its_ref,
                                  std::string_view its_alt) {
    beacon::VariantFacts facts;
    facts.contig = rest.contig;
    facts.start = position;
    facts.end = facts.start + static_cast<std::int64_t>(its_ref.size());
    facts.ref = its_ref;
    facts.alt = its_alt;
    facts.type = beacon::TypeOfAlleles(its_ref, its_alt);
    return rest.Matches(facts);
  };
}

namespace {

// All of a search that decides what it finds.
std::string CanonicalSearch(const VariantPattern& variant) {
  const beacon::VariantQuery& search = variant.search;
  return JoinParts({"search", variant.contig, fmt::format("{}", fmt::join(search.start, ",")),
                    fmt::format("{}", fmt::join(search.end, ",")), search.ref, search.alt,
                    search.gene, search.amino_acid_change, search.hgvs, search.type,
                    std::to_string(search.min_length.value_or(0)),
                    std::to_string(search.max_length.value_or(0))});
}

std::string CanonicalVariant(const VariantPattern& variant) {
  std::string text;
  if (variant.form == VariantPattern::Form::kSearch) {
    text = CanonicalSearch(variant);
  } else {
    // The assembly is the dataset's own, whether it was named or not.
    text = JoinParts({variant.form == VariantPattern::Form::kExact   ? "exact"
                      : variant.form == VariantPattern::Form::kRange ? "range"
                                                                     : "start",
                      variant.contig, std::to_string(variant.start), std::to_string(variant.end),
                      variant.ref, variant.alt});
  }
  if (variant.consequences != cohort::kAnyConsequence)
    text += JoinParts({"consequences", fmt::format("{:x}", variant.consequences)});
  if (variant.below_frequency <= 1)
    text += JoinParts({"below", fmt::format("{}", variant.below_frequency)});
  return text;
}

}  // namespace

std::string Canonical(const Query& query) {
  // Subject-level queries count other people than those about alleles alone.
  std::string text = JoinParts({query.IsSubjectLevel() ? "people" : "alleles"});
  if (query.variant) text += JoinParts({"variant", CanonicalVariant(*query.variant)});
  for (const FilterGroup& group : query.filters) {
    std::string one_of;
    for (const Filter& filter : group) one_of += JoinParts({filter.Text()});
    text += JoinParts({"filters", one_of});
  }
  return text;
}

namespace {

std::string InWords(const Filter& filter) {
  if (!filter.ages) {
    std::string words = filter.term;
    if (filter.similarity != beacon::Similarity::kExact)
      words += fmt::format(" with {} similarity", beacon::SimilarityName(filter.similarity));
    return filter.descendants ? words : words + " without descendants";
  }
  const auto [from, to] = *filter.ages;
  if (to >= static_cast<std::int32_t>(cohort::kMaxAge)) return fmt::format("age >= {}", from);
  return from == to ? fmt::format("age {}", from) : fmt::format("age {}-{}", from, to);
}

}  // namespace

std::string PopulationOf(const Query& query) {
  std::vector<std::string> groups;
  for (const FilterGroup& group : query.filters) {
    std::vector<std::string> one_of;
    for (const Filter& filter : group) one_of.push_back(InWords(filter));
    const std::string text = fmt::format("{}", fmt::join(one_of, " OR "));
    groups.push_back(one_of.size() == 1 ? text : "(" + text + ")");
  }
  return fmt::format("{}", fmt::join(groups, " AND "));
}

bool DatasetNamesCountry(const std::string& dataset, const std::string& country) {
  auto parts = Split(dataset, '-');
  return dataset.size() <= 64 && parts.size() == 4 && parts[1] == country && country.size() == 2;
}

}  // namespace genofed::discovery
