// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/grpc_discovery_service.h"

#include <algorithm>

#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "libs/obs/log.h"
#include "services/discovery/adapters/proto_mapping.h"

namespace genofed::discovery {
namespace {

#define GF_METHOD(name) "genofed.discovery.v1.DiscoveryService/" #name

constexpr std::int32_t kMaxRecords = 10'000;  // on a page

// What a node and the hub do differently.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Result<Answer> Run(const Context& ctx, const Query& query) = 0;
  // With records of individuals.
  virtual Result<Answer> Run(const Context&, const Query&, const v1::RecordsAsked&) {
    return InvalidField("records", "PASSPORT_UNEXPECTED", "passports are shown to a node");
  }
  virtual Result<std::vector<FilteringTerm>> Terms(const Context& ctx) = 0;
  virtual Status Publish(const Context& ctx, const Publication& publication, bool replaces) = 0;
  virtual Result<std::vector<std::string>> Sites() {
    return Error(StatusCode::kUnimplemented, "HUB_ONLY", "a node is no network");
  }
  virtual Result<Answer> Combine(const Query&, std::vector<NodeReply>) {
    return Error(StatusCode::kUnimplemented, "HUB_ONLY", "a node is no network");
  }
};

class NodeBackend final : public Backend {
 public:
  NodeBackend(NodeDiscovery& discovery, const FolderCounts& folders, Publications& publications,
              PassportClient* passports)
      : discovery_(discovery),
        folders_(folders),
        publications_(publications),
        passports_(passports) {}
  Result<Answer> Run(const Context& ctx, const Query& query) override {
    GF_ASSIGN(Answer answer, IsFromHub(ctx.principal())
                                 ? Together(discovery_.Run(ctx, query), folders_.Run(ctx, query))
                                 : discovery_.Run(ctx, query));
    GF_TRY(CheckTold(answer));
    return answer;
  }
  Result<Answer> Run(const Context& ctx, const Query& query,
                     const v1::RecordsAsked& records) override {
    if (IsFromHub(ctx.principal()) || passports_ == nullptr)
      return InvalidField("records", "PASSPORT_UNEXPECTED", "passports are shown to the node itself");
    if (records.skip() < 0 || records.limit() < 0 || records.limit() > kMaxRecords)
      return InvalidField("records.limit", "FIELD_INVALID", "at most {} records", kMaxRecords);
    RecordsAsked asked{{}, records.individual(), records.skip(), records.limit()};
    GF_ASSIGN(asked.opened, passports_->Opened(ctx, records.passport()));
    GF_ASSIGN(Answer answer, discovery_.Run(ctx, query, asked));
    GF_TRY(CheckTold(answer));
    return answer;
  }
  Result<std::vector<FilteringTerm>> Terms(const Context& ctx) override {
    GF_ASSIGN(std::vector<FilteringTerm> terms, discovery_.Terms(ctx));
    // The gateway of the site asks folders by themselves, in Beacon's own words.
    if (!IsFromHub(ctx.principal())) return terms;
    auto of_folders = folders_.Terms(ctx);
    if (Reason(of_folders.status()) == "CONSENT_STALE") return terms;  // a large one is being opened
    GF_TRY(of_folders);
    for (const FilteringTerm& term : terms) of_folders->erase(term.id);
    for (const std::string& id : *of_folders) terms.push_back({id, TermLabel(id)});
    std::sort(terms.begin(), terms.end());
    return terms;
  }
  Status Publish(const Context& ctx, const Publication& publication, bool replaces) override {
    return replaces ? publications_.Replace(ctx, publication) : publications_.Publish(ctx, publication);
  }

 private:
  NodeDiscovery& discovery_;
  const FolderCounts& folders_;
  Publications& publications_;
  PassportClient* const passports_;
};

class HubBackend final : public Backend {
 public:
  explicit HubBackend(HubDiscovery& discovery) : discovery_(discovery) {}
  Result<Answer> Run(const Context& ctx, const Query& query) override {
    return discovery_.Run(ctx, query);
  }
  Result<std::vector<FilteringTerm>> Terms(const Context& ctx) override {
    return discovery_.Terms(ctx);
  }
  Status Publish(const Context&, const Publication&, bool) override {
    return Error(StatusCode::kUnimplemented, "NODE_ONLY", "datasets are published at nodes");
  }
  Result<std::vector<std::string>> Sites() override { return discovery_.Sites(); }
  Result<Answer> Combine(const Query& query, std::vector<NodeReply> replies) override {
    return discovery_.Combine(query, std::move(replies));
  }

 private:
  HubDiscovery& discovery_;
};

class GrpcDiscoveryService final : public v1::DiscoveryService::CallbackService {
 public:
  GrpcDiscoveryService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                       std::unique_ptr<Backend> backend, PayerOfCall payer)
      : rpc_(rpc), metrics_(metrics), backend_(std::move(backend)), payer_(std::move(payer)) {}

