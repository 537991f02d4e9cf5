// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_request.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "libs/beacon/aggregation.h"
#include "libs/beacon/duration.h"
#include "libs/cohort/consequence.h"
#include "libs/core/strings.h"
#include "libs/http/problem.h"

namespace genofed::gateway {
namespace {

namespace v1 = discovery::v1;
using beacon::EntryType;

Status Unsupported(std::string_view field) {
  return InvalidField(field, "QUERY_UNSUPPORTED", "this kind of query is not supported by the cohorts of this beacon");
}

bool IsAge(const beacon::Filter& filter) {
  return filter.id == "age" || filter.id == "PATO:0000011" || filter.id == "NCIT:C25150";
}

bool IsFrequency(const beacon::Filter& filter) {
  return filter.id == "alleleFrequency" || filter.id == "frequencyInPopulations.frequencies.alleleFrequency";
}

// Terms of the Sequence Ontology say what a variant does.
bool IsConsequence(const beacon::Filter& filter) { return filter.id.starts_with("SO:"); }

bool IsSimilar(const beacon::Filter& filter) { return filter.similarity != beacon::Similarity::kExact; }

constexpr int kOldest = 200;

// "P18Y", "P216M" or "18"; none for any other age.
std::optional<int> WholeYears(std::string_view age) {
  const auto within = [](double years) {
    return years >= 0 && years <= kOldest ? std::optional(static_cast<int>(years)) : std::nullopt;
  };
  if (const auto number = ParseInt(age); number.ok()) return within(static_cast<double>(*number));
  const auto days = beacon::DurationDays(age), year = beacon::DurationDays("P1Y");
  if (!days) return std::nullopt;
  const double years = *days / *year, whole = std::round(years);
  return std::abs(years - whole) < 1e-9 ? within(whole) : std::nullopt;
}

// In completed years.
Result<v1::Filter> AgeFilter(const beacon::Filter& filter) {
  if (filter.op == beacon::Operator::kNone) return Unsupported("filters");
  const auto years = WholeYears(filter.value);
  if (!years && !beacon::DurationDays(filter.value))
    return InvalidField("filters", "FIELD_INVALID",
                        "an age is compared with a duration, such as P18Y");
  if (!years)
    return InvalidField("filters", "QUERY_UNSUPPORTED", "ages are held in whole years, and compared with one such as P18Y");
  const int age = *years;
  v1::Filter out;
  auto between = [&](int from, int to) {
    out.mutable_ages()->set_from(from);
    out.mutable_ages()->set_to(to);
  };
  switch (filter.op) {
    case beacon::Operator::kEqual:
      between(age, age);
      break;
    case beacon::Operator::kGreaterEqual:
      between(age, kOldest);
      break;
    case beacon::Operator::kGreater:
      between(age + 1, kOldest + 1);
      break;
    case beacon::Operator::kLessEqual:
      between(0, age);
      break;
    case beacon::Operator::kLess:
      if (age == 0) return Unsupported("filters");
      between(0, age - 1);
      break;
    default:
      return Unsupported("filters");
  }
  return out;
}

v1::Filter::Similar::Level LevelOf(beacon::Similarity similarity) {
  switch (similarity) {
    case beacon::Similarity::kHigh:
      return v1::Filter::Similar::LEVEL_HIGH;
    case beacon::Similarity::kMedium:
      return v1::Filter::Similar::LEVEL_MEDIUM;
    case beacon::Similarity::kLow:
      return v1::Filter::Similar::LEVEL_LOW;
    default:
      return v1::Filter::Similar::LEVEL_UNSPECIFIED;
  }
}

Result<v1::Filter> CohortFilter(const beacon::Filter& filter) {
  if ((filter.scope && filter.scope != EntryType::kIndividual) || filter.id.size() > 128 || IsConsequence(filter))
    return Unsupported("filters");
  if (IsAge(filter)) return IsSimilar(filter) ? Unsupported("filters") : AgeFilter(filter);
  // Fields and labels are words of records, which cohorts have none of.
  if (filter.op != beacon::Operator::kNone || filter.id.find(':') == std::string::npos)
    return Unsupported("filters");
  v1::Filter out;
  out.set_without_descendants(!filter.descendants);
  if (!IsSimilar(filter)) {
    out.set_term(filter.id);
    return out;
  }
  out.mutable_similar()->set_term(filter.id);
  out.mutable_similar()->set_level(LevelOf(filter.similarity));
  return out;
}

Result<v1::Filter> CohortFilter(const beacon::FilterGroup& group) {
  if (group.size() == 1) return CohortFilter(group.front());
  v1::Filter out;
  for (const beacon::Filter& filter : group) {
    GF_ASSIGN(*out.add_any_of(), CohortFilter(filter));
  }
  return out;
}

// What filters of variants say, which belongs to the variant.
class VariantFilters {
 public:
  // Whether it was one.
  Result<bool> Take(const beacon::FilterGroup& group) {
    const beacon::Filter& first = group.front();
    if (!IsConsequence(first) && !IsFrequency(first)) return false;
    if ((first.scope && first.scope != EntryType::kVariant) || std::any_of(group.begin(), group.end(), IsSimilar))
      return Unsupported("filters");
    if (IsFrequency(first)) {
      GF_TRY(TakeFrequency(group));
      return true;
    }
    cohort::ConsequenceSet any = 0;
    for (const beacon::Filter& filter : group) {
      const auto consequences = cohort::ParseSequenceOntology(filter.id);
      if (!consequences || filter.op != beacon::Operator::kNone) return Unsupported("filters");
      any |= *consequences;
    }
    consequences_ &= any;
    if (consequences_ == 0) return InvalidField("filters", "FIELD_INVALID", "no variant does two things to a gene");
    return true;
  }

