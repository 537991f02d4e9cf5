// SPDX-License-Identifier: Apache-2.0
//
// The services of the node's own site.
#include <bit>

#include "genofed/access/v1/access.grpc.pb.h"
#include "genofed/catalogue/v1/catalogue.grpc.pb.h"
#include "genofed/consent/v1/consent.grpc.pb.h"
#include "genofed/spe/v1/spe.grpc.pb.h"
#include "libs/core/strings.h"
#include "services/dispatcher/adapters/peers.h"

namespace genofed::dispatcher {
namespace {

class GrpcApprovals final : public Approvals {
 public:
  explicit GrpcApprovals(rpc::ChannelSource source)
      : peer_(std::move(source), {.timeout = std::chrono::seconds(10)}) {}

  Result<Approval> Get(const Context& ctx, const std::string& application) override {
    access::v1::GetApprovalRequest request;
    request.set_application(application);
    GF_ASSIGN(const auto response,
              peer_.Call(ctx, &access::v1::DecisionService::Stub::GetApproval, request));
    const auto& content = response.application().content();
    Approval approval;
    approval.token = response.token();
    approval.decision_sha256 = response.decision_sha256();
    approval.title = content.title();
    approval.purpose = content.lay_summary().empty() ? content.purpose() : content.lay_summary();
    approval.purpose_code = content.purpose_code();
    approval.organisation = response.application().organisation();
    approval.frozen = response.application().frozen();
    approval.agreement_sha256 = response.application().agreement_sha256();
    approval.certificate_sha256 = response.certificate_sha256();
    return approval;
  }

  Status CheckLive(const Context& ctx, const std::string& application) override {
    access::v1::CheckApprovalRequest request;
    request.set_application(application);
    GF_ASSIGN(const auto response,
              peer_.Call(ctx, &access::v1::DecisionService::Stub::CheckApproval, request));
    if (response.live()) return absl::OkStatus();
    return MakeError(StatusCode::kPermissionDenied,
                     response.reason().empty() ? "APPROVAL_ENDED" : response.reason(),
                     "the approval does not live");
  }

 private:
  rpc::Peer<access::v1::DecisionService> peer_;
};

class GrpcSiteData final : public SiteData {
 public:
  GrpcSiteData(rpc::ChannelSource catalogue, rpc::ChannelSource consent)
      : catalogue_(std::move(catalogue)), consent_(consent), ledger_(std::move(consent)) {}

  Result<std::int32_t> ListedVersion(const Context& ctx, const std::string& dataset) override {
    catalogue::v1::GetRecordRequest request;
    request.set_id(dataset);
    GF_ASSIGN(const auto response,
              catalogue_.Call(ctx, &catalogue::v1::CatalogueService::Stub::GetRecord, request));
    return response.record().version();
  }

  Result<Cohort> TakeCohort(const Context& ctx, const std::string& dataset, std::int32_t version,
                            const std::string& purpose,
                            const std::vector<std::string>& conditions_met) override {
    consent::v1::GetCohortRequest request;
    request.set_purpose(purpose);
    request.mutable_conditions_met()->Add(conditions_met.begin(), conditions_met.end());
    request.mutable_dataset()->set_dataset(dataset);
    request.mutable_dataset()->set_version(version);
    request.set_permission(common::v1::PERMISSION_SECONDARY_USE);
    request.set_with_snapshot(true);
    GF_ASSIGN(const auto response,
              consent_.Call(ctx, &consent::v1::ConsentService::Stub::GetCohort, request));
    Cohort cohort;
    cohort.epoch = response.epoch();
    for (const char byte : response.permitted())
      cohort.individuals += std::popcount(static_cast<unsigned char>(byte));
    cohort.snapshot = response.snapshot();
    cohort.snapshot_root = HexEncode(response.snapshot_root());
    cohort.slots = response.snapshot_slots();
    return cohort;
  }

  Status CheckRun(const Context& ctx, std::int64_t ledger_index) override {
    consent::v1::CheckRunRequest request;
    request.set_run_ledger_index(ledger_index);
    GF_ASSIGN(const auto check, consent_.Call(ctx, &consent::v1::ConsentService::Stub::CheckRun, request));
    if (check.unchanged() || !check.cancel()) return absl::OkStatus();
    return Error(StatusCode::kFailedPrecondition, "COHORT_CHANGED", "somebody in the cohort has withdrawn");
  }

