// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_routes.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>

#include "libs/cohort/consequence.h"
#include "services/gateway/adapters/beacon_response.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
namespace dv1 = discovery::v1;
namespace cv1 = catalogue::v1;

using beacon::EntryType;

constexpr const char* kVariantScope = "genomicVariant";
constexpr int kPage = 100;
constexpr int kTermsPage = 1000;
constexpr int kMaxPages = 50;  // of datasets or terms read for one answer

// What of a Beacon request's place the services are told.
dv1::BeaconTarget TargetOf(const beacon::Target& target) {
  dv1::BeaconTarget out;
  out.set_entry(std::string(beacon::Facts(target.type).path));
  if (target.parent) out.set_parent(std::string(beacon::Facts(*target.parent).path));
  out.set_id(target.id);
  return out;
}

class Beacon {
 public:
  Beacon(const SiteFacts& site, UnaryCaller caller) : site_(site), caller_(std::move(caller)) {}

  Result<Response> Answer(beacon::Target target, const Request& request) const {
    GF_ASSIGN(const BeaconRequest query, ParseBeacon(std::move(target), request));
    if (beacon::IsCollection(query.parsed.target.type)) return Collections(query, request.ctx);
    BeaconAnswers answers;
    GF_ASSIGN(answers.folders, Folders(query, request.ctx));
    const auto cohorts = CohortQuery(query.parsed);
    // What cohorts cannot be asked is answered from folders, if there are any.
    const EntryType type = query.parsed.target.type;
    const bool of_cohorts =
        (type == EntryType::kVariant || type == EntryType::kIndividual) && query.parsed.target.id.empty();
    if (!cohorts.ok() && of_cohorts && !answers.folders.holds()) return cohorts.status();
    if (cohorts.ok()) {
      auto answer = Call<dv1::QueryResponse>(caller_, request.ctx, "discovery",
                                             "genofed.discovery.v1.DiscoveryService/Query", *cohorts);
      const bool refused = answer.status().code() == StatusCode::kInvalidArgument;
      if (!answer.ok() && !(refused && answers.folders.holds())) return answer.status();
      if (answer.ok()) answers.cohorts = *std::move(answer);
    }
    return http::Json(200, RenderQueryResponse(site_, query.parsed, answers));
  }

  // The terms of folders and those of cohorts, which are of individuals.
  Result<Response> Terms(const std::optional<beacon::Target>& target, const Request& request) const {
    GF_ASSIGN(const BeaconRequest query, ParseBeacon(beacon::Target{}, request));
    const auto& pages = query.parsed;
    // All of them, unless a page was asked for.
    const bool paged = query.body.find("\"pagination\"") != std::string::npos;
    GF_ASSIGN(auto terms, FolderTerms(target, request.ctx));
    if (!target || (target->id.empty() && target->type == EntryType::kIndividual))
      GF_TRY(AddCohortTerms(request.ctx, terms));
    std::vector<dv1::FolderTerm> page;
    const auto first = static_cast<std::size_t>(paged ? pages.first() : 0);
    const auto limit = static_cast<std::size_t>(paged ? pages.limit : beacon::kMaxLimit);
    std::size_t place = 0;
    for (auto& [id, term] : terms) {
      if (place++ >= first && page.size() < limit) page.push_back(std::move(term));
    }
    return http::Json(200, RenderFilteringTerms(site_, page));
  }

 private:
  using TermsById = std::map<std::string, dv1::FolderTerm>;

  Result<dv1::QueryFoldersResponse> Folders(const BeaconRequest& query, const Context& ctx) const {
    if (site_.hub) return dv1::QueryFoldersResponse();
    dv1::QueryFoldersRequest request;
    *request.mutable_target() = TargetOf(query.parsed.target);
    request.set_body(query.body);
    request.set_passport(query.passport);
    return Call<dv1::QueryFoldersResponse>(caller_, ctx, "discovery", "genofed.discovery.v1.BeaconService/QueryFolders",
                                           request);
  }