  grpc::ServerUnaryReactor* Query(grpc::CallbackServerContext* call,
                                  const v1::QueryRequest* request,
                                  v1::QueryResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(Query), request, response,
        [this](const Context& ctx, const v1::QueryRequest& r) -> Result<v1::QueryResponse> {
          const auto start = std::chrono::steady_clock::now();
          GF_ASSIGN(discovery::Query query, Validate(FromProto(r)));
          GF_ASSIGN(Payer payer, payer_(ctx, r.account_token()));
          query.account = std::move(payer.account);
          query.account_tokens = std::move(payer.tokens);
          GF_ASSIGN(Answer answer, r.has_records() ? backend_->Run(ctx, query, r.records())
                                                   : backend_->Run(ctx, query));
          Account(ctx, query, answer, std::chrono::steady_clock::now() - start);
          return ToProto(answer);
        });
  }

  grpc::ServerUnaryReactor* ListFilteringTerms(grpc::CallbackServerContext* call,
                                               const v1::ListFilteringTermsRequest* request,
                                               v1::ListFilteringTermsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListFilteringTerms), request, response,
        [this](const Context& ctx,
               const v1::ListFilteringTermsRequest& r) -> Result<v1::ListFilteringTermsResponse> {
          GF_ASSIGN(auto terms, backend_->Terms(ctx));
          return Page(terms, r.page_size(), r.page_token());
        });
  }

  grpc::ServerUnaryReactor* ListMembers(grpc::CallbackServerContext* call,
                                        const v1::ListMembersRequest* request,
                                        v1::ListMembersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListMembers), request, response,
        [this](const Context&, const v1::ListMembersRequest&) -> Result<v1::ListMembersResponse> {
          GF_ASSIGN(auto sites, backend_->Sites());
          v1::ListMembersResponse out;
          out.mutable_sites()->Add(sites.begin(), sites.end());
          return out;
        });
  }

  grpc::ServerUnaryReactor* CombineAnswers(grpc::CallbackServerContext* call,
                                           const v1::CombineAnswersRequest* request,
                                           v1::CombineAnswersResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CombineAnswers), request, response,
        [this](const Context&,
               const v1::CombineAnswersRequest& r) -> Result<v1::CombineAnswersResponse> {
          GF_ASSIGN(const discovery::Query query, Validate(FromProto(r.query())));
          std::vector<NodeReply> replies;
          for (const v1::QueryResponse& answer : r.answers()) {
            GF_ASSIGN(NodeReply reply, ReplyOf(answer));
            replies.push_back(std::move(reply));
          }
          GF_ASSIGN(const Answer answer, backend_->Combine(query, std::move(replies)));
          v1::CombineAnswersResponse out;
          *out.mutable_answer() = ToProto(answer);
          return out;
        });
  }

  grpc::ServerUnaryReactor* PublishVersion(grpc::CallbackServerContext* call,
                                           const v1::PublishVersionRequest* request,
                                           v1::PublishVersionResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(PublishVersion), request, response,
        [this](const Context& ctx,
               const v1::PublishVersionRequest& r) -> Result<v1::PublishVersionResponse> {
          GF_TRY(backend_->Publish(ctx, FromProto(r), r.replaces()));
          return v1::PublishVersionResponse();
        });
  }

 private:
  void Account(const Context& ctx, const discovery::Query& query, const Answer& answer,
               std::chrono::steady_clock::duration elapsed) {
    const char* entity = EntityName(query.entity);
    const char* granularity = GranularityName(query.granularity);
    metrics_.Observe("genofed_discovery_query_seconds",
                     {{"entity", entity}, {"granularity", granularity}},
                     std::chrono::duration<double>(elapsed).count());
    if (answer.suppressed) metrics_.Add("genofed_discovery_suppressed_total", {{"entity", entity}});
    if (!answer.withheld.empty())
      metrics_.Add("genofed_discovery_withheld_total", {},
                   static_cast<double>(answer.withheld.size()));
    std::size_t answered = 0;
    for (const Member& member : answer.members) {
      answered += member.state == MemberState::kAnswered ? 1 : 0;
      metrics_.Add("genofed_discovery_member_total",
                   {{"site", member.site}, {"state", MemberStateName(member.state)}});
    }
    GF_LOG(ctx, info, "discovery.query", {"principal", obs::PrincipalTag(ctx.principal())},
           {"entity", entity}, {"granularity", granularity}, {"variant", query.variant.has_value()},
           {"filters", query.filters.size()}, {"datasets", answer.datasets.size()},
           {"suppressed", answer.suppressed}, {"withheld", answer.withheld.size()},
           {"epoch", answer.epoch}, {"members", answer.members.size()}, {"answered", answered});
  }

  rpc::Dispatcher& rpc_;
  obs::Metrics& metrics_;
  const std::unique_ptr<Backend> backend_;
  const PayerOfCall payer_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeNodeService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                               NodeDiscovery& discovery,
                                               const FolderCounts& folders,
                                               Publications& publications, PayerOfCall payer,
                                               PassportClient* passports) {
  return std::make_unique<GrpcDiscoveryService>(
      rpc, metrics, std::make_unique<NodeBackend>(discovery, folders, publications, passports),
      std::move(payer));
}

std::unique_ptr<grpc::Service> MakeHubService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                              HubDiscovery& discovery, PayerOfCall payer) {
  return std::make_unique<GrpcDiscoveryService>(
      rpc, metrics, std::make_unique<HubBackend>(discovery), std::move(payer));
}

}  // namespace genofed::discovery
