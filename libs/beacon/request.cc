// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/request.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/beacon/aggregation.h"
#include "libs/beacon/json_values.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> kGranularities = {"boolean", "count", "aggregated", "record"};
constexpr std::array<std::string_view, 4> kIncludes = {"HIT", "ALL", "MISS", "NONE"};
constexpr std::size_t kMaxDatasets = 1000;
constexpr std::size_t kMaxSchemas = 16;

// The request while it is read, and what the answer repeats of it.
struct Draft {
  Request request;
  VariantParameters parameters;
  std::int64_t limit = 10;  // as it was asked for
};

template <std::size_t N>
Result<std::size_t> OneOf(const json& value, std::string_view field, const std::array<std::string_view, N>& words) {
  if (value.is_string()) {
    const auto found = std::find(words.begin(), words.end(), value.get_ref<const std::string&>());
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  }
  return WrongField(field, "is not one of the words Beacon allows here");
}

Status TakeDatasets(const json& value, Request* request) {
  json list = value;
  if (value.is_string()) {
    list = json::array();
    for (const std::string_view part : Split(value.get_ref<const std::string&>(), ',')) list.push_back(Trim(part));
  }
  if (!list.is_array() || list.size() > kMaxDatasets) return WrongField("datasets", "must be a list of identifiers");
  for (const json& one : list) {
    GF_ASSIGN(std::string id, TextValue(one, "datasets", 256));
    request->datasets.push_back(std::move(id));
  }
  return absl::OkStatus();
}

// Flat parameters and those nested under "g_variant" are one set.
Status TakeParameters(const json& parameters, Draft* draft, bool nested) {
  if (IsBlank(parameters)) return absl::OkStatus();
  if (!parameters.is_object()) return WrongField("requestParameters", "must be an object");
  for (const auto& [name, value] : parameters.items()) {
    // An empty list of alternate bases is a deletion, if the deleted ones are given; anything else empty says nothing.
    const bool empty_bases = name == "alternateBases" && value.is_string();
    if (name == "$schema" || (IsBlank(value) && !empty_bases)) continue;
    if (name == "g_variant" && !nested) {
      GF_TRY(TakeParameters(value, draft, true));
    } else if (name == "datasets") {
      GF_TRY(TakeDatasets(value, &draft->request));
    } else {
      GF_TRY(draft->parameters.Take(name, value));
    }
  }
  return absl::OkStatus();
}

Status TakePagination(const json& pagination, Draft* draft) {
  if (IsBlank(pagination)) return absl::OkStatus();
  if (!pagination.is_object()) return WrongField("pagination", "must be an object");
  for (const auto& [name, value] : pagination.items()) {
    if (IsBlank(value)) continue;
    if (name == "skip" || name == "limit") {
      GF_ASSIGN(const std::int64_t number, IntegerOf(value, "pagination." + name));
      if (number < 0 || number > INT32_MAX) return WrongField("pagination." + name, "is out of range");
      (name == "skip" ? draft->request.skip : draft->limit) = number;
    } else if (name != "currentPage" && name != "nextPage" && name != "previousPage") {
      return InvalidField("pagination." + name, "QUERY_UNSUPPORTED", "is not a member of pagination");
    } else {
      return InvalidField("pagination." + name, "QUERY_UNSUPPORTED",
                          "no page tokens are issued here: use skip and limit");
    }
  }
  return absl::OkStatus();
}

// [{"id": "sex"}, ...], and each in a list of its own as well: the proposal shows both.
Status TakeAggregations(const json& terms, Draft* draft) {
  constexpr std::string_view kName = "query.aggregationTerms";
  if (!terms.is_array() || terms.size() > kAggregationTerms.size())
    return WrongField(kName, "must be a list of aggregation terms");
  if (draft->request.target.type != EntryType::kIndividual)
    return InvalidField(kName, "QUERY_UNSUPPORTED", "only individuals are aggregated");
  for (const json& term : terms) {
    if (term.is_array() && term.size() != 1)
      return InvalidField(kName, "QUERY_UNSUPPORTED", "values are not crossed with each other");
    const json* id = Member(term.is_array() ? term[0] : term, "id");
    if (id == nullptr || !id->is_string() || FindAggregationTerm(id->get<std::string>()) == nullptr)
      return InvalidField(kName, "QUERY_UNSUPPORTED", "must be terms that /aggregation_terms lists");
    auto& known = draft->request.aggregations;
    if (std::find(known.begin(), known.end(), id->get<std::string>()) == known.end())
      known.push_back(id->get<std::string>());
  }
  return absl::OkStatus();
}

