// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/peers.h"

#include "genofed/access/v1/passport.grpc.pb.h"
#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/discovery/v1/case.grpc.pb.h"
#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "libs/core/strings.h"
#include "libs/platform/ledger_client.h"
#include "services/discovery/adapters/case_mapping.h"
#include "services/discovery/adapters/proto_mapping.h"

namespace genofed::discovery {
namespace {

using Catalogue = genofed::catalogue::v1::CatalogueService;
using Consent = genofed::consent::v1::ConsentService;
using Passports = genofed::access::v1::PassportService;

constexpr int kListingPage = 500;

class GrpcConsentClient final : public ConsentClient {
 public:
  GrpcConsentClient(rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : peer_(std::move(source), {timeout, 1, false}) {}

  Result<std::int64_t> Epoch(const Context& ctx) override {
    GF_ASSIGN(auto answer,
              peer_.Call(ctx, &Consent::Stub::GetEpoch, genofed::consent::v1::GetEpochRequest()));
    return answer.epoch();
  }

  Result<PermittedRows> Permitted(const Context& ctx, const std::string& dataset,
                                  std::int32_t version, Permission permission) override {
    genofed::consent::v1::GetCohortRequest request;
    request.mutable_dataset()->set_dataset(dataset);
    request.mutable_dataset()->set_version(version);
    request.set_permission(permission == Permission::kAlleleFrequency
                               ? genofed::common::v1::PERMISSION_ALLELE_FREQUENCY
                           : permission == Permission::kSecondaryUse
                               ? genofed::common::v1::PERMISSION_SECONDARY_USE
                               : genofed::common::v1::PERMISSION_SUBJECT_LEVEL_QUERY);
    GF_ASSIGN(auto answer, peer_.Call(ctx, &Consent::Stub::GetCohort, request));
    if (answer.rows() < 0)
      return Error(StatusCode::kFailedPrecondition, "ROWS_MISMATCH", "a negative number of rows");
    return PermittedRows{answer.epoch(), static_cast<std::uint32_t>(answer.rows()),
                         answer.permitted()};
  }

 private:
  rpc::Peer<Consent> peer_;
};

class GrpcProjectConsent final : public ProjectConsent {
 public:
  GrpcProjectConsent(const rpc::ChannelSource& source, std::chrono::milliseconds timeout)
      : peer_(source, {timeout, 1, false}), ledger_(source, {timeout, 1, false}) {}

  Result<ProjectCohort> Take(const Context& ctx, const std::string& dataset, std::int32_t version,
                             const std::string& purpose_code) override {
    genofed::consent::v1::GetCohortRequest request;
    request.mutable_dataset()->set_dataset(dataset);
    request.mutable_dataset()->set_version(version);
    request.set_permission(genofed::common::v1::PERMISSION_SECONDARY_USE);
    request.set_purpose(purpose_code);
    request.set_with_snapshot(true);
    GF_ASSIGN(auto answer, peer_.Call(ctx, &Consent::Stub::GetCohort, request));
    if (answer.rows() < 0)
      return Error(StatusCode::kFailedPrecondition, "ROWS_MISMATCH", "a negative number of rows");
    return ProjectCohort{{answer.epoch(), static_cast<std::uint32_t>(answer.rows()),
                          std::move(*answer.mutable_permitted())},
                         answer.snapshot(),
                         HexEncode(answer.snapshot_root()),
                         answer.snapshot_slots()};
  }
  Status Log(const Context& ctx, const std::string& key, const ledger::Entry& entry) override {
    return ledger_.Append(ctx, key, entry);
  }

