// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "services/gateway/adapters/beacon_parameters.h"

namespace genofed::gateway {
namespace {

using beacon::Integer;
using beacon::IsBlank;
using beacon::TakeParameters;
using beacon::TextOf;
using beacon::Unsupported;
using beacon::VariantParameters;
using beacon::Wrong;
using nlohmann::json;
namespace v1 = discovery::v1;

constexpr std::size_t kMaxFilters = 64;
constexpr std::int64_t kMaxLimit = 1000;

// A CURIE whose colon arrived as an underscore: "HP_0001250" (Beacon FAQ, GET requests).
std::string WithColon(std::string term) {
  const auto underscore = term.find('_');
  if (term.find(':') != std::string::npos || underscore == std::string::npos || underscore == 0)
    return term;
  const bool prefix =
      std::all_of(term.begin(), term.begin() + static_cast<std::ptrdiff_t>(underscore),
                  [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
  if (prefix) term[underscore] = ':';
  return term;
}

Result<std::string> TermOf(const json& filter) {
  std::string term;
  if (filter.is_string()) {
    term = filter.get<std::string>();
  } else if (filter.is_object()) {
    for (const auto& [name, value] : filter.items()) {
      const bool harmless = name == "id" || name == "includeDescendantTerms" || IsBlank(value) ||
                            (name == "similarity" && value == "exact") ||
                            (name == "scope" && (value == "individual" || value == "individuals"));
      if (!harmless) return Unsupported("filters." + name);
    }
    if (!filter.contains("id")) return Wrong("filters.id", "must be given");
    GF_ASSIGN(term, TextOf(filter["id"], "filters.id"));
  } else {
    return Unsupported("filters");  // nested lists: the proposed OR groups
  }
  if (term.empty() || term.size() > 128)
    return Wrong("filters.id", "must have 1 to 128 characters");
  // "age:>P70Y": an alphanumeric filter in GET form.
  if (term.find_first_of("<>=!%") != std::string::npos) return Unsupported("filters");
  return WithColon(std::move(term));
}

Status TakeFilters(const json& filters, v1::QueryRequest* query) {
  if (IsBlank(filters)) return absl::OkStatus();
  if (!filters.is_array()) return Wrong("filters", "must be a list");
  if (filters.size() > kMaxFilters) return Wrong("filters", "has too many entries");
  for (const json& filter : filters) {
    GF_ASSIGN(const std::string term, TermOf(filter));
    query->add_filters()->set_term(term);
  }
  return absl::OkStatus();
}

Status TakePagination(const json& pagination, BeaconRequest* out) {
  if (IsBlank(pagination)) return absl::OkStatus();
  if (!pagination.is_object()) return Wrong("pagination", "must be an object");
  for (const auto& [name, value] : pagination.items()) {
    if (IsBlank(value)) continue;
    if (name != "skip" && name != "limit") return Unsupported("pagination." + name);
    GF_ASSIGN(const std::int64_t number, Integer(value, "pagination." + name));
    if (number < 0 || number > INT32_MAX) return Wrong("pagination." + name, "is out of range");
    (name == "skip" ? out->skip : out->limit) = number;
  }
  out->limit = out->limit == 0 ? kMaxLimit : std::min(out->limit, kMaxLimit);
  return absl::OkStatus();
}

constexpr std::array<std::string_view, 3> kGranularities = {"boolean", "count", "record"};
constexpr std::array<std::string_view, 4> kIncludes = {"HIT", "ALL", "MISS", "NONE"};

template <std::size_t N>
Result<std::size_t> OneOf(const json& value, std::string_view field,
                          const std::array<std::string_view, N>& words) {
  if (value.is_string()) {
    const auto found =
        std::ranges::find(words, std::string_view(value.get_ref<const std::string&>()));
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  return Wrong(field, "is not one of the words Beacon allows here");
}

Status TakeQuery(const json& query, BeaconRequest* out, VariantParameters* parameters) {
  if (query.is_null()) return absl::OkStatus();
  if (!query.is_object()) return Wrong("query", "must be an object");
  for (const auto& [name, value] : query.items()) {
    if (value.is_null() || name == "$schema") continue;
    if (name == "requestParameters") {
      GF_TRY(TakeParameters(value, parameters));
    } else if (name == "filters") {
      GF_TRY(TakeFilters(value, &out->query));
    } else if (name == "pagination") {
      GF_TRY(TakePagination(value, out));
    } else if (name == "includeResultsetResponses") {
      GF_ASSIGN(const std::size_t word, OneOf(value, name, kIncludes));
      out->include = static_cast<BeaconRequest::Include>(word);
    } else if (name == "requestedGranularity") {
      GF_ASSIGN(const std::size_t word, OneOf(value, name, kGranularities));
      out->query.set_granularity(static_cast<v1::Granularity>(word + v1::GRANULARITY_BOOLEAN));
    } else if (name == "testMode") {
      if (!value.is_boolean()) return Wrong(name, "must be true or false");
      out->test_mode = value.get<bool>();
    } else {
      return Unsupported("query." + name);
    }
  }
  return absl::OkStatus();
}

json RequestedSchemas(const json& meta) {
  json out = json::array();
  if (!meta.contains("requestedSchemas") || !meta["requestedSchemas"].is_array()) return out;
  for (const json& schema : meta["requestedSchemas"]) {
    json one = json::object();
    for (const char* name : {"entityType", "schema"}) {
      if (schema.is_object() && schema.contains(name) && schema[name].is_string())
        one[name] = schema[name];
    }
    if (!one.empty() && out.size() < 16) out.push_back(std::move(one));
  }
  return out;
}

std::string Summary(const json& meta, const BeaconRequest& request,
                    const VariantParameters& parameters) {
  const bool versioned = meta.contains("apiVersion") && meta["apiVersion"].is_string();
  json summary = {
      {"apiVersion", versioned ? meta["apiVersion"] : json(kBeaconApiVersion)},
      {"requestedSchemas", RequestedSchemas(meta)},
      {"includeResultsetResponses", kIncludes.at(static_cast<std::size_t>(request.include))},
      {"pagination", {{"skip", request.skip}, {"limit", request.limit}}},
      {"requestedGranularity", kGranularities.at(static_cast<std::size_t>(
                                   request.query.granularity() - v1::GRANULARITY_BOOLEAN))},
      {"testMode", request.test_mode}};
  if (!parameters.empty()) summary["requestParameters"] = parameters.Echo();
  for (const auto& filter : request.query.filters()) summary["filters"].push_back(filter.term());
  return summary.dump();
}

Result<BeaconRequest> Parse(BeaconEntry entry, const json& document) {
  if (!document.is_object()) {
    return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "the request is not a JSON object");
  }
  const json none = json::object();
  const json& meta =
      document.contains("meta") && document["meta"].is_object() ? document["meta"] : none;
  BeaconRequest request;
  request.entry = entry;
  request.query.set_entity(entry == BeaconEntry::kVariant ? v1::ENTITY_VARIANT
                                                          : v1::ENTITY_INDIVIDUAL);
  request.query.set_granularity(v1::GRANULARITY_RECORD);  // the default that /configuration states
  VariantParameters parameters;
  if (document.contains("query")) GF_TRY(TakeQuery(document["query"], &request, &parameters));
  if (entry == BeaconEntry::kDataset) {
    if (!parameters.empty() || request.query.filters_size() > 0) return Unsupported("query");
  } else {
    GF_TRY(parameters.Fill(entry, &request.query));
  }
  request.summary = Summary(meta, request, parameters);
  return request;
}

}  // namespace

Result<BeaconRequest> ParseBeaconPost(BeaconEntry entry, std::string_view body) {
  if (body.empty()) return Parse(entry, json::object());
  GF_ASSIGN(const json document, crypto::ParseStrictJson(body));
  return Parse(entry, document);
}

Result<BeaconRequest> ParseBeaconGet(BeaconEntry entry, const http::Query& query) {
  json document = {{"meta", json::object()}, {"query", json::object()}};
  json& out = document["query"];
  for (const auto& [name, value] : query.entries()) {
    if (name == "requestedSchema" || name == "requestedSchemas") {
      document["meta"]["requestedSchemas"].push_back({{"schema", value}});
    } else if (name == "filters") {
      for (std::string_view term : Split(value, ',')) out["filters"].push_back(Trim(term));
    } else if (name == "skip" || name == "limit") {
      out["pagination"][name] = value;
    } else if (name == "testMode") {
      if (value != "true" && value != "false") return Wrong(name, "must be true or false");
      out[name] = value == "true";
    } else if (name == "includeResultsetResponses" || name == "requestedGranularity") {
      out[name] = value;
    } else if (out["requestParameters"].contains(name)) {
      return Wrong(name, "is given twice");
    } else {
      out["requestParameters"][name] = value;
    }
  }
  return Parse(entry, document);
}

}  // namespace genofed::gateway
