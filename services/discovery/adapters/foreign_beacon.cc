// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/foreign_beacon.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/crypto/strict_json.h"
#include "libs/http/client.h"

namespace genofed::discovery {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxAnswerBytes = 4U << 20;
constexpr std::size_t kMaxResultSets = 1'000;

Status Invalid(std::string_view what) {
  return Error(StatusCode::kDataLoss, "ANSWER_INVALID", "not an answer of a Beacon: {}", what);
}

const json* Field(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<std::int64_t> Count(const json& object, const char* name) {
  const json* value = Field(object, name);
  if (value == nullptr) return 0;
  if (!value->is_number_integer() || *value < 0 || *value > 1'000'000'000)
    return Invalid("a count that is none");
  return value->get<std::int64_t>();
}

disclosure::Precision PrecisionOf(const json& object) {
  const json* value = Field(object, "countPrecision");
  if (value == nullptr || *value == "exact") return disclosure::Precision::kExact;
  return *value == "rounded" ? disclosure::Precision::kRounded : disclosure::Precision::kImprecise;
}

Result<DatasetAnswer> ReadDataset(std::string name, const json& object, const char* count) {
  const json* exists = Field(object, "exists");
  if (exists == nullptr || !exists->is_boolean())
    return Invalid("it does not say whether something exists");
  DatasetAnswer dataset;
  dataset.dataset = std::move(name);
  dataset.exists = exists->get<bool>();
  GF_ASSIGN(dataset.count, Count(object, count));
  if (!dataset.exists && dataset.count > 0) return Invalid("it contradicts itself");
  dataset.precision = PrecisionOf(object);
  return dataset;
}

class ForeignBeacon final : public NodeClient {
 public:
  explicit ForeignBeacon(ForeignBeaconOptions options) : options_(std::move(options)) {}

  const std::string& site() const override { return options_.name; }
  bool foreign() const override { return true; }

  Result<Answer> Ask(const Context& ctx, const Query& query) override {
    http::ClientOptions options;
    options.base_url = options_.url;
    options.ca_file = options_.ca_file;
    options.timeout = options_.timeout;
    options.max_response_bytes = kMaxAnswerBytes;
    http::Client client(std::move(options));
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.target = query.entity == Entity::kVariant ? "/g_variants" : "/individuals";
    request.headers.Set("Content-Type", "application/json");
    request.headers.Set("Accept", "application/json");
    request.body = RenderBeaconQuery(query);
    auto response = client.Send(ctx, request);
    if (!response.ok()) {
      if (response.status().code() != StatusCode::kUnavailable) return response.status();
      return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "{} cannot be reached",
                   options_.name);
    }
    if (response->status == 429)
      return Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "asked too much");
    if (response->status >= 500)
      return Error(StatusCode::kInternal, "PEER_FAILED", "HTTP status {}", response->status);
    if (response->status != 200)
      return Error(StatusCode::kFailedPrecondition, "PEER_REFUSED", "HTTP status {}",
                   response->status);
    return ParseBeaconAnswer(options_.name, response->body);
  }

  // Others' terms come without a promise that they can be combined; they are not listed.
  Result<std::vector<FilteringTerm>> Terms(const Context&) override {
    return std::vector<FilteringTerm>();
  }

 private:
  const ForeignBeaconOptions options_;
};

}  // namespace

std::string RenderBeaconQuery(const Query& query) {
  json parameters = json::object();
  if (query.variant) {
    const VariantPattern& variant = *query.variant;
    if (variant.assembly) parameters["assemblyId"] = genomics::AssemblyName(*variant.assembly);
    parameters["referenceName"] = variant.contig;
    parameters["start"] = {variant.start};
    if (variant.form == VariantPattern::Form::kRange) parameters["end"] = {variant.end};
    if (!variant.ref.empty()) parameters["referenceBases"] = variant.ref;
    if (!variant.alt.empty()) parameters["alternateBases"] = variant.alt;
  }
  json filters = json::array();
  for (const std::string& filter : query.filters) filters.push_back({{"id", filter}});
  const json body = {
      {"meta", {{"apiVersion", "2.0"}}},
      {"query",
       {{"requestParameters", parameters},
        {"filters", filters},
        {"includeResultsetResponses", "ALL"},
        {"requestedGranularity", query.granularity == Granularity::kBoolean ? "boolean" : "count"},
        {"pagination", {{"skip", 0}, {"limit", 1}}}}}};
  return body.dump();
}

Result<Answer> ParseBeaconAnswer(std::string_view name, std::string_view text) {
  auto parsed = crypto::ParseStrictJson(text, {kMaxAnswerBytes, 32});
  if (!parsed.ok()) return Invalid("no JSON");
  const json& document = *parsed;
  const json* summary = Field(document, "responseSummary");
  if (summary == nullptr) return Invalid("no responseSummary");
  Answer answer;
  answer.minimum_count = 1;  // unknown
  const json* response = Field(document, "response");
  const json* sets = response == nullptr ? nullptr : Field(*response, "resultSets");
  if (sets == nullptr || (sets->is_array() && sets->empty())) {
    GF_ASSIGN(auto whole, ReadDataset(std::string(name), *summary, "numTotalResults"));
    answer.datasets.push_back(std::move(whole));
    return answer;
  }
  if (!sets->is_array() || sets->size() > kMaxResultSets)
    return Invalid("resultSets is no list, or too long");
  for (const json& set : *sets) {
    const json* id = Field(set, "id");
    if (id == nullptr || !id->is_string()) return Invalid("a result set without id");
    GF_ASSIGN(auto dataset, ReadDataset(id->get<std::string>(), set, "resultsCount"));
    const auto same = [&](const DatasetAnswer& other) { return other.dataset == dataset.dataset; };
    if (std::none_of(answer.datasets.begin(), answer.datasets.end(), same))
      answer.datasets.push_back(std::move(dataset));
  }
  return answer;
}

std::unique_ptr<NodeClient> MakeForeignBeacon(ForeignBeaconOptions options) {
  return std::make_unique<ForeignBeacon>(std::move(options));
}

}  // namespace genofed::discovery
