// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/proto_mapping.h"

#include "libs/rpc/time_codec.h"

namespace genofed::spe {
namespace {

v1::TaskState StateToProto(TaskState state) {
  switch (state) {
    case TaskState::kQueued:
      return v1::TASK_STATE_QUEUED;
    case TaskState::kInitializing:
      return v1::TASK_STATE_INITIALIZING;
    case TaskState::kRunning:
      return v1::TASK_STATE_RUNNING;
    case TaskState::kInReview:
      return v1::TASK_STATE_IN_REVIEW;
    case TaskState::kComplete:
      return v1::TASK_STATE_COMPLETE;
    case TaskState::kExecutorError:
      return v1::TASK_STATE_EXECUTOR_ERROR;
    case TaskState::kSystemError:
      return v1::TASK_STATE_SYSTEM_ERROR;
    case TaskState::kCanceled:
      return v1::TASK_STATE_CANCELED;
  }
  return v1::TASK_STATE_UNSPECIFIED;
}

}  // namespace

TaskOrder OrderFromProto(const v1::Task& task) {
  TaskOrder order;
  order.id = task.id();
  order.run = task.run();
  order.application = task.application();
  order.project = task.project();
  order.workflow = task.workflow();
  order.parameters = {task.parameters().begin(), task.parameters().end()};
  if (task.inputs_size() == 1)
    order.dataset = {task.inputs(0).dataset().dataset(), task.inputs(0).dataset().version()};
  order.ledger_index = task.ledger_index();
  order.epoch = task.epoch();
  order.approval = task.approval();
  order.approval_certificate_sha256 = task.approval_certificate_sha256();
  order.requester_subject = task.requester_subject();
  return order;
}

v1::Task OrderToProto(const TaskOrder& order) {
  v1::Task task;
  task.set_id(order.id);
  task.set_run(order.run);
  task.set_application(order.application);
  task.set_project(order.project);
  task.set_workflow(order.workflow);
  task.mutable_parameters()->insert(order.parameters.begin(), order.parameters.end());
  auto* dataset = task.add_inputs()->mutable_dataset();
  dataset->set_dataset(order.dataset.dataset);
  dataset->set_version(order.dataset.version);
  task.set_ledger_index(order.ledger_index);
  task.set_epoch(order.epoch);
  task.set_approval(order.approval);
  task.set_approval_certificate_sha256(order.approval_certificate_sha256);
  task.set_requester_subject(order.requester_subject);
  return task;
}

v1::Task ToProto(const Task& task) {
  v1::Task out = OrderToProto(task.order);
  out.clear_approval();
  out.clear_approval_certificate_sha256();
  out.set_state(StateToProto(task.state));
  out.set_reason(task.reason);
  out.set_individuals(task.individuals);
  out.set_exit_code(task.exit_code);
  rpc::SetTime(out.mutable_created(), task.created);
  if (task.started) rpc::SetTime(out.mutable_started(), *task.started);
  if (task.ended) rpc::SetTime(out.mutable_ended(), *task.ended);
  return out;
}

v1::Review ReviewToProto(const Review& review) {
  v1::Review out;
  out.set_task(review.task);
  out.set_run(review.run);
  out.set_project(review.project);
  out.set_dataset(review.dataset);
  out.set_digest(review.digest);
  for (const ReviewedFile& file : review.files) {
    auto* added = out.add_files();
    added->set_name(file.name);
    added->set_size(file.size);
    added->set_sha256(file.sha256);
    added->set_rows(file.rows);
    added->set_rows_left_out(file.rows_left_out);
  }
  for (const CheckLine& line : review.checks) {
    auto* added = out.add_checks();
    added->set_check(line.check);
    added->set_passed(line.passed);
    added->set_detail(line.detail);
  }
  rpc::SetTime(out.mutable_since(), review.since);
  return out;
}

Review ReviewFromProto(const v1::Review& review) {
  Review out;
  out.task = review.task();
  out.run = review.run();
  out.project = review.project();
  out.dataset = review.dataset();
  out.digest = review.digest();
  for (const auto& file : review.files()) {
    out.files.push_back({file.name(), file.size(), file.sha256(), file.rows(), file.rows_left_out()});
  }
  for (const auto& line : review.checks())
    out.checks.push_back({line.check(), line.passed(), line.detail()});
  out.since = rpc::GetTime(review.since());
  return out;
}

}  // namespace genofed::spe
