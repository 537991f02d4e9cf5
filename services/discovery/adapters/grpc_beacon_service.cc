// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/grpc_beacon_service.h"

#include <algorithm>

#include "genofed/access/v1/passport.grpc.pb.h"
#include "genofed/discovery/v1/beacon.grpc.pb.h"
#include "libs/obs/log.h"
#include "services/discovery/adapters/account_of_call.h"
#include "services/discovery/domain/publication.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {
namespace {

#define GF_METHOD(name) "genofed.discovery.v1.BeaconService/" #name

constexpr int kDefaultPage = 1000;
constexpr int kMaxPage = 10'000;

Result<beacon::Target> TargetOf(const v1::BeaconTarget& in) {
  const auto type = beacon::EntryOfPath(in.entry());
  if (!type) return InvalidField("target.entry", "FIELD_INVALID", "is not an entry type");
  beacon::Target target{*type, std::nullopt, in.id()};
  if (!in.parent().empty()) {
    target.parent = beacon::EntryOfPath(in.parent());
    if (!target.parent || in.id().empty())
      return InvalidField("target.parent", "FIELD_INVALID", "is not an entry with an identifier");
  }
  return target;
}

void AddTo(v1::QueryFoldersResponse& response, const WithheldFolder& withheld) {
  // Of a folder the number may be withheld, and then its distributions, too.
  for (const v1::WithheldFolder& named : response.withheld()) {
    if (named.folder() == withheld.folder) return;
  }
  v1::WithheldFolder& added = *response.add_withheld();
  added.set_folder(withheld.folder);
  added.mutable_datasets()->Add(withheld.datasets.begin(), withheld.datasets.end());
  added.set_reason(withheld.retry_after ? v1::WithheldFolder::REASON_BUDGET_SPENT
                                        : v1::WithheldFolder::REASON_TOO_MUCH_AT_ONCE);
  added.set_retry_after_seconds(withheld.retry_after.value_or(std::chrono::seconds(0)).count());
}

v1::QueryFoldersResponse ToProto(BeaconAnswer answer, bool open) {
  v1::QueryFoldersResponse out;
  out.set_holds(answer.holds);
  out.set_exists(answer.exists);
  out.set_count(answer.count);
  out.set_exact(answer.exact);
  out.set_granularity(std::string(beacon::GranularityName(answer.granularity)));
  out.set_epoch(answer.epoch);
  out.set_minimum_count(answer.minimum_count);
  out.set_disclosure_control_off(open);
  out.mutable_folders()->Add(answer.folders.begin(), answer.folders.end());
  for (const WithheldFolder& one : answer.withheld) AddTo(out, one);
  for (BeaconResultSet& set : answer.sets) {
    v1::BeaconResultSet& added = *out.add_sets();
    added.set_id(set.id);
    added.set_folder(set.folder);
    added.set_exists(set.exists);
    added.set_count(set.count);
    added.set_records(set.records);
    added.set_exact(set.exact);
    for (std::string& result : set.results) added.add_results(std::move(result));
  }
  for (std::string& collection : answer.collections) out.add_collections(std::move(collection));
  out.set_answered(answer.answered);
  return out;
}

void AddTo(v1::QueryFoldersResponse& response, const Aggregation& aggregation) {
  v1::FolderAggregation& added = *response.add_aggregations();
  added.set_term(std::string(aggregation.term->id));
  for (const auto& [value, count] : aggregation.distribution) {
    auto& one = *added.add_distribution();
    one.set_id(value);
    one.set_count(count);
  }
}

class GrpcPassportClient final : public PassportClient {
 public:
  GrpcPassportClient(rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : peer_(std::move(source), {timeout, 1, true}) {}

  Result<OpenedDatasets> Opened(const Context& ctx, const std::string& passport) override {
    access::v1::CheckPassportRequest request;
    request.set_passport(passport);
    GF_ASSIGN(const auto answer, peer_.Call(ctx, &access::v1::PassportService::Stub::CheckPassport, request));
    OpenedDatasets opened;
    for (const auto& one : answer.datasets()) {
      opened[one.dataset()] = {one.visa(),         one.visa_source(), one.application(),
                               one.project(),      one.organisation(), one.purpose(),
                               one.purpose_code(),   one.decision_sha256()};
    }
    return opened;
  }

 private:
  rpc::Peer<access::v1::PassportService> peer_;
};

class GrpcBeaconService final : public v1::BeaconService::CallbackService {
 public:
  GrpcBeaconService(rpc::Dispatcher& rpc, obs::Metrics& metrics, const BeaconDiscovery& discovery,
                    const FolderAggregation& aggregation, BeaconView& view, PassportClient& passports,
                    std::string country)
      : rpc_(rpc),
        metrics_(metrics),
        discovery_(discovery),
        aggregation_(aggregation),
        view_(view),
        passports_(passports),
        country_(std::move(country)) {}

  grpc::ServerUnaryReactor* QueryFolders(grpc::CallbackServerContext* call, const v1::QueryFoldersRequest* request,
                                         v1::QueryFoldersResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(QueryFolders), request, response,
                      [this](const Context& ctx, const v1::QueryFoldersRequest& r) { return Query(ctx, r); });
  }

