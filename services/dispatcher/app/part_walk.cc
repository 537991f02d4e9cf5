// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/app/part_walk.h"

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/ledger/entry.h"
#include "libs/obs/log.h"
#include "services/dispatcher/domain/workflow.h"

namespace genofed::dispatcher {
namespace {

constexpr int kMaxTries = 5;
constexpr char kWaitingForRelease[] = "waiting for release by the data holder";

// Whether trying again may help. Everything else is an answer.
bool IsPassing(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
    case StatusCode::kPermissionDenied:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kOutOfRange:
    case StatusCode::kUnimplemented:
      return false;
    default:
      return true;
  }
}

// A hub that does not let this node in, perhaps because its certificate is revoked, has not taken
// what it was told.
bool HasAnswered(const Status& of_hub) {
  return of_hub.ok() || (!IsPassing(of_hub) && of_hub.code() != StatusCode::kPermissionDenied);
}

// What access answers while the country's own view is still behind the hub's.
bool MayBeOnItsWay(const Status& status) {
  const std::string reason = Reason(status);
  return reason == "APPLICATION_UNKNOWN" || reason == "APPROVAL_PENDING" ||
         reason == "APPROVAL_AGREEMENT_MISSING";
}

// The task could not begin because time had passed: somebody withdrew after the snapshot, the entry
// or the approval token grew old while it queued. The answer is to check everything again, with a
// new snapshot, entry and task.
bool NeedsNewEntry(const std::string& reason) {
  return reason == "COHORT_CHANGED" || reason == "RUN_ENTRY_EXPIRED" ||
         reason == "APPROVAL_REFUSED";
}

}  // namespace

PartWalk::PartWalk(PartStore& store, HubDesk& hub, Approvals& approvals, SiteData& site,
                   Tasks& tasks, const auth::TrustSource& trust, const Clock& clock,
                   NodePolicy policy)
    : store_(store),
      hub_(hub),
      approvals_(approvals),
      site_(site),
      tasks_(tasks),
      trust_(trust),
      clock_(clock),
      policy_(std::move(policy)) {}

Status PartWalk::Run(const Context& ctx, const sql::Lease& lease) {
  for (;;) {
    GF_TRY(ctx.Alive());
    // Read anew at each step: the wish to cancel may have come.
    GF_ASSIGN(NodePart part, store_.Find(ctx, lease.id));
    if (part.stage == Stage::kDone) return store_.Finish(ctx, lease, part);
    const Stage before = part.stage;
    const std::string news = part.News();
    GF_ASSIGN(const Next next, Step(ctx, part));
    if (part.stage != before || part.News() != news) {
      part.changed = clock_.Now();
      GF_LOG(ctx, info, "part.step", {"part", part.id}, {"state", StateName(part.state)},
             {"reason", part.reason});
    }
    if (part.stage == Stage::kDone) return store_.Finish(ctx, lease, part);
    GF_TRY(store_.Save(ctx, lease, part));
    if (next == Next::kWait) return store_.Defer(ctx, lease, policy_.poll_interval);
  }
}

Result<PartWalk::Next> PartWalk::Step(const Context& ctx, NodePart& part) {
  if (part.cancel && part.stage <= Stage::kRunning) {
    return End(part, State::kCanceled, "", "canceled by its owner", part.stage >= Stage::kLogged);
  }
  switch (part.stage) {
    case Stage::kNew:
      return Accept(ctx, part);
    case Stage::kAccepted:
      return Prepare(ctx, part);
    case Stage::kPrepared:
      return Log(ctx, part);
    case Stage::kLogged:
      return CreateTask(ctx, part);
    case Stage::kRunning:
      return Watch(ctx, part);
    case Stage::kDelivering:
      return Deliver(ctx, part);
    case Stage::kStopping:
      return StopTask(ctx, part);
    case Stage::kReporting:
      return ReportEnd(ctx, part);
    case Stage::kDone:
      break;
  }
  return Next::kGoOn;
}

PartWalk::Next PartWalk::End(NodePart& part, State state, std::string reason, std::string message,
                             bool stop) const {
  part.reason = std::move(reason);
  part.message = std::move(message);
  if (stop) {
    part.stage = Stage::kStopping;
    part.end_state = state;
    part.state = State::kCanceling;
  } else {
    part.stage = Stage::kReporting;
    part.state = state;
  }
  return Next::kGoOn;
}

Result<PartWalk::Next> PartWalk::Refused(NodePart& part, const Status& why, bool stop) const {
  if (IsPassing(why)) return why;
  // The reason travels, the text does not: it may say more about this node than the hub needs to
  // know.
  return End(part, State::kSystemError, Reason(why), "refused by the node", stop);
}

