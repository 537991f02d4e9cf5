// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/proto_mapping.h"

#include <algorithm>

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
  }
  return v1::Member::STATE_UNSPECIFIED;
}

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
}

AlleleAnswer FromProto(const v1::AlleleCount& allele) {
  return {allele.assembly(),        allele.contig(),          allele.start(),
          allele.reference_bases(), allele.alternate_bases(), allele.allele_count(),
          allele.allele_number(),   allele.homozygotes(),     allele.heterozygotes()};
}

}  // namespace

RawQuery FromProto(const v1::QueryRequest& request) {
  RawQuery raw;
  if (request.entity() == v1::ENTITY_VARIANT) raw.entity = Entity::kVariant;
  if (request.entity() == v1::ENTITY_INDIVIDUAL) raw.entity = Entity::kIndividual;
  if (request.has_variant()) {
    const auto& variant = request.variant();
    raw.variant =
        RawVariant{variant.assembly(), variant.contig(),          variant.start(),
                   variant.end(),      variant.reference_bases(), variant.alternate_bases()};
  }
  for (const auto& filter : request.filters()) raw.filters.push_back(filter.term());
  raw.datasets.assign(request.datasets().begin(), request.datasets().end());
  raw.sites.assign(request.sites().begin(), request.sites().end());
  if (request.granularity() == v1::GRANULARITY_COUNT) raw.granularity = Granularity::kCount;
  if (request.granularity() == v1::GRANULARITY_RECORD) raw.granularity = Granularity::kRecord;
  return raw;
}

v1::QueryRequest ToProto(const Query& query) {
  v1::QueryRequest request;
  request.set_entity(query.entity == Entity::kVariant ? v1::ENTITY_VARIANT : v1::ENTITY_INDIVIDUAL);
  if (query.variant) {
    auto* variant = request.mutable_variant();
    if (query.variant->assembly)
      variant->set_assembly(std::string(genomics::AssemblyName(*query.variant->assembly)));
    variant->set_contig(query.variant->contig);
    variant->set_start(query.variant->start);
    if (query.variant->form == VariantPattern::Form::kRange) variant->set_end(query.variant->end);
    variant->set_reference_bases(query.variant->ref);
    variant->set_alternate_bases(query.variant->alt);
  }
  for (const std::string& filter : query.filters) request.add_filters()->set_term(filter);
  request.mutable_datasets()->Add(query.datasets.begin(), query.datasets.end());
  request.set_account(query.account);
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
    answer.datasets.push_back(std::move(dataset));
  }
  for (const auto& in : response.withheld())
    answer.withheld.push_back({in.dataset(), in.retry_after_seconds()});
  return answer;
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
  }
  for (const Member& member : answer.members) {
    auto* out = response.add_members();
    out->set_site(member.site);
    out->set_state(ToProto(member.state));
    out->set_milliseconds(member.milliseconds);
    out->set_epoch(member.epoch);
    out->set_retry_after_seconds(member.retry_after_seconds);
  }
  response.set_count_precision(ToProto(answer.precision));
  response.set_count_adjusted_to(answer.adjusted_to);
  for (const Withheld& withheld : answer.withheld) {
    auto* out = response.add_withheld();
    out->set_dataset(withheld.dataset);
    out->set_retry_after_seconds(withheld.retry_after_seconds);
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
