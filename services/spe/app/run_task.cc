// SPDX-License-Identifier: Apache-2.0
#include "services/spe/app/run_task.h"

#include <thread>

#include "libs/obs/log.h"

namespace genofed::spe {
namespace {

// Counts those who want a container.
class Slot {
 public:
  explicit Slot(std::atomic<int>& count) : count_(count), number_(++count) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() { --count_; }
  int number() const { return number_; }

 private:
  std::atomic<int>& count_;
  const int number_;
};

// Whether the same step may succeed later without anybody doing anything.
bool IsTransient(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kAborted:
    case StatusCode::kCancelled:
    case StatusCode::kResourceExhausted:
      return true;
    default:
      return Reason(status) == "LEASE_LOST";
  }
}

// The state and coded reason with which a container's end shows to the outside.
std::pair<TaskState, std::string_view> FailureOf(const AttemptReport& report) {
  switch (report.outcome) {
    case Outcome::kOomKilled:
      return {TaskState::kExecutorError, "OUT_OF_MEMORY"};
    case Outcome::kTimedOut:
      return {TaskState::kExecutorError, "TIMED_OUT"};
    case Outcome::kKilled:
      return {TaskState::kCanceled, "CANCELED"};
    case Outcome::kExited:
      return {TaskState::kExecutorError, "EXIT_NON_ZERO"};
    default:
      return {TaskState::kSystemError, "RUNTIME_FAILED"};
  }
}

Review MakeReview(const Task& task, const AirlockVerdict& verdict, Time now) {
  Review review;
  review.task = task.order.id;
  review.run = task.order.run;
  review.project = task.order.project;
  review.dataset = task.order.dataset.dataset;
  review.requester_subject = task.order.requester_subject;
  review.digest = verdict.digest;
  review.since = now;
  for (const CheckedFile& file : verdict.files) {
    review.files.push_back({file.name, static_cast<std::int64_t>(file.content.size()), file.sha256,
                            file.rows, file.rows_left_out});
  }
  for (const char* check :
       {"declared-files", "file-kind", "content", "table-shape", "identifiers", "minimum-count"}) {
    CheckLine line{check, true, ""};
    for (const Finding& finding : verdict.refusals) {
      if (finding.check == check)
        line = {check, false, fmt::format("{} {} {}", finding.code, finding.file, finding.detail)};
    }
    for (const Finding& finding : verdict.warnings) {
      if (finding.check == check)
        line.detail = fmt::format("{} {}: {}", finding.code, finding.file, finding.detail);
    }
    review.checks.push_back(std::move(line));
  }
  return review;
}

}  // namespace

RunTask::RunTask(TaskStore& store, WorkflowList& workflows, CohortSource& cohorts, TaskFiles& files,
                 Executor& executor, ReleaseLedger& ledger, const Clock& clock,
                 RunTaskOptions options)
    : store_(store),
      workflows_(workflows),
      cohorts_(cohorts),
      files_(files),
      executor_(executor),
      ledger_(ledger),
      clock_(clock),
      options_(options) {}

Status RunTask::Run(const Context& ctx, const sql::Lease& lease) {
  GF_ASSIGN(Task task, store_.Find(ctx, lease.id));
  if (IsFinal(task.state)) return store_.Finish(ctx, lease, task, nullptr);
  const Status status = RunSteps(ctx, lease, task);
  if (status.ok()) return status;
  GF_LOG(ctx, warn, "task.step_failed", {"task", task.order.id}, {"state", StateName(task.state)},
         {"reason", Reason(status)});
  if (IsTransient(status) && (lease.attempt < options_.max_attempts || !ctx.Alive().ok()))
    return status;
  // Only the code leaves; the message stays in this node's log.
  return End(ctx, lease, task, TaskState::kSystemError, Reason(status));
}

Status RunTask::RunSteps(const Context& ctx, const sql::Lease& lease, Task& task) {
  if (task.state == TaskState::kInReview) return Settle(ctx, lease, task);
  const Slot slot(running_);
  GF_ASSIGN(const Workflow workflow, workflows_.Open(task.order.workflow));
  bool started = false;
  if (task.executor_attempt > 0) {
    GF_ASSIGN(const AttemptId attempt, AttemptId::Of(task.order.id, task.executor_attempt));
    started = executor_.Poll(attempt).ok();
  }
  if (!started && task.cancel_requested)
    return End(ctx, lease, task, TaskState::kCanceled, "CANCELED");
  // One that runs already, begun before this process was, is looked after whatever else runs.
  if (!started && slot.number() > options_.max_tasks) return store_.Defer(ctx, lease);
  if (!started) GF_TRY(Begin(ctx, lease, task, workflow));
  GF_ASSIGN(const AttemptReport report, Await(ctx, task));
  return Conclude(ctx, lease, task, workflow, report);
}