  bool empty() const { return consequences_ == cohort::kAnyConsequence && below_ == 0; }
  void Fill(v1::VariantQuery* variant) const {
    for (std::size_t i = 0; consequences_ != cohort::kAnyConsequence && i < cohort::kConsequences; ++i) {
      const auto consequence = static_cast<cohort::Consequence>(i);
      if ((consequences_ & cohort::Of(consequence)) != 0)
        variant->add_consequences(std::string(cohort::Name(consequence)));
    }
    variant->set_below_frequency(below_);
  }

 private:
  Status TakeFrequency(const beacon::FilterGroup& group) {
    const beacon::Filter& filter = group.front();
    double below = 0;
    const char* end = filter.value.data() + filter.value.size();
    const auto parsed = std::from_chars(filter.value.data(), end, below);
    const bool number = parsed.ec == std::errc() && parsed.ptr == end && below > 0 && below <= 1;
    if (group.size() > 1 || filter.op != beacon::Operator::kLess || !number)
      return InvalidField("filters", "QUERY_UNSUPPORTED", "cohorts know frequencies below a number of at most 1");
    below_ = below_ == 0 ? below : std::min(below_, below);
    return absl::OkStatus();
  }

  cohort::ConsequenceSet consequences_ = cohort::kAnyConsequence;
  double below_ = 0;  // 0: any
};

Status FillVariant(const beacon::VariantQuery& query, v1::VariantQuery* variant) {
  if (query.no_alt) return Unsupported("alternateBases");
  if (!query.hgvs.empty() && !query.described)
    return InvalidField(
        "genomicAlleleShortForm", "QUERY_UNSUPPORTED",
        "cohorts know descriptions on chromosomes, such as NC_000007.14:g.55181320A>T");
  for (const std::string* bases : {&query.ref, &query.alt}) {
    if (bases->find_first_not_of("ACGT") != std::string::npos || bases->size() > 1000)
      return InvalidField("alternateBases", "QUERY_UNSUPPORTED",
                          "cohorts know up to 1,000 of the bases A, C, G and T");
  }
  variant->set_contig(query.contig);
  if (query.assembly) variant->set_assembly(std::string(genomics::AssemblyName(*query.assembly)));
  if (query.start.size() == 2) {
    variant->mutable_bracket()->set_start_from(query.start[0]);
    variant->mutable_bracket()->set_start_until(query.start[1]);
    variant->mutable_bracket()->set_end_from(query.end[0]);
    variant->mutable_bracket()->set_end_until(query.end[1]);
  } else {
    if (!query.start.empty()) variant->set_start(query.start[0]);
    if (!query.end.empty()) variant->set_end(query.end[0]);
    // Portals send a position twice: it is that of the allele, or without one the base itself.
    if (!query.end.empty() && query.end[0] == query.start[0])
      variant->set_end(query.alt.empty() ? query.start[0] + 1 : 0);
  }
  variant->set_reference_bases(query.ref);
  variant->set_alternate_bases(query.alt);
  variant->set_gene(query.gene_name);
  variant->set_amino_acid_change(query.amino_acid_change);
  if (query.described)
    variant->set_hgvs(genomics::FormatHgvs(
        *query.described, query.described->assembly.value_or(genomics::Assembly::kGrch38)));
  variant->set_type(query.type);
  variant->set_min_length(query.min_length.value_or(0));
  variant->set_max_length(query.max_length.value_or(0));
  return absl::OkStatus();
}

v1::Granularity GranularityOf(beacon::Granularity granularity) {
  switch (granularity) {
    case beacon::Granularity::kBoolean:
      return v1::GRANULARITY_BOOLEAN;
    case beacon::Granularity::kRecord:
      return v1::GRANULARITY_RECORD;
    default:
      return v1::GRANULARITY_COUNT;
  }
}

}  // namespace

Result<BeaconRequest> ParseBeacon(beacon::Target target, const http::Request& request) {
  BeaconRequest out;
  out.passport = request.headers.Get("GA4GH-Passport").value_or("");
  if (request.method == http::Method::kPost) {
    if (const std::string type = request.ContentType(); !type.empty() && type != "application/json") {
      return Error(StatusCode::kInvalidArgument, http::kUnsupportedMediaType, "the body must be application/json");
    }
    out.body = request.body;
  } else {
    GF_ASSIGN(out.body, beacon::BodyOfParameters(request.query.entries()));
  }
  GF_ASSIGN(out.parsed, beacon::ParseRequest(std::move(target), out.body));
  return out;
}

bool Means(const beacon::Request& request, const std::string& dataset) {
  const beacon::Target& target = request.target;
  const auto& named = request.datasets;
  const EntryType of = target.parent.value_or(target.type);
  if (of == EntryType::kDataset && !target.id.empty() && target.id != dataset) return false;
  return named.empty() || std::find(named.begin(), named.end(), dataset) != named.end();
}

Result<v1::QueryRequest> CohortQuery(const beacon::Request& request, const std::string& passport) {
  const beacon::Target& target = request.target;
  const EntryType type = target.type;
  if (type != EntryType::kVariant && type != EntryType::kIndividual)
    return InvalidField("query", "QUERY_UNSUPPORTED", "cohorts know people and variants only");
  const bool of_dataset = target.parent == EntryType::kDataset;
  const bool of_one = !target.id.empty() && !of_dataset;
  const bool by_passport = type == EntryType::kIndividual && !passport.empty() &&
                           request.granularity != beacon::Granularity::kAggregated &&
                           (!of_one || !target.parent);
  if (of_one && !by_passport)
    return InvalidField("query", "QUERY_UNSUPPORTED",
                        "cohorts count people and say nothing of a single record");
  v1::QueryRequest query;
  if (by_passport) {
    v1::RecordsAsked& records = *query.mutable_records();
    records.set_passport(passport);
    if (of_one) records.set_individual(target.id);
    records.set_skip(request.skip);
    records.set_limit(static_cast<std::int32_t>(request.limit));
  }
  query.set_entity(type == EntryType::kVariant ? v1::ENTITY_VARIANT : v1::ENTITY_INDIVIDUAL);
  query.set_granularity(GranularityOf(request.granularity));
  if (of_dataset) {
    query.add_datasets(target.id);
  } else {
    query.mutable_datasets()->Add(request.datasets.begin(), request.datasets.end());
  }
  if (request.granularity == beacon::Granularity::kAggregated && !request.variant) {
    for (const std::string& id : request.aggregations) {
      if (beacon::FindAggregationTerm(id)->of_cohorts) query.add_aggregations(id);
    }
  }
  VariantFilters of_variants;
  for (const beacon::FilterGroup& group : request.filters) {
    GF_ASSIGN(const bool taken, of_variants.Take(group));
    if (!taken) {
      GF_ASSIGN(*query.add_filters(), CohortFilter(group));
    }
  }
  if (request.variant) {
    GF_TRY(FillVariant(*request.variant, query.mutable_variant()));
    of_variants.Fill(query.mutable_variant());
  } else if (type == EntryType::kVariant) {
    return InvalidField("referenceName", "QUERY_INCOMPLETE", "must be given");
  } else if (!of_variants.empty()) {
    return InvalidField("filters", "QUERY_INCOMPLETE", "must come with a variant, a range or a gene");
  }
  return query;
}

}  // namespace genofed::gateway
