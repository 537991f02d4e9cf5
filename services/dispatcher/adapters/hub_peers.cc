// SPDX-License-Identifier: Apache-2.0
//
// What crosses between a node and the hub, and what the hub's dispatcher asks beside it.
#include "genofed/access/v1/access.grpc.pb.h"
#include "genofed/dispatcher/v1/dispatcher.grpc.pb.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/dispatcher/adapters/peers.h"
#include "services/dispatcher/adapters/proto_mapping.h"
#include "services/dispatcher/app/part_desk.h"

namespace genofed::dispatcher {
namespace {

class GrpcApplicationDirectory final : public ApplicationDirectory {
 public:
  explicit GrpcApplicationDirectory(rpc::ChannelSource source) : peer_(std::move(source)) {}

  Result<ApplicationView> Find(const Context& ctx, const std::string& application) override {
    access::v1::GetApplicationRequest request;
    request.set_id(application);
    GF_ASSIGN(const auto response,
              peer_.Call(ctx, &access::v1::ApplicationService::Stub::GetApplication, request));
    const auto& found = response.application();
    ApplicationView view;
    view.id = found.id();
    view.active = found.state() == access::v1::Application::STATE_ACTIVE;
    view.applicant = {found.applicant_issuer(), found.applicant_subject()};
    for (const auto& decision : found.decisions()) {
      const bool approved = decision.outcome() == access::v1::CountryDecision::OUTCOME_APPROVED;
      for (const std::string& dataset : decision.datasets()) {
        view.datasets.push_back({dataset, decision.country(), approved});
      }
    }
    return view;
  }

 private:
  rpc::Peer<access::v1::ApplicationService> peer_;
};

NodePart ToNodePart(const v1::PartWork& work) {
  NodePart part;
  part.id = work.part();
  part.run = work.run();
  part.dataset =
      work.datasets_size() == 1 ? work.datasets(0) : "";  // no approval names the empty dataset
  part.researcher = {work.researcher_issuer(), work.researcher_subject()};
  part.request = FromProto(work.request());
  part.cancel = work.cancel();
  return part;
}

class GrpcHubDesk final : public HubDesk {
 public:
  explicit GrpcHubDesk(rpc::ChannelSource source)
      : peer_(std::move(source), {.timeout = std::chrono::seconds(5), .attempts = 1}) {}

  Result<FetchedWork> Fetch(const Context& ctx, const std::vector<std::string>& known) override {
    v1::FetchPartsRequest request;
    request.mutable_known()->Add(known.begin(), known.end());
    GF_ASSIGN(const auto response,
              peer_.Call(ctx, &v1::WorkService::Stub::FetchParts, request, kPatient));
    FetchedWork work;
    for (const v1::PartWork& part : response.parts()) {
      if (part.has_request()) {
        work.fresh.push_back(ToNodePart(part));
      } else {
        work.known[part.part()] = part.cancel();
      }
    }
    return work;
  }

  Status Report(const Context& ctx, const PartReport& report) override {
    v1::ReportPartRequest request;
    auto* part = request.mutable_part();
    part->set_id(report.part);
    part->set_state(ToProto(report.state));
    part->set_reason(report.reason);
    part->set_message(report.message);
    part->set_ledger_index(report.ledger_index);
    part->set_individuals(report.individuals);
    return peer_.Call(ctx, &v1::WorkService::Stub::ReportPart, request).status();
  }

  // One file a message, so that a message is never larger than the largest file.
  Status Deliver(const Context& ctx, const std::string& part, const std::vector<OutputFile>& files,
                 std::int32_t individuals) override {
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (files[i].content.size() > PartDesk::kMaxFileBytes) {
        return Error(StatusCode::kInvalidArgument, "OUTPUT_TOO_LARGE",
                     "{} is larger than the hub takes", files[i].name);
      }
      v1::DeliverOutputsRequest request;
      request.set_part(part);
      request.set_individuals(individuals);
      request.set_more(i + 1 < files.size());
      auto* output = request.add_outputs();
      output->set_name(files[i].name);
      output->set_content(files[i].content);
      output->set_sha256(HexEncode(crypto::Sha256(files[i].content)));
      GF_TRY(peer_.Call(ctx, &v1::WorkService::Stub::DeliverOutputs, request, kPatient));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr rpc::CallOptions kPatient{.timeout = std::chrono::seconds(60), .attempts = 1};
  rpc::Peer<v1::WorkService> peer_;
};

}  // namespace

std::unique_ptr<ApplicationDirectory> MakeApplicationDirectory(rpc::ChannelSource access) {
  return std::make_unique<GrpcApplicationDirectory>(std::move(access));
}

std::unique_ptr<HubDesk> MakeHubDesk(rpc::ChannelSource hub_dispatcher) {
  return std::make_unique<GrpcHubDesk>(std::move(hub_dispatcher));
}

}  // namespace genofed::dispatcher
