// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "services/spe/app/executor.h"
#include "services/spe/app/ports.h"

namespace genofed::spe {

struct RunTaskOptions {
  AirlockPolicy airlock;
  // Release outputs that passed every check without a person.
  bool release_automatically = false;
  // Containers at once.
  int max_tasks = 1;
  // Tries after failures of this node before the task ends with SYSTEM_ERROR.
  std::int64_t max_attempts = 20;
};

// Takes one task from where it stands to its next resting point: its end, or the airlock. Every
// step is stored before the next begins, so that a killed service goes on where it was: a running
// container is adopted, not started anew.
class RunTask {
 public:
  // All borrowed.
  RunTask(TaskStore& store, WorkflowList& workflows, CohortSource& cohorts, TaskFiles& files,
          Executor& executor, ReleaseLedger& ledger, const Clock& clock, RunTaskOptions options);

  // For the holder of `lease` on the task lease.id. OK: the lease is settled. An error: nothing was
  // settled, try again later.
  Status Run(const Context& ctx, const sql::Lease& lease);

 private:
  Status RunSteps(const Context& ctx, const sql::Lease& lease, Task& task);
  // Stage-in and start of a new container.
  Status Begin(const Context& ctx, const sql::Lease& lease, Task& task, const Workflow& workflow);
  // Waits for the container; kills it when the task is to be cancelled.
  Result<AttemptReport> Await(const Context& ctx, const Task& task);
  // From the end of the container to the airlock.
  Status Conclude(const Context& ctx, const sql::Lease& lease, Task& task, const Workflow& workflow,
                  const AttemptReport& report);
  // After a decision: the ledger first, then the release.
  Status Settle(const Context& ctx, const sql::Lease& lease, Task& task);
  Status End(const Context& ctx, const sql::Lease& lease, Task& task, TaskState state,
             std::string_view reason, const Review* review = nullptr);
  // Removes container, inputs and outputs of the newest attempt.
  Status Clean(const Context& ctx, const Task& task);

  TaskStore& store_;
  WorkflowList& workflows_;
  CohortSource& cohorts_;
  TaskFiles& files_;
  Executor& executor_;
  ReleaseLedger& ledger_;
  const Clock& clock_;
  const RunTaskOptions options_;
  std::atomic<int> running_ = 0;
};

}  // namespace genofed::spe
