// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_request.h"

#include "libs/http/problem.h"

namespace genofed::gateway {
namespace {

namespace v1 = discovery::v1;
using beacon::EntryType;

Status Unsupported(std::string_view field) {
  return InvalidField(field, "QUERY_UNSUPPORTED", "this kind of query is not supported by the cohorts of this beacon");
}

Result<v1::Filter> CohortFilter(const beacon::FilterGroup& group) {
  const beacon::Filter& filter = group.front();
  if (group.size() > 1 || filter.op != beacon::Operator::kNone || filter.similarity != beacon::Similarity::kExact ||
      (filter.scope && filter.scope != EntryType::kIndividual) || filter.id.size() > 128) {
    return Unsupported("filters");
  }
  v1::Filter out;
  out.set_term(filter.id);
  return out;
}

Status FillVariant(const beacon::VariantQuery& query, v1::VariantQuery* variant) {
  if (!query.type.empty()) return Unsupported("variantType");
  if (!query.gene.empty()) return Unsupported("geneId");
  if (!query.amino_acid_change.empty()) return Unsupported("aminoacidChange");
  if (!query.hgvs.empty()) return Unsupported("genomicAlleleShortForm");
  if (query.min_length || query.max_length) return Unsupported("variantMinLength");
  if (query.start.size() != 1 || query.no_alt) return Unsupported("start");
  if (!query.end.empty() && query.end[0] <= query.start[0])
    return InvalidField("end", "FIELD_INVALID", "must be greater than start");
  for (const std::string* bases : {&query.ref, &query.alt}) {
    if (bases->find_first_not_of("ACGTN") != std::string::npos || bases->size() > 1000)
      return Unsupported("alternateBases");
  }
  variant->set_contig(query.contig);
  if (query.assembly) variant->set_assembly(std::string(genomics::AssemblyName(*query.assembly)));
  variant->set_start(query.start[0]);
  if (!query.end.empty()) variant->set_end(query.end[0]);
  variant->set_reference_bases(query.ref);
  variant->set_alternate_bases(query.alt);
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

Result<v1::QueryRequest> CohortQuery(const beacon::Request& request) {
  const EntryType type = request.target.type;
  if ((type != EntryType::kVariant && type != EntryType::kIndividual) || !request.target.id.empty())
    return Unsupported("query");
  v1::QueryRequest query;
  query.set_entity(type == EntryType::kVariant ? v1::ENTITY_VARIANT : v1::ENTITY_INDIVIDUAL);
  query.set_granularity(GranularityOf(request.granularity));
  query.mutable_datasets()->Add(request.datasets.begin(), request.datasets.end());
  for (const beacon::FilterGroup& group : request.filters) {
    GF_ASSIGN(*query.add_filters(), CohortFilter(group));
  }
  if (request.variant) {
    GF_TRY(FillVariant(*request.variant, query.mutable_variant()));
  } else if (type == EntryType::kVariant) {
    return InvalidField("referenceName", "QUERY_INCOMPLETE", "must be given");
  }
  return query;
}

}  // namespace genofed::gateway