  Result<std::int64_t> AppendEntry(const Context& ctx, const std::string& key,
                                   const std::string& entry) override {
    consent::v1::AppendEntryRequest request;
    request.set_idempotency_key(key);
    request.set_entry(entry);
    GF_ASSIGN(const auto response,
              ledger_.Call(ctx, &consent::v1::LedgerService::Stub::AppendEntry, request));
    return response.index();
  }

 private:
  rpc::Peer<catalogue::v1::CatalogueService> catalogue_;
  rpc::Peer<consent::v1::ConsentService> consent_;
  rpc::Peer<consent::v1::LedgerService> ledger_;
};

TaskPhase PhaseOf(spe::v1::TaskState state) {
  switch (state) {
    case spe::v1::TASK_STATE_INITIALIZING:
      return TaskPhase::kInitializing;
    case spe::v1::TASK_STATE_RUNNING:
      return TaskPhase::kRunning;
    case spe::v1::TASK_STATE_IN_REVIEW:
      return TaskPhase::kInReview;
    case spe::v1::TASK_STATE_COMPLETE:
      return TaskPhase::kComplete;
    case spe::v1::TASK_STATE_EXECUTOR_ERROR:
      return TaskPhase::kExecutorError;
    case spe::v1::TASK_STATE_SYSTEM_ERROR:
      return TaskPhase::kSystemError;
    case spe::v1::TASK_STATE_CANCELED:
      return TaskPhase::kCanceled;
    default:
      return TaskPhase::kWaiting;
  }
}

class GrpcTasks final : public Tasks {
 public:
  explicit GrpcTasks(rpc::ChannelSource source) : peer_(std::move(source)) {}

  Status Create(const Context& ctx, const TaskOrder& order) override {
    spe::v1::CreateTaskRequest request;
    auto* task = request.mutable_task();
    task->set_id(order.id);
    task->set_run(order.run);
    task->set_application(order.application);
    task->set_project(order.project);
    task->set_workflow(order.workflow);
    task->mutable_parameters()->insert(order.parameters.begin(), order.parameters.end());
    auto* dataset = task->add_inputs()->mutable_dataset();
    dataset->set_dataset(order.dataset);
    dataset->set_version(order.version);
    task->set_ledger_index(order.ledger_index);
    task->set_epoch(order.epoch);
    task->set_approval(order.approval);
    task->set_requester_subject(order.requester_subject);
    return peer_.Call(ctx, &spe::v1::TaskService::Stub::CreateTask, request).status();
  }

  Result<TaskView> Get(const Context& ctx, const std::string& id) override {
    spe::v1::GetTaskRequest request;
    request.set_id(id);
    GF_ASSIGN(const auto response, peer_.Call(ctx, &spe::v1::TaskService::Stub::GetTask, request));
    return TaskView{PhaseOf(response.task().state()), response.task().reason(),
                    response.task().individuals()};
  }

  Status Cancel(const Context& ctx, const std::string& id) override {
    spe::v1::CancelTaskRequest request;
    request.set_id(id);
    return peer_.Call(ctx, &spe::v1::TaskService::Stub::CancelTask, request).status();
  }

  Result<std::vector<OutputFile>> Outputs(const Context& ctx, const std::string& id) override {
    spe::v1::GetReleasedOutputsRequest request;
    request.set_id(id);
    const auto response = peer_.Call(ctx, &spe::v1::TaskService::Stub::GetReleasedOutputs, request);
    if (response.status().code() == StatusCode::kResourceExhausted &&
        Reason(response.status()) == "UNSPECIFIED") {
      // gRPC itself refused the message; it will not become smaller.
      return Error(StatusCode::kFailedPrecondition, "OUTPUT_TOO_LARGE",
                   "the outputs do not fit into one message");
    }
    GF_TRY(response);
    std::vector<OutputFile> files;
    for (const auto& file : response->files()) files.push_back({file.name(), file.content()});
    return files;
  }

 private:
  rpc::Peer<spe::v1::TaskService> peer_;
};

}  // namespace

std::unique_ptr<Approvals> MakeApprovals(rpc::ChannelSource access) {
  return std::make_unique<GrpcApprovals>(std::move(access));
}

std::unique_ptr<SiteData> MakeSiteData(rpc::ChannelSource catalogue, rpc::ChannelSource consent) {
  return std::make_unique<GrpcSiteData>(std::move(catalogue), std::move(consent));
}

std::unique_ptr<Tasks> MakeTasks(rpc::ChannelSource spe) {
  return std::make_unique<GrpcTasks>(std::move(spe));
}

}  // namespace genofed::dispatcher