 private:
  rpc::Peer<Consent> peer_;
  const LedgerClient ledger_;
};

class GrpcListingClient final : public ListingClient {
 public:
  GrpcListingClient(rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : peer_(std::move(source), {timeout, 1, false}) {}

  Result<std::set<DatasetVersion>> Listed(const Context& ctx,
                                          const std::set<DatasetVersion>& versions) override {
    std::set<DatasetVersion> listed;
    genofed::catalogue::v1::ListRecordsRequest request;
    request.set_page_size(kListingPage);
    do {
      GF_TRY(ctx.Alive());
      GF_ASSIGN(auto page, peer_.Call(ctx, &Catalogue::Stub::ListRecords, request));
      for (const auto& record : page.records()) {
        const DatasetVersion version(record.id(), record.version());
        if (record.state() == genofed::catalogue::v1::DatasetRecord::STATE_LISTED &&
            versions.contains(version)) {
          listed.insert(version);
        }
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return listed;
  }

 private:
  rpc::Peer<Catalogue> peer_;
};

class GrpcBroker final : public Broker {
 public:
  GrpcBroker(rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : peer_(std::move(source), {timeout, 2, true}) {}

  Result<Issued> Issue(const Context& ctx) override {
    GF_ASSIGN(auto answer, peer_.Call(ctx, &Passports::Stub::IssueAccountTokens,
                                      genofed::access::v1::IssueAccountTokensRequest()));
    Issued issued;
    issued.lifetime = std::chrono::seconds(answer.expires_in_s());
    for (auto& one : *answer.mutable_tokens())
      issued.tokens.emplace(one.site(), std::move(*one.mutable_token()));
    return issued;
  }

 private:
  rpc::Peer<Passports> peer_;
};

class GrpcNodeClient final : public NodeClient {
 public:
  GrpcNodeClient(std::string site, rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : site_(std::move(site)),
        peer_(source, {timeout, 1, false}),
        cases_(std::move(source), {timeout, 1, false}) {}

  const std::string& site() const override { return site_; }

  void Ask(const Context& ctx, const Query& query, Done<Answer> done) override {
    auto token = TokenOf(query.account, query.account_tokens.get());
    if (!token.ok()) return done(token.status());
    v1::QueryRequest request = ToProto(query);
    request.set_account_token(*std::move(token));
    peer_.Start(ctx, &Discovery::Query, std::move(request),
                [done = std::move(done)](Result<v1::QueryResponse> answer) {
                  if (!answer.ok()) return done(answer.status());
                  done(FromProto(*answer));
                });
  }

  void Match(const Context& ctx, const CaseQuery& query, Done<CaseAnswer> done) override {
    auto token = TokenOf(query.account, query.account_tokens.get());
    if (!token.ok()) return done(token.status());
    v1::MatchCasesRequest request = ToProto(query);
    request.set_account_token(*std::move(token));
    cases_.Start(ctx, &Cases::MatchCases, std::move(request),
                 [done = std::move(done)](Result<v1::MatchCasesResponse> answer) {
                   if (!answer.ok()) return done(answer.status());
                   done(FromProto(*answer));
                 });
  }

  void Terms(const Context& ctx, Done<std::vector<FilteringTerm>> done) override {
    auto listing = std::make_shared<Listing>(Listing{ctx, {}, {}, std::move(done)});
    listing->request.set_page_size(kMaxTermsPage);
    NextPage(std::move(listing));
  }

 private:
  using Discovery = v1::DiscoveryService::StubInterface::async_interface;
  using Cases = v1::CaseService::StubInterface::async_interface;

  // Shared by the calls for its pages, one after the other.
  struct Listing {
    const Context ctx;
    v1::ListFilteringTermsRequest request;
    std::vector<FilteringTerm> terms;
    const Done<std::vector<FilteringTerm>> done;
  };

  // Without one the question would be charged to all who did not sign in.
  Result<std::string> TokenOf(const std::string& account, const AccountTokens* tokens) const {
    if (account.empty() || account == kAnonymous) return std::string();
    if (tokens != nullptr) {
      if (const auto found = tokens->find(site_); found != tokens->end()) return found->second;
    }
    return Error(StatusCode::kFailedPrecondition, "ACCOUNT_TOKEN_MISSING",
                 "the hub's access service issues no account token for {}: its network.nodes has "
                 "to name the node",
                 site_);
  }

  void NextPage(std::shared_ptr<Listing> listing) {
    const Listing& asked = *listing;
    peer_.Start(asked.ctx, &Discovery::ListFilteringTerms, asked.request,
                [this, listing = std::move(listing)](Result<v1::ListFilteringTermsResponse> page) {
                  Status status = page.ok() ? Add(*page, listing->terms) : page.status();
                  if (!status.ok()) return listing->done(std::move(status));
                  if (page->next_page_token().empty())
                    return listing->done(std::move(listing->terms));
                  listing->request.set_page_token(page->next_page_token());
                  NextPage(listing);
                });
  }

  // A node that hands out pages for ever is cut off.
  static Status Add(const v1::ListFilteringTermsResponse& page, std::vector<FilteringTerm>& terms) {
    if (page.terms_size() > kMaxTermsPage || terms.size() > kMaxTermsOfNode ||
        (page.terms().empty() && !page.next_page_token().empty())) {
      return Error(StatusCode::kDataLoss, "ANSWER_IMPLAUSIBLE",
                   "a node lists more terms than it can have");
    }
    for (const auto& term : page.terms()) {
      if (term.id().size() <= kMaxTermLength) terms.push_back({term.id(), ""});
    }
    return absl::OkStatus();
  }

  const std::string site_;
  rpc::Peer<v1::DiscoveryService> peer_;
  rpc::Peer<v1::CaseService> cases_;
};

}  // namespace

std::unique_ptr<ProjectConsent> MakeProjectConsent(const rpc::ChannelSource& consent,
                                                   std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcProjectConsent>(consent, timeout);
}

std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcConsentClient>(std::move(consent), timeout);
}

std::unique_ptr<ListingClient> MakeListingClient(rpc::ChannelSource catalogue,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcListingClient>(std::move(catalogue), timeout);
}

std::unique_ptr<Broker> MakeBroker(rpc::ChannelSource access, std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcBroker>(std::move(access), timeout);
}

std::unique_ptr<NodeClient> MakeNodeClient(std::string site, rpc::ChannelSource node,
                                           std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcNodeClient>(std::move(site), std::move(node), timeout);
}

}  // namespace genofed::discovery
