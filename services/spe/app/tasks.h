// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "services/spe/app/executor.h"
#include "services/spe/app/ports.h"

namespace genofed::spe {

struct ReleasedFile {
  std::string name;
  std::string content;
  std::string sha256;
};

// What callers can do with tasks and reviews. Thread safe.
class Tasks {
 public:
  // All borrowed. `wake` is called when there is new work.
  Tasks(TaskStore& store, WorkflowList& workflows, ApprovalCheck& approvals, TaskFiles& files,
        Executor& executor, const Clock& clock, std::function<void()> wake);

  // Durable when it returns. Refuses workflows that are not on the list, parameters they do not
  // declare, and approvals that do not hold.
  Result<Task> Create(const Context& ctx, const TaskOrder& order);
  Result<Task> Get(const Context& ctx, const std::string& id);
  Result<std::vector<Task>> List(const Context& ctx, const std::string& after, int limit);
  // Returns when no process of the task is left and its state is final.
  Status Cancel(const Context& ctx, const std::string& id);
  // FailedPrecondition NOT_RELEASED unless the task is complete.
  Result<std::vector<ReleasedFile>> ReleasedOutputs(const Context& ctx, const std::string& id);

  Result<std::vector<Review>> ListReviews(const Context& ctx);
  Result<std::string> ReviewFile(const Context& ctx, const std::string& task,
                                 const std::string& name);
  // `reviewer` is the subject of the person; PermissionDenied OWN_REQUEST if they asked for the
  // analysis themselves.
  Status Decide(const Context& ctx, const std::string& task, const std::string& digest,
                bool release, const std::string& reason, const std::string& reviewer);

 private:
  TaskStore& store_;
  WorkflowList& workflows_;
  ApprovalCheck& approvals_;
  TaskFiles& files_;
  Executor& executor_;
  const Clock& clock_;
  const std::function<void()> wake_;
};

}  // namespace genofed::spe