Status PartWalk::TellHub(const Context& ctx, NodePart& part) {
  const std::string news = part.News();
  if (part.reported == news) return absl::OkStatus();
  GF_TRY(hub_.Report(ctx, part.Report()));
  part.reported = news;
  return absl::OkStatus();
}

// Nothing begins before the hub knows: a run that was canceled while it was queued stays so.
Result<PartWalk::Next> PartWalk::Accept(const Context& ctx, NodePart& part) {
  NodePart next = part;
  next.stage = Stage::kAccepted;
  next.state = State::kInitializing;
  const Status told = TellHub(ctx, next);
  if (told.ok()) {
    part = std::move(next);
    return Next::kGoOn;
  }
  if (Reason(told) != "PART_ENDED" && told.code() != StatusCode::kNotFound) return told;
  part.stage = Stage::kDone;
  part.state = State::kCanceled;
  part.message = "ended at the hub before it began";
  return Next::kGoOn;
}

Result<auth::Verified<auth::Approval>> PartWalk::Verify(const NodePart& part,
                                                        const Approval& approval) const {
  auth::ApprovalExpectation expected;
  expected.audience = policy_.audience;
  expected.country = policy_.country;
  expected.subject = part.researcher.subject;
  expected.subject_issuer = part.researcher.issuer;
  expected.application = part.request.application;
  expected.datasets = {part.dataset};
  // Of the bytes themselves, which also name title, purpose and organisation as they stand in the
  // ledger.
  expected.application_sha256 = HexEncode(crypto::Sha256(approval.frozen));
  expected.dua_sha256 = approval.agreement_sha256;
  expected.client_certificate_sha256 = approval.certificate_sha256;
  // By which people were chosen; the country signed it.
  if (!approval.purpose_code.empty()) expected.purpose = approval.purpose_code;
  auth::Refusal why;
  GF_ASSIGN(const auth::TrustStore trust, trust_.Current());
  auto verified = auth::VerifyApproval(trust, clock_, approval.token, expected, &why);
  if (!verified.ok()) {
    GF_LOG(Context::Background(), warn, "part.approval_refused", {"part", part.id},
           {"check", why.check});
  }
  return verified;
}

Result<Approval> PartWalk::Approve(const Context& ctx, const NodePart& part) {
  auto approval = approvals_.Get(ctx, part.request.application);
  if (!approval.ok()) {
    if (MayBeOnItsWay(approval.status()) && clock_.Now() < part.created + policy_.approval_grace) {
      return Error(StatusCode::kUnavailable, Reason(approval.status()),
                   "the approval may still be on its way");
    }
    return approval.status();
  }
  GF_ASSIGN(const auto verified, Verify(part, *approval));
  approval->accepted_conditions = verified->accepted_conditions;
  return approval;
}

Result<std::string> PartWalk::MakeEntry(const NodePart& part, const Approval& approval,
                                        const Cohort& cohort) const {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kRun;
  entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(clock_.Now()));
  entry.fields = {{"application", part.request.application},
                  {"application_sha256", HexEncode(crypto::Sha256(approval.frozen))},
                  {"dataset", part.dataset},
                  {"decision_sha256", approval.decision_sha256},
                  {"organisation", ledger::LedgerText(approval.organisation)},
                  {"project", ledger::LedgerText(approval.title)},
                  {"purpose", ledger::LedgerText(approval.purpose)},
                  {"run", part.run},
                  {"snapshot", cohort.snapshot},
                  {"snapshot_root", cohort.snapshot_root},
                  {"version", std::to_string(part.version)},
                  {"workflow_sha256", WorkflowDigest(part.request.workflow)}};
  entry.numbers = {{"epoch", cohort.epoch}, {"slots", cohort.slots}};
  return ledger::EncodeEntry(entry);
}

// Every reason to refuse, before any data move and before the ledger is written.
Result<PartWalk::Next> PartWalk::Prepare(const Context& ctx, NodePart& part) {
  const auto approval = Approve(ctx, part);
  if (!approval.ok()) return Refused(part, approval.status());
  if (!policy_.allowed_workflows.contains(WorkflowDigest(part.request.workflow))) {
    return End(part, State::kSystemError, "WORKFLOW_NOT_ALLOWED",
               "the workflow is not on the node's list");
  }
  const auto workflow = ParseWorkflow(part.request.workflow);
  if (!workflow.ok()) return Refused(part, workflow.status());
  if (const Status valid = Validate(part.request); !valid.ok()) return Refused(part, valid);
  if (const Status known = CheckParameters(*workflow, part.request.parameters); !known.ok())
    return Refused(part, known);

  const auto version = site_.ListedVersion(ctx, part.dataset);
  if (!version.ok()) return Refused(part, version.status());
  part.version = *version;
  const auto cohort = site_.TakeCohort(ctx, part.dataset, part.version, approval->purpose_code,
                                       approval->accepted_conditions);
  if (!cohort.ok()) return Refused(part, cohort.status());
  if (cohort->individuals <= 0) {
    return End(part, State::kSystemError, "NO_PERMITTED_INDIVIDUALS",
               "nobody in the dataset permits this use");
  }
  const auto entry = MakeEntry(part, *approval, *cohort);
  if (!entry.ok()) return Refused(part, entry.status());
  part.epoch = cohort->epoch;
  part.individuals = cohort->individuals;
  part.entry = *entry;
  part.stage = Stage::kPrepared;
  return Next::kGoOn;
}

