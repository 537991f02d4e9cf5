// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/peers.h"

#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/discovery/v1/case.grpc.pb.h"
#include "genofed/discovery/v1/discovery.grpc.pb.h"
#include "services/discovery/adapters/case_mapping.h"
#include "services/discovery/adapters/proto_mapping.h"

namespace genofed::discovery {
namespace {

using Catalogue = genofed::catalogue::v1::CatalogueService;
using Consent = genofed::consent::v1::ConsentService;

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

class GrpcNodeClient final : public NodeClient {
 public:
  GrpcNodeClient(std::string site, rpc::ChannelSource source, std::chrono::milliseconds timeout)
      : site_(std::move(site)),
        peer_(source, {timeout, 1, false}),
        cases_(std::move(source), {timeout, 1, false}) {}

  const std::string& site() const override { return site_; }

  Result<Answer> Ask(const Context& ctx, const Query& query) override {
    GF_ASSIGN(auto answer, peer_.Call(ctx, &v1::DiscoveryService::Stub::Query, ToProto(query)));
    return FromProto(answer);
  }

  Result<CaseAnswer> Match(const Context& ctx, const CaseQuery& query) override {
    GF_ASSIGN(const auto answer, cases_.Call(ctx, &v1::CaseService::Stub::MatchCases, ToProto(query)));
    return FromProto(answer);
  }

  Result<std::vector<FilteringTerm>> Terms(const Context& ctx) override {
    std::vector<FilteringTerm> terms;
    v1::ListFilteringTermsRequest request;
    request.set_page_size(kMaxTermsPage);
    do {
      GF_ASSIGN(auto page,
                peer_.Call(ctx, &v1::DiscoveryService::Stub::ListFilteringTerms, request));
      // A node that hands out pages for ever is cut off.
      if (page.terms_size() > kMaxTermsPage || terms.size() > kMaxTermsOfNode ||
          (page.terms().empty() && !page.next_page_token().empty())) {
        return Error(StatusCode::kDataLoss, "ANSWER_IMPLAUSIBLE",
                     "a node lists more terms than it can have");
      }
      for (const auto& term : page.terms()) {
        if (term.id().size() <= kMaxTermLength) terms.push_back({term.id(), ""});
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return terms;
  }

 private:
  const std::string site_;
  rpc::Peer<v1::DiscoveryService> peer_;
  rpc::Peer<v1::CaseService> cases_;
};

}  // namespace

std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcConsentClient>(std::move(consent), timeout);
}

std::unique_ptr<ListingClient> MakeListingClient(rpc::ChannelSource catalogue,
                                                 std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcListingClient>(std::move(catalogue), timeout);
}

std::unique_ptr<NodeClient> MakeNodeClient(std::string site, rpc::ChannelSource node,
                                           std::chrono::milliseconds timeout) {
  return std::make_unique<GrpcNodeClient>(std::move(site), std::move(node), timeout);
}

}  // namespace genofed::discovery