  Result<Response> Collections(const BeaconRequest& query, const Context& ctx) const {
    const beacon::Target& target = query.parsed.target;
    const bool conditional = query.parsed.variant || !query.parsed.filters.empty() || target.parent;
    if (site_.hub && conditional)
      return InvalidField("query", "QUERY_UNSUPPORTED", "the hub's datasets are listed without conditions");
    GF_ASSIGN(const auto folders, Folders(query, ctx));
    std::vector<cv1::DatasetRecord> records;
    if (target.type == EntryType::kDataset && !conditional && query.parsed.datasets.empty()) {
      GF_ASSIGN(records, target.id.empty() ? AllRecords(ctx) : OneRecord(ctx, target.id));
      // A folder is listed as one record; its datasets are named by itself.
      std::erase_if(records, [&](const cv1::DatasetRecord& record) {
        return std::find(folders.folders().begin(), folders.folders().end(), record.id()) != folders.folders().end();
      });
    }
    return http::Json(200, RenderCollections(site_, query.parsed, folders, records));
  }

  Result<std::vector<cv1::DatasetRecord>> OneRecord(const Context& ctx, const std::string& id) const {
    cv1::GetRecordRequest get;
    get.set_id(id);
    auto answer =
        Call<cv1::GetRecordResponse>(caller_, ctx, "catalogue", "genofed.catalogue.v1.CatalogueService/GetRecord", get);
    if (answer.status().code() == StatusCode::kNotFound || answer.status().code() == StatusCode::kInvalidArgument)
      return std::vector<cv1::DatasetRecord>();
    GF_TRY(answer);
    return std::vector<cv1::DatasetRecord>{answer->record()};
  }

  Result<std::vector<cv1::DatasetRecord>> AllRecords(const Context& ctx) const {
    std::vector<cv1::DatasetRecord> records;
    cv1::ListRecordsRequest request;
    request.set_page_size(kPage);
    for (int page = 0; page < kMaxPages; ++page) {
      GF_ASSIGN(auto answer,
                Call<cv1::ListRecordsResponse>(caller_, ctx, "catalogue",
                                               "genofed.catalogue.v1.CatalogueService/ListRecords", request));
      records.insert(records.end(), answer.records().begin(), answer.records().end());
      if (answer.next_page_token().empty()) break;
      request.set_page_token(answer.next_page_token());
    }
    return records;
  }

  Result<TermsById> FolderTerms(const std::optional<beacon::Target>& target, const Context& ctx) const {
    TermsById terms;
    if (site_.hub) return terms;
    dv1::ListFolderTermsRequest request;
    request.set_page_size(kTermsPage);
    if (target) *request.mutable_target() = TargetOf(*target);
    for (int page = 0; page < kMaxPages; ++page) {
      GF_ASSIGN(auto answer,
                Call<dv1::ListFolderTermsResponse>(caller_, ctx, "discovery",
                                                   "genofed.discovery.v1.BeaconService/ListFolderTerms", request));
      for (auto& term : *answer.mutable_terms()) terms[term.id()] = std::move(term);
      if (answer.next_page_token().empty()) break;
      request.set_page_token(answer.next_page_token());
    }
    return terms;
  }

  Status AddCohortTerms(const Context& ctx, TermsById& terms) const {
    std::vector<dv1::FilteringTerm> own;
    dv1::ListFilteringTermsRequest request;
    request.set_page_size(kTermsPage);
    for (int page = 0; page < kMaxPages; ++page) {
      GF_ASSIGN(auto answer,
                Call<dv1::ListFilteringTermsResponse>(
                    caller_, ctx, "discovery", "genofed.discovery.v1.DiscoveryService/ListFilteringTerms", request));
      own.insert(own.end(), answer.terms().begin(), answer.terms().end());
      if (answer.next_page_token().empty()) break;
      request.set_page_token(answer.next_page_token());
    }
    // A node without cohorts names the two sexes all the same.
    if (own.size() <= 2 && !terms.empty()) return absl::OkStatus();
    for (const dv1::FilteringTerm& term : own) {
      const auto [held, added] = terms.try_emplace(term.id());
      if (!added) continue;
      held->second.set_type("ontology");
      held->second.set_id(term.id());
      held->second.set_label(term.label());
      held->second.add_scopes("individual");
    }
    AddFieldsOfCohorts(terms);
    return absl::OkStatus();
  }

