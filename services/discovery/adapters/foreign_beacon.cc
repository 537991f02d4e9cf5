// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/foreign_beacon.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/cohort/people.h"
#include "libs/core/retry_after.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/genomics/hgvs.h"
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

void RenderVariant(const VariantPattern& variant, json& parameters) {
  auto put = [&](const char* name, const std::string& text) {
    if (!text.empty()) parameters[name] = text;
  };
  if (variant.assembly) parameters["assemblyId"] = genomics::AssemblyName(*variant.assembly);
  put("referenceName", variant.contig);
  put("referenceBases", variant.ref);
  put("alternateBases", variant.alt);
  if (variant.form != VariantPattern::Form::kSearch) {
    parameters["start"] = {variant.start};
    if (variant.form == VariantPattern::Form::kRange) parameters["end"] = {variant.end};
    return;
  }
  const beacon::VariantQuery& search = variant.search;
  if (!search.start.empty()) parameters["start"] = search.start;
  if (!search.end.empty()) parameters["end"] = search.end;
  put("geneId", search.gene_name);
  put("aminoacidChange", search.amino_acid_change);
  put("variantType", search.type);
  if (search.min_length) parameters["variantMinLength"] = *search.min_length;
  if (search.max_length) parameters["variantMaxLength"] = *search.max_length;
  if (search.described)
    put("genomicAlleleShortForm",
        genomics::FormatHgvs(*search.described,
                             search.described->assembly.value_or(genomics::Assembly::kGrch38)));
}

void RenderFilter(const Filter& filter, json& filters) {
  if (!filter.ages) {
    json one = {{"id", filter.term}};
    if (!filter.descendants) one["includeDescendantTerms"] = false;
    if (filter.similarity != beacon::Similarity::kExact)
      one["similarity"] = beacon::SimilarityName(filter.similarity);
    filters.push_back(std::move(one));
    return;
  }
  // Completed years: at least the first, and not yet one more than the last.
  auto age = [&](const char* op, std::int32_t years) {
    filters.push_back({{"id", "age"}, {"operator", op}, {"value", fmt::format("P{}Y", years)}});
  };
  age(">=", filter.ages->first);
  if (filter.ages->second < static_cast<std::int32_t>(cohort::kMaxAge))
    age("<", filter.ages->second + 1);
}

// Beacon has no words for what a variant does or how rare it is, and alternatives are a proposal.
bool CanBeAsked(const Query& query) {
  const bool restricted =
      query.variant && (query.variant->consequences != cohort::kAnyConsequence ||
                        query.variant->below_frequency <= 1);
  return !restricted && std::all_of(query.filters.begin(), query.filters.end(),
                                    [](const FilterGroup& group) { return group.size() == 1; });
}

// After what time to ask again: seconds (RFC 9110), a date is not understood.
std::chrono::seconds PauseOf(const http::Headers& headers) {
  constexpr std::int64_t kMinute = 60, kDay = 86'400;
  const auto seconds = ParseInt(headers.Get("Retry-After").value_or(""));
  return std::chrono::seconds(seconds.ok() ? std::clamp<std::int64_t>(*seconds, 1, kDay) : kMinute);
}

class ForeignBeacon final : public NodeClient {
 public:
  ForeignBeacon(ForeignBeaconOptions options, std::unique_ptr<WorkerPool> workers)
      : options_(std::move(options)), workers_(std::move(workers)) {}

  const std::string& site() const override { return options_.name; }
  bool foreign() const override { return true; }

  void Ask(const Context& ctx, const Query& query, Done<Answer> done) override {
    if (!CanBeAsked(query))
      return done(Error(StatusCode::kFailedPrecondition, "QUERY_UNSUPPORTED",
                        "a Beacon of others, which has no words for this question"));
    if (!workers_->Submit([this, ctx, query, done] { done(Exchange(ctx, query)); }))
      done(Error(StatusCode::kDeadlineExceeded, "PEER_BUSY", "{} answers none of many", site()));
  }

  // Others' terms come without a promise that they can be combined; they are not listed.
  void Terms(const Context&, Done<std::vector<FilteringTerm>> done) override {
    done(std::vector<FilteringTerm>());
  }

 private:
  Result<Answer> Exchange(const Context& ctx, const Query& query) const {
    GF_TRY(ctx.Alive());  // it may have waited for a thread
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
      return WithRetryAfter(
          Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "asked too much"),
          PauseOf(response->headers));
    // A Beacon says so of what it was asked, and of nothing else that could be wrong here.
    if (response->status == 400 || response->status == 422 || response->status == 501)
      return Error(StatusCode::kFailedPrecondition, "QUERY_UNSUPPORTED",
                   "it says that it cannot be asked this (HTTP status {})", response->status);
    if (response->status >= 500)
      return Error(StatusCode::kInternal, "PEER_FAILED", "HTTP status {}", response->status);
    if (response->status != 200)
      return Error(StatusCode::kFailedPrecondition, "PEER_REFUSED", "HTTP status {}",
                   response->status);
    return ParseBeaconAnswer(options_.name, response->body);
  }

  const ForeignBeaconOptions options_;
  const std::unique_ptr<WorkerPool> workers_;  // ends first
};

// What a genofed Beacon says of datasets that cannot be asked this. Whatever else is there is none.
std::vector<NotAsked> NotAskedOf(const json& document) {
  std::vector<NotAsked> out;
  const json* info = Field(document, "info");
  const json* list = info == nullptr ? nullptr : Field(*info, "notAsked");
  if (list == nullptr || !list->is_array()) return out;
  const auto text = [](const json& object, const char* name) {
    const json* value = Field(object, name);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
  };
  for (const json& one : *list) {
    if (!one.is_object() || out.size() == kMaxResultSets) continue;
    out.push_back({"", text(one, "dataset"), text(one, "reason"), text(one, "detail")});
  }
  return out;
}

}  // namespace

std::string RenderBeaconQuery(const Query& query) {
  json parameters = json::object();
  if (query.variant) RenderVariant(*query.variant, parameters);
  json filters = json::array();
  for (const FilterGroup& group : query.filters) {
    if (!group.empty()) RenderFilter(group.front(), filters);
  }
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
  answer.not_asked = NotAskedOf(document);
  const json* response = Field(document, "response");
  const json* sets = response == nullptr ? nullptr : Field(*response, "resultSets");
  if (sets == nullptr || (sets->is_array() && sets->empty())) {
    GF_ASSIGN(auto whole, ReadDataset(std::string(name), *summary, "numTotalResults"));
    // Of a "no" to which some were not asked nobody knows whose it is.
    if (whole.exists || answer.not_asked.empty()) answer.datasets.push_back(std::move(whole));
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

std::unique_ptr<NodeClient> MakeForeignBeacon(ForeignBeaconOptions options,
                                              std::unique_ptr<WorkerPool> workers) {
  return std::make_unique<ForeignBeacon>(std::move(options), std::move(workers));
}

}  // namespace genofed::discovery