Result<PartWalk::Next> PartWalk::Log(const Context& ctx, NodePart& part) {
  const auto index = site_.AppendEntry(ctx, part.TryId(), part.entry);
  if (!index.ok()) return Refused(part, index.status());
  part.ledger_index = *index;
  part.stage = Stage::kLogged;
  return Next::kGoOn;
}

TaskOrder PartWalk::OrderOf(const NodePart& part, const Approval& approval) const {
  TaskOrder order;
  order.id = part.TryId();
  order.run = part.run;
  order.application = part.request.application;
  order.project = approval.title;
  order.workflow = part.request.workflow;
  order.parameters = part.request.parameters;
  order.dataset = part.dataset;
  order.version = part.version;
  order.ledger_index = part.ledger_index;
  order.epoch = part.epoch;
  order.approval = approval.token;
  order.requester_subject = part.researcher.subject;
  return order;
}

Result<PartWalk::Next> PartWalk::CreateTask(const Context& ctx, NodePart& part) {
  // A fresh approval: time may have passed since the first one was asked for. From here on a task
  // may exist, even when the stage does not say so yet.
  Status created;
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto approval = Approve(ctx, part);
    if (!approval.ok()) return Refused(part, approval.status(), true);
    created = tasks_.Create(ctx, OrderOf(part, *approval));
    // Once more: our certificate may have been renewed between the two calls.
    if (Reason(created) != "APPROVAL_REFUSED") break;
  }
  // Made before a crash, with the approval of then: the same task.
  if (!created.ok() && created.code() != StatusCode::kAlreadyExists)
    return Refused(part, created, true);
  part.stage = Stage::kRunning;
  return Next::kGoOn;
}

PartWalk::Next PartWalk::TaskEnded(NodePart& part, const TaskView& task) {
  if (NeedsNewEntry(task.reason) && part.tries < kMaxTries) {
    ++part.tries;
    part.stage = Stage::kAccepted;
    part.ledger_index = -1;
    return Next::kGoOn;
  }
  switch (task.phase) {
    case TaskPhase::kExecutorError:
      return End(part, State::kExecutorError, task.reason,
                 "the workflow failed, or its outputs may not leave");
    case TaskPhase::kCanceled:
      return End(part, State::kSystemError, "CANCELED_BY_NODE", "ended by the node");
    default:
      return End(part, State::kSystemError, task.reason.empty() ? "TASK_FAILED" : task.reason,
                 "the node failed");
  }
}

// Somebody withdrew while the task ran: what it made of their data must not leave.
Result<PartWalk::Next> PartWalk::BeginAgain(const Context& ctx, NodePart& part) {
  if (part.tries >= kMaxTries)
    return End(part, State::kSystemError, "COHORT_CHANGED", "people withdrew again and again", true);
  const Status canceled = tasks_.Cancel(ctx, part.TryId());
  if (!canceled.ok() && canceled.code() != StatusCode::kNotFound) return canceled;
  ++part.tries;
  part.stage = Stage::kAccepted;
  part.state = State::kInitializing;
  part.message = "begun again: the people it is about have changed";
  part.ledger_index = -1;
  return Next::kGoOn;
}

Result<PartWalk::Next> PartWalk::Watch(const Context& ctx, NodePart& part) {
  // Whatever access cannot say now is asked again; consent and spe check before they give anything
  // away.
  const Status live = approvals_.CheckLive(ctx, part.request.application);
  if (live.code() == StatusCode::kPermissionDenied) return Refused(part, live, true);
  if (const auto trust = trust_.Current(); trust.ok() && trust->IsRevokedDataset(part.dataset)) {
    return End(part, State::kSystemError, "DATASET_REVOKED", "the dataset is revoked", true);
  }
  const auto task = tasks_.Get(ctx, part.TryId());
  if (!task.ok()) return Refused(part, task.status());
  if (task->individuals > 0) part.individuals = task->individuals;
  switch (task->phase) {
    case TaskPhase::kComplete:
      part.stage = Stage::kDelivering;
      return Next::kGoOn;
    case TaskPhase::kExecutorError:
    case TaskPhase::kSystemError:
    case TaskPhase::kCanceled:
      // Perhaps by us, before a crash.
      if (task->phase == TaskPhase::kCanceled && Reason(site_.CheckRun(ctx, part.ledger_index)) == "COHORT_CHANGED")
        return BeginAgain(ctx, part);
      return TaskEnded(part, *task);
    case TaskPhase::kRunning:
    case TaskPhase::kInReview:
      // Before that, spe and the key service look for themselves.
      if (Reason(site_.CheckRun(ctx, part.ledger_index)) == "COHORT_CHANGED") return BeginAgain(ctx, part);
      part.state = State::kRunning;
      part.message = task->phase == TaskPhase::kInReview ? kWaitingForRelease : "";
      break;
    case TaskPhase::kWaiting:
    case TaskPhase::kInitializing:
      break;
  }
  const Status told = TellHub(ctx, part);
  if (Reason(told) == "PART_ENDED")
    return End(part, State::kCanceled, "", "ended at the hub", true);
  return Next::kWait;  // the work does not wait for the hub
}