Status RunTask::Begin(const Context& ctx, const sql::Lease& lease, Task& task,
                      const Workflow& workflow) {
  GF_TRY(Clean(ctx, task));
  task.state = TaskState::kInitializing;
  ++task.executor_attempt;
  if (!task.started) task.started = clock_.Now();
  GF_TRY(store_.Update(ctx, lease, task));

  GF_ASSIGN(const AttemptId attempt, AttemptId::Of(task.order.id, task.executor_attempt));
  GF_ASSIGN(const std::filesystem::path stage, files_.NewStage(attempt.str()));
  GF_ASSIGN(StagedCohort cohort, cohorts_.Stage(ctx, task.order, workflow, stage));
  if (cohort.individuals == 0) {
    return Error(StatusCode::kFailedPrecondition, "NO_INDIVIDUALS", "nobody permits this use now");
  }
  TaskSpec spec;
  spec.image = workflow.image;
  spec.command = workflow.command;
  spec.environment = task.order.parameters;
  spec.inputs = std::move(cohort.inputs);
  spec.output_dir = files_.OutputDir(attempt.str());
  spec.limits = workflow.limits;
  task.individuals = cohort.individuals;
  task.state = TaskState::kRunning;
  GF_TRY(store_.Update(ctx, lease, task));
  return executor_.Start(ctx, attempt, spec);
}

Result<AttemptReport> RunTask::Await(const Context& ctx, const Task& task) {
  constexpr auto kTick = std::chrono::milliseconds(20);
  constexpr int kTicksPerLook = 25;  // looks into the database twice a second
  GF_ASSIGN(const AttemptId attempt, AttemptId::Of(task.order.id, task.executor_attempt));
  for (int tick = 0;; ++tick) {
    GF_ASSIGN(AttemptReport report, executor_.Poll(attempt));
    if (report.ended()) return report;
    GF_TRY(ctx.Alive());
    if (tick % kTicksPerLook == 0) {
      // A database that is away must not end a container, and cannot hold a new request either.
      const auto stored = store_.Find(ctx, task.order.id);
      if (stored.ok() && stored->cancel_requested) return executor_.Kill(ctx, attempt);
    }
    std::this_thread::sleep_for(kTick);
  }
}

Status RunTask::Conclude(const Context& ctx, const sql::Lease& lease, Task& task,
                         const Workflow& workflow, const AttemptReport& report) {
  GF_LOG(ctx, info, "task.container_ended", {"task", task.order.id},
         {"outcome", OutcomeName(report.outcome)}, {"exit_code", report.exit_code},
         {"reason", report.reason}, {"wall_micros", report.usage.wall_micros},
         {"memory_peak_bytes", report.usage.memory_peak_bytes});
  task.exit_code = report.exit_code;
  if (!report.succeeded()) {
    const auto [state, reason] = FailureOf(report);
    return End(ctx, lease, task, state, reason);
  }
  GF_ASSIGN(const AttemptId attempt, AttemptId::Of(task.order.id, task.executor_attempt));
  GF_ASSIGN(const std::vector<std::string> identifiers,
            cohorts_.Identifiers(ctx, task.order.dataset));
  GF_ASSIGN(const std::vector<OutputEntry> entries,
            files_.Seal(files_.OutputDir(attempt.str()), options_.airlock));
  // Another worker may have taken over and cleaned up meanwhile; then this was read from nothing.
  if (!executor_.Poll(attempt).ok())
    return Error(StatusCode::kAborted, "ATTEMPT_GONE", "the attempt was cleaned up meanwhile");
  const AirlockVerdict verdict = CheckOutputs(options_.airlock, workflow.outputs, entries,
                                              IdentifierDictionary(identifiers), task.individuals);
  if (!verdict.passed()) {
    for (const Finding& finding : verdict.refusals) {
      GF_LOG(ctx, warn, "airlock.refused", {"task", task.order.id}, {"check", finding.check},
             {"code", finding.code});
    }
    return End(ctx, lease, task, TaskState::kExecutorError, "OUTPUT_REFUSED");
  }
  GF_TRY(files_.Keep(task.order.id, verdict.files));
  Review review = MakeReview(task, verdict, clock_.Now());
  if (options_.release_automatically) {
    review.decision = Decision::kRelease;
    review.decided_by = "automatic";
    GF_TRY(ledger_.Append(ctx, task, review));
    return End(ctx, lease, task, TaskState::kComplete, "", &review);
  }
  GF_TRY(Clean(ctx, task));
  task.state = TaskState::kInReview;
  return store_.Finish(ctx, lease, task, &review);
}

Status RunTask::Settle(const Context& ctx, const sql::Lease& lease, Task& task) {
  GF_ASSIGN(const Review review, store_.FindReview(ctx, task.order.id));
  if (task.cancel_requested) return End(ctx, lease, task, TaskState::kCanceled, "CANCELED");
  switch (review.decision) {
    case Decision::kNone:
      return store_.Finish(ctx, lease, task, nullptr);
    case Decision::kRefuse:
      return End(ctx, lease, task, TaskState::kExecutorError, "RELEASE_REFUSED");
    case Decision::kRelease:
      break;
  }
  GF_TRY(ledger_.Append(ctx, task, review));
  return End(ctx, lease, task, TaskState::kComplete, "");
}

Status RunTask::End(const Context& ctx, const sql::Lease& lease, Task& task, TaskState state,
                    std::string_view reason, const Review* review) {
  GF_TRY(Clean(ctx, task));
  task.state = state;
  task.reason = reason;
  task.ended = clock_.Now();
  return store_.Finish(ctx, lease, task, review);
}

Status RunTask::Clean(const Context& ctx, const Task& task) {
  if (task.executor_attempt == 0) return {};
  GF_ASSIGN(const AttemptId attempt, AttemptId::Of(task.order.id, task.executor_attempt));
  if (executor_.Poll(attempt).ok()) {
    GF_TRY(executor_.Kill(ctx, attempt));
    GF_TRY(executor_.Reap(attempt));
  }
  return files_.RemoveStage(attempt.str());
}

}  // namespace genofed::spe
