// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_routes.h"

#include "libs/core/strings.h"
#include "libs/http/problem.h"
#include "services/gateway/adapters/beacon_response.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
namespace dv1 = discovery::v1;
namespace cv1 = catalogue::v1;

constexpr int kPage = 100;
constexpr int kMaxPages = 50;  // of datasets or terms read for one answer

Result<BeaconRequest> Parse(BeaconEntry entry, const Request& request) {
  if (request.method != Method::kPost) return ParseBeaconGet(entry, request.query);
  if (const std::string type = request.ContentType(); !type.empty() && type != "application/json") {
    return Error(StatusCode::kInvalidArgument, http::kUnsupportedMediaType,
                 "the body must be application/json");
  }
  return ParseBeaconPost(entry, request.body);
}

Result<std::vector<cv1::DatasetRecord>> AllDatasets(const UnaryCaller& caller, const Context& ctx) {
  std::vector<cv1::DatasetRecord> records;
  cv1::ListRecordsRequest request;
  request.set_page_size(kPage);
  for (int page = 0; page < kMaxPages; ++page) {
    GF_ASSIGN(auto answer, Call<cv1::ListRecordsResponse>(
                               caller, ctx, "catalogue",
                               "genofed.catalogue.v1.CatalogueService/ListRecords", request));
    records.insert(records.end(), answer.records().begin(), answer.records().end());
    if (answer.next_page_token().empty()) break;
    request.set_page_token(answer.next_page_token());
  }
  return records;
}

// A non-negative number, or `fallback` when it is not given.
Result<std::size_t> Number(const Request& request, std::string_view name, std::size_t fallback) {
  const auto text = request.query.Get(name);
  if (!text || text->empty()) return fallback;
  const auto value = ParseInt(*text);
  if (!value.ok() || *value < 0 || *value > INT32_MAX)
    return InvalidField(name, "FIELD_INVALID", "must be a number");
  return static_cast<std::size_t>(*value);
}

Result<std::vector<dv1::FilteringTerm>> Terms(const UnaryCaller& caller, const Request& request) {
  GF_ASSIGN(const std::size_t skip, Number(request, "skip", 0));
  GF_ASSIGN(std::size_t limit, Number(request, "limit", 0));
  if (limit == 0) limit = SIZE_MAX / 2;  // Beacon: 0 asks for all
  const std::size_t first = skip == 0 ? 0 : skip * limit;
  std::vector<dv1::FilteringTerm> terms;
  dv1::ListFilteringTermsRequest query;
  query.set_page_size(kPage);
  std::size_t seen = 0;
  for (int page = 0; page < kMaxPages && terms.size() < limit; ++page) {
    GF_ASSIGN(auto answer, Call<dv1::ListFilteringTermsResponse>(
                               caller, request.ctx, "discovery",
                               "genofed.discovery.v1.DiscoveryService/ListFilteringTerms", query));
    for (const auto& term : answer.terms()) {
      if (seen++ >= first && terms.size() < limit) terms.push_back(term);
    }
    if (answer.next_page_token().empty()) break;
    query.set_page_token(answer.next_page_token());
  }
  return terms;
}

http::Handler QueryHandler(BeaconEntry entry, const SiteFacts& site, const UnaryCaller& caller) {
  return [entry, site, caller](const Request& request) -> Result<Response> {
    GF_ASSIGN(const BeaconRequest query, Parse(entry, request));
    GF_ASSIGN(const auto answer,
              Call<dv1::QueryResponse>(caller, request.ctx, "discovery",
                                       "genofed.discovery.v1.DiscoveryService/Query", query.query));
    return http::Json(200, RenderQueryResponse(site, query, answer));
  };
}

http::Handler DatasetsHandler(const SiteFacts& site, const UnaryCaller& caller) {
  return [site, caller](const Request& request) -> Result<Response> {
    GF_ASSIGN(const BeaconRequest query, Parse(BeaconEntry::kDataset, request));
    GF_ASSIGN(const auto records, AllDatasets(caller, request.ctx));
    return http::Json(200, RenderDatasets(site, query, records));
  };
}

http::Handler DatasetHandler(const SiteFacts& site, const UnaryCaller& caller) {
  return [site, caller](const Request& request) -> Result<Response> {
    GF_ASSIGN(BeaconRequest query, Parse(BeaconEntry::kDataset, request));
    cv1::GetRecordRequest get;
    get.set_id(request.Param("id"));
    GF_ASSIGN(const auto answer,
              Call<cv1::GetRecordResponse>(caller, request.ctx, "catalogue",
                                           "genofed.catalogue.v1.CatalogueService/GetRecord", get));
    query.skip = 0;
    return http::Json(200, RenderDatasets(site, query, {answer.record()}));
  };
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
  void Fixed(std::string path, std::string summary, std::string body) {
    Add(Method::kGet, std::move(path), std::move(summary),
        [body = std::move(body)](const Request&) -> Result<Response> {
          return http::Json(200, body);
        });
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
  add.Add(Method::kGet, "/filtering_terms", "Terms that individuals can be filtered by",
          [site, caller](const Request& request) -> Result<Response> {
            GF_ASSIGN(const auto terms, Terms(caller, request));
            return http::Json(200, RenderFilteringTerms(site, terms));
          });
  add.Both("/g_variants", "Individuals who carry a variant, with allele frequencies",
           QueryHandler(BeaconEntry::kVariant, site, caller));
  add.Both("/individuals", "Individuals by filters and variant: counts only",
           QueryHandler(BeaconEntry::kIndividual, site, caller));
  add.Both("/datasets", "Datasets of this beacon", DatasetsHandler(site, caller));
  add.Add(Method::kGet, "/datasets/{id}", "One dataset", DatasetHandler(site, caller));
}

}  // namespace genofed::gateway