  // What every cohort can be asked besides, whatever is in it (CohortQuery).
  static void AddFieldsOfCohorts(TermsById& terms) {
    auto add = [&](const char* type, const std::string& id, std::string label, const char* scope) {
      dv1::FolderTerm& term = terms[id];
      term.set_type(type);
      term.set_id(id);
      if (term.label().empty()) term.set_label(std::move(label));
      if (std::find(term.scopes().begin(), term.scopes().end(), scope) == term.scopes().end()) term.add_scopes(scope);
    };
    add("alphanumeric", "age", "Age in completed years", "individual");
    add("alphanumeric", "alleleFrequency", "Rarer than, with the operator <", kVariantScope);
    add("ontology", "SO:0002054", "loss_of_function_variant", kVariantScope);
    for (std::size_t i = 0; i < cohort::kConsequences; ++i) {
      const auto consequence = static_cast<cohort::Consequence>(i);
      if (consequence != cohort::Consequence::kUnknown)
        add("ontology", cohort::SequenceOntologyOf(consequence), std::string(cohort::Name(consequence)), kVariantScope);
    }
  }

  const SiteFacts site_;
  const UnaryCaller caller_;
};

Status NoSuchPath(const std::string& path) {
  return Error(StatusCode::kNotFound, "NOT_FOUND", "this beacon has no {}", path);
}

class Adder {
 public:
  explicit Adder(Api& api) : api_(api) {}

  void Add(Method method, std::string path, std::string summary, http::Handler handler) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = "/beacon/v2" + path;
    endpoint.family = http::ApiFamily::kBeacon;
    endpoint.summary = std::move(summary);
    endpoint.handler = std::move(handler);
    api_.Add(std::move(endpoint));
  }
  // Framework endpoints answer a POST as they do a GET.
  void Fixed(const std::string& path, const std::string& summary, std::string body) {
    Both(path, summary, [body = std::move(body)](const Request&) -> Result<Response> { return http::Json(200, body); });
  }
  void Both(const std::string& path, const std::string& summary, const http::Handler& handler) {
    Add(Method::kGet, path, summary, handler);
    Add(Method::kPost, path, summary, handler);
  }

 private:
  Api& api_;
};

}  // namespace

void AddBeaconRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller) {
  Adder add(api);
  add.Fixed("", "What this beacon is", RenderBeaconInfo(site));
  add.Fixed("/info", "What this beacon is", RenderBeaconInfo(site));
  add.Fixed("/service-info", "GA4GH service-info", RenderBeaconServiceInfo(site));
  add.Fixed("/configuration", "What this beacon can do", RenderBeaconConfiguration(site));
  add.Fixed("/entry_types", "Entry types", RenderBeaconEntryTypes(site));
  add.Fixed("/map", "Endpoints", RenderBeaconMap(site));
  const auto beacon = std::make_shared<const Beacon>(site, caller);
  if (!site.hub)
    add.Fixed("/aggregation_terms", "Experimental: what aggregated granularity can be asked for",
              RenderAggregationTerms(site));
  add.Both("/filtering_terms", "Terms and fields to filter by",
           [beacon](const Request& request) { return beacon->Terms(std::nullopt, request); });
  for (const EntryType type : BeaconEntryTypes(site)) {
    const beacon::EntryFacts& facts = beacon::Facts(type);
    const std::string root = fmt::format("/{}", facts.path);
    add.Both(root, fmt::format("{}: all, or those that a query finds", facts.name),
             [beacon, type](const Request& request) {
               return beacon->Answer({type, std::nullopt, ""}, request);
             });
    if (site.hub && type != EntryType::kDataset) continue;
    add.Both(root + "/{id}", fmt::format("{}: one", facts.name), [beacon, type](const Request& request) {
      return beacon->Answer({type, std::nullopt, request.Param("id")}, request);
    });
    if (site.hub) continue;
    add.Both(root + "/filtering_terms", fmt::format("{}: terms and fields to filter by", facts.name),
             [beacon, type](const Request& request) {
               return beacon->Terms(beacon::Target{type, std::nullopt, ""}, request);
             });
    add.Both(root + "/{id}/{related}",
             fmt::format("{}: what belongs to one, and what it can be filtered by", facts.name),
             [beacon, type](const Request& request) -> Result<Response> {
               const std::string& related = request.Param("related");
               if (related == "filtering_terms")
                 return beacon->Terms(beacon::Target{type, std::nullopt, request.Param("id")}, request);
               const auto other = beacon::EntryOfPath(related);
               if (!other || *other == type) return NoSuchPath(request.path);
               return beacon->Answer({*other, type, request.Param("id")}, request);
             });
  }
}

}  // namespace genofed::gateway