Result<PartWalk::Next> PartWalk::Deliver(const Context& ctx, NodePart& part) {
  // Once more at the door. Unlike while the task runs, not knowing means waiting.
  const Status live = approvals_.CheckLive(ctx, part.request.application);
  if (!live.ok()) return Refused(part, live);
  const Status cohort = site_.CheckRun(ctx, part.ledger_index);
  if (Reason(cohort) == "COHORT_CHANGED") return BeginAgain(ctx, part);
  if (!cohort.ok()) return Refused(part, cohort);
  const auto outputs = tasks_.Outputs(ctx, part.TryId());
  if (!outputs.ok()) return Refused(part, outputs.status());
  // So that the ledger index is known to the hub before the part is final there.
  const Status told = TellHub(ctx, part);
  // PART_ENDED: delivered before a crash, or ended otherwise; Deliver tells which.
  if (!told.ok() && Reason(told) != "PART_ENDED") return told;
  const Status delivered = hub_.Deliver(ctx, part.id, *outputs, part.Report().individuals);
  if (!HasAnswered(delivered)) return delivered;
  if (!delivered.ok()) return Refused(part, delivered);
  part.state = State::kComplete;
  part.reason.clear();
  part.message.clear();
  part.stage = Stage::kDone;
  return Next::kGoOn;
}

Result<PartWalk::Next> PartWalk::StopTask(const Context& ctx, NodePart& part) {
  const Status canceled = tasks_.Cancel(ctx, part.TryId());
  if (!canceled.ok() && canceled.code() != StatusCode::kNotFound) return canceled;
  part.state = part.end_state;
  part.stage = Stage::kReporting;
  return Next::kGoOn;
}

Status PartWalk::LogRefusal(const Context& ctx, const NodePart& part) {
  // Only a dataset of this node is named: the hub could ask for any.
  const auto version = site_.ListedVersion(ctx, part.dataset);
  if (!version.ok() && IsPassing(version.status())) return version.status();
  const std::string dataset = version.ok() ? part.dataset : "";
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kDenied;
  // When the part ended, so that a repetition is the same entry.
  entry.time = FormatRfc3339(std::chrono::floor<std::chrono::seconds>(part.changed));
  entry.fields = {{"outcome", "run refused"}, {"reason", part.reason}};
  entry.SetText("application", part.request.application);
  entry.SetText("run", part.run);
  entry.SetText("dataset", dataset);
  if (version.ok()) entry.fields["version"] = std::to_string(*version);
  GF_ASSIGN(const std::string bytes, ledger::EncodeEntry(entry));
  const auto hour = std::chrono::floor<std::chrono::hours>(part.changed).time_since_epoch().count();
  const std::string key =
      "denied/" + HexEncode(crypto::Sha256(fmt::format("{}\n{}\n{}\n{}", part.request.application,
                                                       dataset, part.reason, hour)));
  const Status logged = site_.AppendEntry(ctx, key, bytes).status();
  if (logged.ok() || Reason(logged) == "IDEMPOTENCY_KEY_REUSED") return absl::OkStatus();
  if (IsPassing(logged)) return logged;
  // A ledger that takes nothing does not make a refusal something else.
  GF_LOG(ctx, warn, "denied.not_in_ledger", {"part", part.id}, {"reason", Reason(logged)});
  return absl::OkStatus();
}

Result<PartWalk::Next> PartWalk::ReportEnd(const Context& ctx, NodePart& part) {
  if (IsRefusal(part)) GF_TRY(LogRefusal(ctx, part));
  const Status told = TellHub(ctx, part);
  // What the hub does not take any more, it does not want to know.
  if (!HasAnswered(told)) return told;
  part.stage = Stage::kDone;
  return Next::kGoOn;
}

}  // namespace genofed::dispatcher
