// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/proto_mapping.h"

#include <algorithm>

#include "libs/genomics/hgvs.h"
#include "libs/genomics/individuals.h"
#include "libs/genomics/protein_change.h"

namespace genofed::discovery {
namespace {

v1::Member::State ToProto(MemberState state) {
  switch (state) {
    case MemberState::kAnswered:
      return v1::Member::STATE_ANSWERED;
    case MemberState::kTimedOut:
      return v1::Member::STATE_TIMED_OUT;
    case MemberState::kUnreachable:
      return v1::Member::STATE_UNREACHABLE;
    case MemberState::kRefused:
      return v1::Member::STATE_REFUSED;
    case MemberState::kBudgetSpent:
      return v1::Member::STATE_BUDGET_SPENT;
    case MemberState::kNotAsked:
      return v1::Member::STATE_NOT_ASKED;
  }
  return v1::Member::STATE_UNSPECIFIED;
}

MemberState FromProto(v1::Member::State state) {
  switch (state) {
    case v1::Member::STATE_ANSWERED:
      return MemberState::kAnswered;
    case v1::Member::STATE_TIMED_OUT:
      return MemberState::kTimedOut;
    case v1::Member::STATE_UNREACHABLE:
      return MemberState::kUnreachable;
    case v1::Member::STATE_BUDGET_SPENT:
      return MemberState::kBudgetSpent;
    case v1::Member::STATE_NOT_ASKED:
      return MemberState::kNotAsked;
    default:
      return MemberState::kRefused;
  }
}

TableName FromProto(const v1::FrequencyTableUsed& table) {
  return {table.assembly(), table.number(), table.digest(), table.resolution()};
}

void ToProto(const AlleleAnswer& allele, v1::AlleleCount* out) {
  out->set_assembly(allele.assembly);
  out->set_contig(allele.contig);
  out->set_start(allele.start);
  out->set_reference_bases(allele.ref);
  out->set_alternate_bases(allele.alt);
  out->set_allele_count(allele.allele_count);
  out->set_allele_number(allele.allele_number);
  out->set_homozygotes(allele.homozygotes);
  out->set_heterozygotes(allele.heterozygotes);
  out->set_population(allele.population);
  out->set_hgvs(allele.names.hgvs);
  out->set_vrs_1_3(allele.names.vrs_1_3);
  out->set_vrs_2_0(allele.names.vrs_2_0);
}

RawVariant FromProto(const v1::VariantQuery& variant) {
  RawVariant raw{variant.assembly(), variant.contig(),          variant.start(),
                 variant.end(),      variant.reference_bases(), variant.alternate_bases()};
  if (variant.has_bracket()) {
    raw.start_bracket = {variant.bracket().start_from(), variant.bracket().start_until()};
    raw.end_bracket = {variant.bracket().end_from(), variant.bracket().end_until()};
  }
  raw.gene = variant.gene();
  raw.amino_acid_change = variant.amino_acid_change();
  raw.hgvs = variant.hgvs();
  raw.type = variant.type();
  raw.min_length = variant.min_length();
  raw.max_length = variant.max_length();
  raw.consequences.assign(variant.consequences().begin(), variant.consequences().end());
  raw.below_frequency = variant.below_frequency();
  return raw;
}

void ToProto(const VariantPattern& pattern, v1::VariantQuery* out) {
  if (pattern.assembly) out->set_assembly(std::string(genomics::AssemblyName(*pattern.assembly)));
  out->set_contig(pattern.contig);
  out->set_reference_bases(pattern.ref);
  out->set_alternate_bases(pattern.alt);
  if (pattern.form == VariantPattern::Form::kSearch) {
    const beacon::VariantQuery& search = pattern.search;
    if (search.start.size() == 2) {
      out->mutable_bracket()->set_start_from(search.start[0]);
      out->mutable_bracket()->set_start_until(search.start[1]);
      out->mutable_bracket()->set_end_from(search.end[0]);
      out->mutable_bracket()->set_end_until(search.end[1]);
    } else {
      if (!search.start.empty()) out->set_start(search.start[0]);
      if (!search.end.empty()) out->set_end(search.end[0]);
    }
    out->set_gene(search.gene);
    out->set_amino_acid_change(genomics::SpellAminoAcidChange(search.amino_acid_change));
    // Its own case counts: accessions and bases are upper case, the level and the kind lower.
    if (search.described)
      out->set_hgvs(genomics::FormatHgvs(*search.described, search.described->assembly.value_or(
                                                                genomics::Assembly::kGrch38)));
    out->set_type(search.type);
    out->set_min_length(search.min_length.value_or(0));
    out->set_max_length(search.max_length.value_or(0));
  } else {
    out->set_start(pattern.start);
    if (pattern.form == VariantPattern::Form::kRange) out->set_end(pattern.end);
  }
  if (pattern.consequences != cohort::kAnyConsequence) {
    for (std::size_t i = 0; i < cohort::kConsequences; ++i) {
      const auto consequence = static_cast<cohort::Consequence>(i);
      if ((pattern.consequences & cohort::Of(consequence)) != 0)
        out->add_consequences(std::string(cohort::Name(consequence)));
    }
  }
  if (pattern.below_frequency <= 1) out->set_below_frequency(pattern.below_frequency);
}

// Levels have the numbers of beacon::Similarity. A filter that says several things at once, or a
// level that is none, is refused by Validate: as a filter without a term.
Filter FromProto(const v1::Filter& filter) {
  Filter out{filter.term(), !filter.without_descendants()};
  if (filter.has_ages()) out.ages.emplace(filter.ages().from(), filter.ages().to());
  if (!filter.has_similar()) return out;
  const int level = filter.similar().level();
  const bool known = level > v1::Filter::Similar::LEVEL_UNSPECIFIED &&
                     level <= v1::Filter::Similar::LEVEL_LOW;
  if (!known || filter.has_ages() || !filter.term().empty()) return Filter();
  out.term = filter.similar().term();
  out.similarity = static_cast<beacon::Similarity>(level);
  return out;
}

void ToProto(const Filter& filter, v1::Filter* out) {
  out->set_without_descendants(!filter.descendants);
  if (filter.similarity != beacon::Similarity::kExact) {
    out->mutable_similar()->set_term(filter.term);
    out->mutable_similar()->set_level(
        static_cast<v1::Filter::Similar::Level>(static_cast<int>(filter.similarity)));
    return;
  }
  out->set_term(filter.term);
  if (!filter.ages) return;
  out->mutable_ages()->set_from(filter.ages->first);
  out->mutable_ages()->set_to(filter.ages->second);
}

void ToProto(const TableName& table, v1::FrequencyTableUsed* out) {
  out->set_assembly(table.assembly);
  out->set_number(table.number);
  out->set_digest(table.digest);
  out->set_resolution(table.resolution);
}

void ToProto(const Distribution& distribution, v1::Distribution* out) {
  out->set_aggregation(ByName(distribution.by));
  for (const Distribution::Cell& cell : distribution.cells) {
    auto* added = out->add_cells();
    added->mutable_values()->Add(cell.values.begin(), cell.values.end());
    added->set_count(cell.count);
  }
}

void ToProto(const IndividualRecord& record, v1::IndividualRecord* out) {
  out->set_id(record.id);
  out->set_sex(std::string(genomics::SexTerm(record.sex)));
  if (record.age_years) out->set_age_years(*record.age_years);
  for (const FilteringTerm& term : record.terms) {
    auto* added = out->add_terms();
    added->set_id(term.id);
    added->set_label(term.label);
  }
}

Distribution FromProto(By by, const v1::Distribution& in) {
  Distribution out{by, {}};
  for (const auto& cell : in.cells())
    out.cells.push_back({{cell.values().begin(), cell.values().end()}, cell.count()});
  return out;
}

AlleleAnswer FromProto(const v1::AlleleCount& allele) {
  AlleleAnswer out{allele.assembly(),        allele.contig(),          allele.start(),
                   allele.reference_bases(), allele.alternate_bases(), allele.allele_count(),
                   allele.allele_number(),   allele.homozygotes(),     allele.heterozygotes()};
  out.population = allele.population();
  out.names.hgvs = allele.hgvs();
  out.names.vrs_1_3 = allele.vrs_1_3();
  out.names.vrs_2_0 = allele.vrs_2_0();
  return out;
}

}  // namespace

v1::CountPrecision ToProto(disclosure::Precision precision) {
  switch (precision) {
    case disclosure::Precision::kExact:
      return v1::COUNT_PRECISION_EXACT;
    case disclosure::Precision::kRounded:
      return v1::COUNT_PRECISION_ROUNDED;
    case disclosure::Precision::kImprecise:
      return v1::COUNT_PRECISION_IMPRECISE;
  }
  return v1::COUNT_PRECISION_IMPRECISE;
}

disclosure::Precision FromProto(v1::CountPrecision precision) {
  if (precision == v1::COUNT_PRECISION_EXACT) return disclosure::Precision::kExact;
  return precision == v1::COUNT_PRECISION_ROUNDED ? disclosure::Precision::kRounded
                                                  : disclosure::Precision::kImprecise;
}

void ToProto(const Member& member, v1::Member* out) {
  out->set_site(member.site);
  out->set_state(ToProto(member.state));
  out->set_milliseconds(member.milliseconds);
  out->set_epoch(member.epoch);
  out->set_retry_after_seconds(member.retry_after_seconds);
  if (member.table) ToProto(*member.table, out->mutable_frequency_table());
  out->set_other_frequency_table(member.other_table);
}

RawQuery FromProto(const v1::QueryRequest& request) {
  RawQuery raw;
  if (request.entity() == v1::ENTITY_VARIANT) raw.entity = Entity::kVariant;
  if (request.entity() == v1::ENTITY_INDIVIDUAL) raw.entity = Entity::kIndividual;
  if (request.has_variant()) raw.variant = FromProto(request.variant());
  for (const auto& filter : request.filters()) {
    FilterGroup& group = raw.filters.emplace_back();
    // A filter that says several things at once is refused by Validate: as an empty group.
    if (filter.any_of_size() == 0)
      group.push_back(FromProto(filter));
    else if (filter.term().empty() && !filter.has_ages() && !filter.has_similar())
      for (const auto& one : filter.any_of()) group.push_back(FromProto(one));
  }
  raw.datasets.assign(request.datasets().begin(), request.datasets().end());
  raw.sites.assign(request.sites().begin(), request.sites().end());
  raw.distributions.assign(request.aggregations().begin(), request.aggregations().end());
  if (request.granularity() == v1::GRANULARITY_COUNT) raw.granularity = Granularity::kCount;
  if (request.granularity() == v1::GRANULARITY_RECORD) raw.granularity = Granularity::kRecord;
  return raw;
}

v1::QueryRequest ToProto(const Query& query) {
  v1::QueryRequest request;
  request.set_entity(query.entity == Entity::kVariant ? v1::ENTITY_VARIANT : v1::ENTITY_INDIVIDUAL);
  if (query.variant) ToProto(*query.variant, request.mutable_variant());
  for (const FilterGroup& group : query.filters) {
    auto* out = request.add_filters();
    if (group.size() == 1) {
      ToProto(group.front(), out);
    } else {
      for (const Filter& filter : group) ToProto(filter, out->add_any_of());
    }
  }
  request.mutable_datasets()->Add(query.datasets.begin(), query.datasets.end());
  for (const By by : query.distributions) request.add_aggregations(ByName(by));
  switch (query.granularity) {
    case Granularity::kBoolean:
      request.set_granularity(v1::GRANULARITY_BOOLEAN);
      break;
    case Granularity::kCount:
      request.set_granularity(v1::GRANULARITY_COUNT);
      break;
    case Granularity::kRecord:
      request.set_granularity(v1::GRANULARITY_RECORD);
      break;
  }
  return request;
}

Answer FromProto(const v1::QueryResponse& response) {
  Answer answer;
  answer.exists = response.exists();
  answer.count = response.count();
  answer.epoch = response.epoch();
  answer.minimum_count = response.minimum_count();
  for (const auto& in : response.datasets()) {
    DatasetAnswer dataset{in.dataset(), in.version(), in.country(), in.exists(), in.count(), {}};
    dataset.precision = FromProto(in.count_precision());
    dataset.adjusted_to = std::max<std::int64_t>(in.count_adjusted_to(), 1);
    for (const auto& allele : in.alleles()) dataset.alleles.push_back(FromProto(allele));
    for (const auto& one : in.distributions()) {
      const auto by = ParseBy(one.aggregation());
      if (by) dataset.distributions.push_back(FromProto(*by, one));
    }
    answer.datasets.push_back(std::move(dataset));
  }
  for (const auto& in : response.withheld())
    answer.withheld.push_back({in.dataset(), in.retry_after_seconds()});
  for (const auto& in : response.not_asked())
    answer.not_asked.push_back({in.site(), in.dataset(), in.reason(), in.detail()});
  if (response.frequency_tables_size() == 1) answer.table = FromProto(response.frequency_tables(0));
  return answer;
}

Result<NodeReply> ReplyOf(const v1::QueryResponse& response) {
  if (response.members_size() != 1)
    return InvalidField("answers", "FIELD_INVALID", "must each be of one member");
  const v1::Member& member = response.members(0);
  NodeReply reply{{member.site(), FromProto(member.state()), member.milliseconds(), member.epoch(),
                   member.retry_after_seconds()},
                  std::nullopt};
  if (reply.member.state == MemberState::kNotAsked)
    reply.answer.emplace().not_asked = FromProto(response).not_asked;
  if (reply.member.state != MemberState::kAnswered) return reply;
  reply.answer = FromProto(response);
  // Of what the hub says these are the member's own.
  reply.answer->epoch = member.epoch();
  reply.answer->table.reset();
  if (member.has_frequency_table()) reply.answer->table = FromProto(member.frequency_table());
  return reply;
}

v1::QueryResponse ToProto(const Answer& answer) {
  v1::QueryResponse response;
  response.set_exists(answer.exists);
  response.set_count(answer.count);
  response.set_epoch(answer.epoch);
  response.set_minimum_count(answer.minimum_count);
  for (const DatasetAnswer& dataset : answer.datasets) {
    auto* out = response.add_datasets();
    out->set_dataset(dataset.dataset);
    out->set_version(dataset.version);
    out->set_country(dataset.country);
    out->set_exists(dataset.exists);
    out->set_count(dataset.count);
    out->set_count_precision(ToProto(dataset.precision));
    out->set_count_adjusted_to(dataset.adjusted_to);
    for (const AlleleAnswer& allele : dataset.alleles) ToProto(allele, out->add_alleles());
    for (const Distribution& one : dataset.distributions) ToProto(one, out->add_distributions());
    out->set_opened(dataset.opened);
    for (const IndividualRecord& one : dataset.individuals) ToProto(one, out->add_individuals());
  }
  for (const Member& member : answer.members) ToProto(member, response.add_members());
  if (answer.table) ToProto(*answer.table, response.add_frequency_tables());
  for (const TableName& table : answer.network_tables)
    ToProto(table, response.add_frequency_tables());
  response.set_count_precision(ToProto(answer.precision));
  response.set_count_adjusted_to(answer.adjusted_to);
  for (const Withheld& withheld : answer.withheld) {
    auto* out = response.add_withheld();
    out->set_dataset(withheld.dataset);
    out->set_retry_after_seconds(withheld.retry_after_seconds);
  }
  for (const NotAsked& not_asked : answer.not_asked) {
    auto* out = response.add_not_asked();
    out->set_site(not_asked.site);
    out->set_dataset(not_asked.dataset);
    out->set_reason(not_asked.reason);
    out->set_detail(not_asked.detail);
  }
  return response;
}

Publication FromProto(const v1::PublishVersionRequest& request) {
  Publication publication{request.dataset().dataset(), request.dataset().version(),
                          request.assembly(),          {},
                          request.individuals_path(),  request.individuals_sha256()};
  for (const auto& segment : request.segments())
    publication.segments.push_back({segment.index_path(), segment.manifest_sha256()});
  return publication;
}

v1::ListFilteringTermsResponse Page(const std::vector<FilteringTerm>& terms, int page_size,
                                    const std::string& page_token) {
  const int size = page_size <= 0 ? kDefaultTermsPage : std::min(page_size, kMaxTermsPage);
  auto next = std::upper_bound(
      terms.begin(), terms.end(), page_token,
      [](const std::string& token, const FilteringTerm& term) { return token < term.id; });
  v1::ListFilteringTermsResponse response;
  for (; next != terms.end() && response.terms_size() < size; ++next) {
    auto* term = response.add_terms();
    term->set_id(next->id);
    term->set_label(next->label);
  }
  if (next != terms.end()) response.set_next_page_token(response.terms().rbegin()->id());
  return response;
}

}  // namespace genofed::discovery