Status TakeQuery(const json& query, Draft* draft) {
  Request& request = draft->request;
  if (query.is_null()) return absl::OkStatus();
  if (!query.is_object()) return WrongField("query", "must be an object");
  for (const auto& [name, value] : query.items()) {
    if (value.is_null() || name == "$schema") continue;
    if (name == "requestParameters") {
      GF_TRY(TakeParameters(value, draft, false));
    } else if (name == "filters") {
      GF_ASSIGN(request.filters, ParseFilters(value));
    } else if (name == "pagination") {
      GF_TRY(TakePagination(value, draft));
    } else if (name == "includeResultsetResponses") {
      GF_ASSIGN(const std::size_t word, OneOf(value, name, kIncludes));
      request.include = static_cast<Include>(word);
    } else if (name == "requestedGranularity") {
      GF_ASSIGN(const std::size_t word, OneOf(value, name, kGranularities));
      request.granularity = static_cast<Granularity>(word);
    } else if (name == "aggregationTerms") {
      GF_TRY(TakeAggregations(value, draft));
    } else if (name == "testMode") {
      if (!value.is_boolean()) return WrongField(name, "must be true or false");
      request.test_mode = value.get<bool>();
    } else {
      return InvalidField("query." + name, "QUERY_UNSUPPORTED", "is not a member of a query");
    }
  }
  return absl::OkStatus();
}

json RequestedSchemas(const json& meta) {
  json out = json::array();
  const json* schemas = Member(meta, "requestedSchemas");
  if (schemas == nullptr || !schemas->is_array()) return out;
  for (const json& schema : *schemas) {
    json one = json::object();
    for (const char* name : {"entityType", "schema"}) {
      const json* text = Member(schema, name);
      if (text != nullptr && text->is_string()) one[name] = *text;
    }
    if (!one.empty() && out.size() < kMaxSchemas) out.push_back(std::move(one));
  }
  return out;
}

// Filters are echoed as strings and requestParameters as objects of parameters: the schema allows nothing else.
std::string Summary(const json& meta, const Draft& draft) {
  const Request& request = draft.request;
  const json* version = Member(meta, "apiVersion");
  json summary = {{"apiVersion", version != nullptr && version->is_string() ? *version : json(kApiVersion)},
                  {"requestedSchemas", RequestedSchemas(meta)},
                  {"includeResultsetResponses", kIncludes[static_cast<std::size_t>(request.include)]},
                  {"pagination", {{"skip", request.skip}, {"limit", draft.limit}}},
                  // The schema knows three words; the experimental one stands below record.
                  {"requestedGranularity",
                   request.granularity == Granularity::kAggregated ? "count" : GranularityName(request.granularity)},
                  {"testMode", request.test_mode}};
  if (!draft.parameters.empty()) summary["requestParameters"]["g_variant"] = json::parse(draft.parameters.Echo());
  if (!request.datasets.empty()) summary["requestParameters"]["dataset"]["ids"] = request.datasets;
  for (const FilterGroup& group : request.filters) {
    std::string text;
    for (const Filter& filter : group) text += (text.empty() ? "" : "|") + filter.Text();
    summary["filters"].push_back(std::move(text));
  }
  return summary.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Request> Parse(Target target, const json& document) {
  if (!document.is_object())
    return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "the request is not a JSON object");
  const json none = json::object();
  const json* meta = Member(document, "meta");
  Draft draft;
  draft.request.target = std::move(target);
  if (const json* query = Member(document, "query"); query != nullptr) GF_TRY(TakeQuery(*query, &draft));
  if (!draft.parameters.empty()) {
    GF_ASSIGN(draft.request.variant, draft.parameters.Finish());
  }
  draft.request.limit = draft.limit == 0 ? kMaxLimit : std::min(draft.limit, kMaxLimit);
  draft.request.summary = Summary(meta != nullptr ? *meta : none, draft);
  return std::move(draft.request);
}

}  // namespace

std::string_view GranularityName(Granularity granularity) {
  return kGranularities[static_cast<std::size_t>(granularity)];
}

Result<Request> ParseRequest(Target target, std::string_view body) {
  if (body.empty()) return Parse(std::move(target), json::object());
  GF_ASSIGN(const json document, crypto::ParseStrictJson(body, {.max_bytes = kMaxRequestBytes, .max_depth = 16}));
  return Parse(std::move(target), document);
}

Result<std::string> BodyOfParameters(const std::vector<std::pair<std::string, std::string>>& parameters) {
  json document = {{"meta", json::object()}, {"query", json::object()}};
  json& out = document["query"];
  for (const auto& [name, value] : parameters) {
    if (name == "requestedSchema" || name == "requestedSchemas") {
      document["meta"]["requestedSchemas"].push_back({{"schema", value}});
    } else if (name == "apiVersion") {
      document["meta"][name] = value;
    } else if (name == "filters") {
      if (Trim(value).empty()) continue;
      for (const std::string_view term : Split(value, ',')) out["filters"].push_back(Trim(term));
    } else if (name == "skip" || name == "limit") {
      out["pagination"][name] = value;
    } else if (name == "testMode") {
      if (value != "true" && value != "false") return WrongField(name, "must be true or false");
      out[name] = value == "true";
    } else if (name == "includeResultsetResponses" || name == "requestedGranularity") {
      out[name] = value;
    } else if (out.contains("requestParameters") && out["requestParameters"].contains(name)) {
      return WrongField(name, "is given twice");
    } else {
      out["requestParameters"][name] = value;
    }
  }
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace genofed::beacon