  grpc::ServerUnaryReactor* ListFolderTerms(grpc::CallbackServerContext* call,
                                            const v1::ListFolderTermsRequest* request,
                                            v1::ListFolderTermsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListFolderTerms), request, response,
                      [this](const Context& ctx, const v1::ListFolderTermsRequest& r) { return Terms(ctx, r); });
  }

  grpc::ServerUnaryReactor* PublishFolder(grpc::CallbackServerContext* call, const v1::PublishFolderRequest* request,
                                          v1::PublishFolderResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(PublishFolder), request, response,
        [this](const Context& ctx, const v1::PublishFolderRequest& r) -> Result<v1::PublishFolderResponse> {
          const BeaconPublication publication{r.dataset().dataset(), r.dataset().version(), r.path(), r.sha256()};
          if (!DatasetNamesCountry(publication.dataset, country_))
            return InvalidField("dataset.dataset", "COUNTRY_MISMATCH", "this node answers for datasets of {} only",
                                country_);
          if (publication.version < 1) return InvalidField("dataset.version", "VERSION_INVALID", "counts from 1");
          GF_TRY(r.replaces() ? view_.Replace(ctx, publication) : view_.Publish(ctx, publication));
          return v1::PublishFolderResponse();
        });
  }

 private:
  Result<v1::QueryFoldersResponse> Query(const Context& ctx, const v1::QueryFoldersRequest& r) {
    const auto start = std::chrono::steady_clock::now();
    GF_ASSIGN(beacon::Target target, TargetOf(r.target()));
    GF_ASSIGN(const beacon::Request request, beacon::ParseRequest(std::move(target), r.body()));
    OpenedDatasets opened;
    if (!r.passport().empty()) {
      GF_ASSIGN(opened, passports_.Opened(ctx, r.passport()));
    }
    const std::string account = AccountOfUser(ctx.principal());
    GF_ASSIGN(BeaconAnswer answer, discovery_.Run(ctx, request, opened, account));
    const std::string entity(beacon::Facts(request.target.type).id);
    const std::string granularity(beacon::GranularityName(answer.granularity));
    metrics_.Observe("genofed_discovery_beacon_seconds", {{"entity", entity}, {"granularity", granularity}},
                     std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    if (!answer.withheld.empty())
      metrics_.Add("genofed_discovery_withheld_total", {},
                   static_cast<double>(answer.withheld.size()));
    GF_LOG(ctx, info, "discovery.beacon_query", {"principal", obs::PrincipalTag(ctx.principal())},
           {"entity", entity}, {"granularity", granularity},
           {"variant", request.variant.has_value()}, {"filters", request.filters.size()},
           {"datasets", answer.sets.size()}, {"withheld", answer.withheld.size()},
           {"exact", answer.exact}, {"epoch", answer.epoch});
    v1::QueryFoldersResponse response = ToProto(std::move(answer), discovery_.open());
    if (request.granularity == beacon::Granularity::kAggregated && !request.aggregations.empty()) {
      GF_ASSIGN(const Aggregated told, aggregation_.Run(ctx, request, account));
      for (const Aggregation& one : told.aggregations) AddTo(response, one);
      for (const WithheldFolder& one : told.withheld) AddTo(response, one);
    }
    return response;
  }

  Result<v1::ListFolderTermsResponse> Terms(const Context& ctx, const v1::ListFolderTermsRequest& r) {
    std::optional<beacon::Target> target;
    if (r.has_target()) {
      GF_ASSIGN(target, TargetOf(r.target()));
    }
    GF_ASSIGN(const auto terms, discovery_.Terms(ctx, target));
    const int size = r.page_size() <= 0 ? kDefaultPage : std::min(r.page_size(), kMaxPage);
    v1::ListFolderTermsResponse out;
    for (const beacon::FilteringTerm& term : terms) {
      if (term.id <= r.page_token() && !r.page_token().empty()) continue;
      if (out.terms_size() == size) {
        out.set_next_page_token(out.terms(size - 1).id());
        break;
      }
      v1::FolderTerm& added = *out.add_terms();
      added.set_type(term.type);
      added.set_id(term.id);
      added.set_label(term.label);
      for (const beacon::EntryType scope : term.scopes) added.add_scopes(std::string(beacon::Facts(scope).id));
      for (const std::string& value : term.values) added.add_values(value);
    }
    return out;
  }

  rpc::Dispatcher& rpc_;
  obs::Metrics& metrics_;
  const BeaconDiscovery& discovery_;
  const FolderAggregation& aggregation_;
  BeaconView& view_;
  PassportClient& passports_;
  const std::string country_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeBeaconService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                                 const BeaconDiscovery& discovery,
                                                 const FolderAggregation& aggregation, BeaconView& view,
                                                 PassportClient& passports, std::string country) {
  return std::make_unique<GrpcBeaconService>(rpc, metrics, discovery, aggregation, view, passports,
                                             std::move(country));
}

std::unique_ptr<PassportClient> MakePassportClient(rpc::ChannelSource access, std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcPassportClient>(std::move(access), timeout);
}

}  // namespace genofed::discovery
