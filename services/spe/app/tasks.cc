// SPDX-License-Identifier: Apache-2.0
#include "services/spe/app/tasks.h"

#include <algorithm>
#include <thread>

namespace genofed::spe {
namespace {

constexpr std::size_t kMaxReasonBytes = 2000;

Status CheckOrder(const TaskOrder& order) {
  GF_TRY(AttemptId::Of(order.id, 1));
  if (order.id.size() > 80)
    return InvalidField("task.id", "BAD_TASK_ID", "longer than 80 characters");
  if (order.run.empty()) return InvalidField("task.run", "MISSING", "a run is needed");
  if (order.dataset.dataset.empty() || order.dataset.version < 1) {
    return InvalidField("task.inputs", "BAD_DATASET", "exactly one dataset version is needed");
  }
  if (order.ledger_index < 0)
    return InvalidField("task.ledger_index", "MISSING", "a ledger entry is needed");
  if (order.requester_subject.empty())
    return InvalidField("task.requester_subject", "MISSING", "who asks is needed");
  return {};
}

}  // namespace

Tasks::Tasks(TaskStore& store, WorkflowList& workflows, ApprovalCheck& approvals, TaskFiles& files,
             Executor& executor, const Clock& clock, std::function<void()> wake)
    : store_(store),
      workflows_(workflows),
      approvals_(approvals),
      files_(files),
      executor_(executor),
      clock_(clock),
      wake_(std::move(wake)) {}

Result<Task> Tasks::Create(const Context& ctx, const TaskOrder& order) {
  GF_TRY(CheckOrder(order));
  // An order that was accepted stays accepted, whatever has expired since.
  if (const auto known = store_.Find(ctx, order.id); known.ok())
    return store_.Add(ctx, order, clock_.Now());
  GF_ASSIGN(const Workflow workflow, workflows_.Open(order.workflow));
  for (const auto& [name, value] : order.parameters) {
    if (!workflow.parameters.contains(name)) {
      return InvalidField("task.parameters", "PARAMETER_UNKNOWN",
                          "the workflow declares no such parameter");
    }
    if (value.size() > 4096)
      return InvalidField("task.parameters", "PARAMETER_TOO_LONG", "longer than 4096 bytes");
  }
  GF_TRY(approvals_.Check(order));
  GF_ASSIGN(Task task, store_.Add(ctx, order, clock_.Now()));
  wake_();
  return task;
}

Result<Task> Tasks::Get(const Context& ctx, const std::string& id) { return store_.Find(ctx, id); }

Result<std::vector<Task>> Tasks::List(const Context& ctx, const std::string& after, int limit) {
  return store_.List(ctx, after, std::clamp(limit <= 0 ? 100 : limit, 1, 500));
}

Status Tasks::Cancel(const Context& ctx, const std::string& id) {
  GF_ASSIGN(Task task, store_.RequestCancel(ctx, id, clock_.Now()));
  wake_();
  while (!IsFinal(task.state)) {
    // The worker sees the request too; killing here saves its polling interval.
    if (task.executor_attempt > 0) {
      GF_ASSIGN(const AttemptId attempt, AttemptId::Of(id, task.executor_attempt));
      const auto killed = executor_.Kill(ctx, attempt);
      if (!killed.ok() && killed.status().code() != StatusCode::kNotFound) return killed.status();
    }
    GF_TRY(ctx.Alive());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    GF_ASSIGN(task, store_.Find(ctx, id));
  }
  return {};
}

Result<std::vector<ReleasedFile>> Tasks::ReleasedOutputs(const Context& ctx,
                                                         const std::string& id) {
  GF_ASSIGN(const Task task, store_.Find(ctx, id));
  if (task.state != TaskState::kComplete) {
    return Error(StatusCode::kFailedPrecondition, "NOT_RELEASED",
                 "the outputs of task {} are not released", id);
  }
  GF_ASSIGN(const Review review, store_.FindReview(ctx, id));
  std::vector<ReleasedFile> released;
  for (const ReviewedFile& file : review.files) {
    GF_ASSIGN(std::string content, files_.Read(id, file));
    released.push_back({file.name, std::move(content), file.sha256});
  }
  return released;
}

Result<std::vector<Review>> Tasks::ListReviews(const Context& ctx) {
  return store_.ListReviews(ctx);
}

Result<std::string> Tasks::ReviewFile(const Context& ctx, const std::string& task,
                                      const std::string& name) {
  GF_ASSIGN(const Review review, store_.FindReview(ctx, task));
  const auto file =
      std::find_if(review.files.begin(), review.files.end(),
                   [&](const ReviewedFile& candidate) { return candidate.name == name; });
  if (file == review.files.end()) {
    return Error(StatusCode::kNotFound, "FILE_NOT_FOUND", "task {} has no such output", task);
  }
  return files_.Read(task, *file);
}

Status Tasks::Decide(const Context& ctx, const std::string& task, const std::string& digest,
                     bool release, const std::string& reason, const std::string& reviewer) {
  if (!release && reason.empty())
    return InvalidField("reason", "MISSING", "a refusal needs a reason");
  if (reason.size() > kMaxReasonBytes)
    return InvalidField("reason", "TOO_LONG", "longer than {} bytes", kMaxReasonBytes);
  GF_ASSIGN(const Review review, store_.FindReview(ctx, task));
  if (review.requester_subject == reviewer) {
    return Error(StatusCode::kPermissionDenied, "OWN_REQUEST",
                 "nobody releases the results of their own request");
  }
  GF_TRY(store_.Decide(ctx, task, digest, release ? Decision::kRelease : Decision::kRefuse,
                       reviewer, reason));
  wake_();
  return {};
}

}  // namespace genofed::spe
