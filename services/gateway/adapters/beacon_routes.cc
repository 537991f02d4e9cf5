// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_routes.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "libs/cohort/consequence.h"
#include "libs/core/retry_after.h"
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
    auto folders = Folders(query, request.ctx);
    if (!folders.ok() && !SaysNothingNow(folders.status())) return folders.status();
    BeaconAnswers answers;
    if (folders.ok()) answers.folders = *std::move(folders);
    const Status folders_silent = folders.status();
    if (!MeansCohorts(query.parsed)) {
      GF_TRY(folders_silent);
    } else if (auto cohorts = Cohorts(query, request.ctx); cohorts.ok()) {
      answers.cohorts = *std::move(cohorts);
      GF_TRY(WithoutFolders(query.parsed, folders_silent, request.ctx, answers));
    } else {
      GF_TRY(WithoutCohorts(query.parsed, cohorts.status(), folders_silent, request.ctx, answers));
    }
    return http::Json(200, RenderQueryResponse(site_, query.parsed, answers));
  }

  // The terms of folders and those of cohorts, which are of individuals.
  Result<Response> Terms(const std::optional<beacon::Target>& target, const Request& request) const {
    GF_ASSIGN(const BeaconRequest query, ParseBeacon(beacon::Target{}, request));
    const auto& pages = query.parsed;
    // Those that people have are none of test mode.
    if (pages.test_mode && !site_.disclosure_off)
      return http::Json(200, RenderFilteringTerms(site_, {}));
    // All of them, unless a page was asked for.
    const bool paged = query.body.find("\"pagination\"") != std::string::npos;
    GF_ASSIGN(auto terms, FolderTerms(target, request.ctx));
    GF_ASSIGN(const bool of_cohorts, HasTermsOfCohorts(target, request.ctx));
    if (of_cohorts) GF_TRY(AddCohortTerms(request.ctx, terms));
    std::vector<dv1::FolderTerm> page;
    const auto first = static_cast<std::size_t>(paged ? pages.first() : 0);
    const auto limit = static_cast<std::size_t>(paged ? pages.limit : beacon::kMaxLimit);
    std::size_t place = 0;
    for (auto& [id, term] : terms) {
      if (place++ >= first && page.size() < limit) page.push_back(std::move(term));
    }
    return http::Json(200, RenderFilteringTerms(site_, page));
  }

  // Whether variants may be asked for without saying which: folders list them.
  bool ListsVariants(const Context& ctx) const {
    const auto folders = FoldersOf(ctx);
    return folders.ok() && folders->holds();
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

  // Cohorts are people: test mode is not about them.
  static bool MeansCohorts(const beacon::Request& request) {
    const beacon::Target& target = request.target;
    return !request.test_mode &&
           (target.parent != EntryType::kDataset || Means(request, target.id));
  }

  Result<dv1::QueryResponse> Cohorts(const BeaconRequest& asked, const Context& ctx) const {
    GF_ASSIGN(const dv1::QueryRequest query,
              CohortQuery(asked.parsed, site_.hub ? std::string() : asked.passport));
    return Call<dv1::QueryResponse>(caller_, ctx, "discovery",
                                    "genofed.discovery.v1.DiscoveryService/Query", query);
  }

  // What happens to one half of a node's data and need not silence the other: its budget is spent,
  // or could not pay for all of it at once, or a large folder is being opened.
  static bool SaysNothingNow(const Status& status) {
    const std::string reason = Reason(status);
    return reason == "BUDGET_SPENT" || reason == "TOO_MUCH_AT_ONCE" || reason == "CONSENT_STALE";
  }

  // The cohorts alone, if they say something; the answer names the folders.
  Status WithoutFolders(const beacon::Request& request, const Status& why, const Context& ctx,
                        BeaconAnswers& answers) const {
    if (why.ok()) return why;
    const dv1::QueryResponse& cohorts = *answers.cohorts;
    if (cohorts.datasets().empty()) return why;
    if (AddSpent(why, answers)) return absl::OkStatus();
    std::set<std::string> known;
    for (const auto& dataset : cohorts.datasets()) known.insert(dataset.dataset());
    for (const auto& withheld : cohorts.withheld()) known.insert(withheld.dataset());
    GF_ASSIGN(const auto names, OtherRecords(request, known, ctx));
    for (const std::string& name : names) answers.withheld.push_back({name, Reason(why)});
    return absl::OkStatus();
  }

  // The folders alone, if they say something; or nothing at all to a question that is one, but of
  // which cohorts know nothing. The answer names the cohorts.
  Status WithoutCohorts(const beacon::Request& request, const Status& why,
                        const Status& folders_silent, const Context& ctx,
                        BeaconAnswers& answers) const {
    const dv1::QueryFoldersResponse& folders = answers.folders;
    if (why.code() != StatusCode::kInvalidArgument) {
      if (!folders_silent.ok()) return Sooner(why, folders_silent);
      return folders.answered() > 0 && AddSpent(why, answers) ? absl::OkStatus() : why;
    }
    GF_TRY(folders_silent);
    if (!folders.holds() && Reason(why) != "QUERY_UNSUPPORTED") return why;
    GF_ASSIGN(answers.not_asked, NotAsked(request, folders, why, ctx));
    return absl::OkStatus();
  }

  // Names the datasets of a half whose budget is spent.
  static bool AddSpent(const Status& why, BeaconAnswers& answers) {
    if (Reason(why) != "BUDGET_SPENT") return false;
    for (const FieldViolation& field : Fields(why))
      answers.withheld.push_back({field.description, Reason(why), "", RetryAfter(why)});
    return true;
  }

  static Status Sooner(const Status& one, const Status& other) {
    const auto first = RetryAfter(one), second = RetryAfter(other);
    return first && second && *second < *first ? other : one;
  }

  Result<std::vector<LeftOut>> NotAsked(const beacon::Request& request,
                                        const dv1::QueryFoldersResponse& folders, const Status& why,
                                        const Context& ctx) const {
    GF_ASSIGN(const auto names,
              OtherRecords(request, {folders.folders().begin(), folders.folders().end()}, ctx));
    std::vector<LeftOut> out;
    for (const std::string& name : names) out.push_back({name, Reason(why), Message(why)});
    return out;
  }

  // Datasets of the catalogue that the request is about, without those that are `known` to be
  // something else.
  Result<std::vector<std::string>> OtherRecords(const beacon::Request& request,
                                                const std::set<std::string>& known,
                                                const Context& ctx) const {
    GF_ASSIGN(const auto records, AllRecords(ctx));
    std::vector<std::string> names;
    for (const cv1::DatasetRecord& record : records) {
      if (!known.contains(record.id()) && Means(request, record.id())) names.push_back(record.id());
    }
    return names;
  }

  Result<Response> Collections(const BeaconRequest& query, const Context& ctx) const {
    const beacon::Request& request = query.parsed;
    const beacon::Target& target = request.target;
    const bool conditional = request.variant || !request.filters.empty() || target.parent;
    if (site_.hub && conditional)
      return InvalidField("query", "QUERY_UNSUPPORTED", "the hub's datasets are listed without conditions");
    GF_ASSIGN(const auto folders, Folders(query, ctx));
    std::vector<cv1::DatasetRecord> records;
    std::vector<LeftOut> not_asked;
    if (target.type == EntryType::kDataset && !request.test_mode && conditional) {
      GF_ASSIGN(not_asked, NotAsked(request, folders, ConditionsUnsupported(), ctx));
    } else if (target.type == EntryType::kDataset && !request.test_mode) {
      GF_ASSIGN(records, target.id.empty() ? AllRecords(ctx) : OneRecord(ctx, target.id));
      // A folder is listed as one record; its datasets are named by itself.
      std::erase_if(records, [&](const cv1::DatasetRecord& record) {
        return !Means(request, record.id()) || IsFolder(folders, record.id());
      });
    }
    return http::Json(200, RenderCollections(site_, request, folders, records, not_asked));
  }

  static bool IsFolder(const dv1::QueryFoldersResponse& folders, const std::string& record) {
    return std::find(folders.folders().begin(), folders.folders().end(), record) !=
           folders.folders().end();
  }

  static Status ConditionsUnsupported() {
    return InvalidField("query", "QUERY_UNSUPPORTED", "cohorts are listed without conditions");
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

  // What folders there are: a question about no people, which costs nothing.
  Result<dv1::QueryFoldersResponse> FoldersOf(const Context& ctx) const {
    BeaconRequest query;
    query.parsed.target = {EntryType::kDataset};
    query.body = R"({"query": {"requestedGranularity": "boolean"}})";
    return Folders(query, ctx);
  }

  // Of all together, of individuals, and of one cohort: its terms are among those of all cohorts of
  // the site.
  Result<bool> HasTermsOfCohorts(const std::optional<beacon::Target>& target,
                                 const Context& ctx) const {
    if (!target || (target->id.empty() && target->type == EntryType::kIndividual)) return true;
    if (target->type != EntryType::kDataset || target->id.empty()) return false;
    GF_ASSIGN(const auto records, OneRecord(ctx, target->id));
    if (records.empty()) return false;
    GF_ASSIGN(const auto folders, FoldersOf(ctx));
    return !IsFolder(folders, target->id);
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
  const auto beacon = std::make_shared<const Beacon>(site, caller);
  add.Fixed("", "What this beacon is", RenderBeaconInfo(site));
  add.Fixed("/info", "What this beacon is", RenderBeaconInfo(site));
  add.Fixed("/service-info", "GA4GH service-info", RenderBeaconServiceInfo(site));
  add.Both("/configuration", "What this beacon can do",
           [site, beacon](const Request& request) -> Result<Response> {
             return http::Json(200,
                               RenderBeaconConfiguration(site, beacon->ListsVariants(request.ctx)));
           });
  add.Both(
      "/entry_types", "Entry types", [site, beacon](const Request& request) -> Result<Response> {
        return http::Json(200, RenderBeaconEntryTypes(site, beacon->ListsVariants(request.ctx)));
      });
  add.Fixed("/map", "Endpoints", RenderBeaconMap(site));
  add.Fixed("/aggregation_terms", "Experimental: what aggregated granularity can be asked for",
            RenderAggregationTerms(site));
  add.Both("/filtering_terms", "Terms and fields to filter by",
           [beacon](const Request& request) { return beacon->Terms(std::nullopt, request); });
  const std::vector<EntryType> types = BeaconEntryTypes(site);
  for (const EntryType type : types) {
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
    if (!site.hub)
      add.Both(root + "/filtering_terms",
               fmt::format("{}: terms and fields to filter by", facts.name),
               [beacon, type](const Request& request) {
                 return beacon->Terms(beacon::Target{type, std::nullopt, ""}, request);
               });
    add.Both(root + "/{id}/{related}",
             fmt::format("{}: what belongs to one, and what it can be filtered by", facts.name),
             [beacon, type, types, hub = site.hub](const Request& request) -> Result<Response> {
               const std::string& related = request.Param("related");
               if (related == "filtering_terms" && !hub)
                 return beacon->Terms(beacon::Target{type, std::nullopt, request.Param("id")}, request);
               const auto other = beacon::EntryOfPath(related);
               if (!other || *other == type ||
                   std::find(types.begin(), types.end(), *other) == types.end())
                 return NoSuchPath(request.path);
               return beacon->Answer({*other, type, request.Param("id")}, request);
             });
  }
}

}  // namespace genofed::gateway
