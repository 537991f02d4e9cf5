// SPDX-License-Identifier: Apache-2.0
//
// What the use cases of spe need from outside.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/sql/lease.h"
#include "services/spe/domain/airlock.h"
#include "services/spe/domain/task.h"
#include "services/spe/domain/task_spec.h"
#include "services/spe/domain/workflow.h"

namespace genofed::spe {

// Durable tasks and reviews. A task is a row of work: who holds its lease may change it, and fails
// with LEASE_LOST once somebody else does.
class TaskStore {
 public:
  virtual ~TaskStore() = default;

  // The same order again returns the task as it is; AlreadyExists TASK_EXISTS if another order has
  // this identifier.
  virtual Result<Task> Add(const Context& ctx, const TaskOrder& order, Time now) = 0;
  virtual Result<Task> Find(const Context& ctx,
                            const std::string& id) = 0;  // NotFound TASK_NOT_FOUND
  // In order of identifiers, those after `after`.
  virtual Result<std::vector<Task>> List(const Context& ctx, const std::string& after,
                                         int limit) = 0;
  // Ends a task nobody works on; otherwise leaves a request for whoever does. A final task stays as
  // it is.
  virtual Result<Task> RequestCancel(const Context& ctx, const std::string& id, Time now) = 0;

  // For the holder of the lease. Update stores state, reason, counts and times; Finish also ends
  // the work until it is asked for again, and with a review puts the task's outputs into the
  // airlock.
  virtual Status Update(const Context& ctx, const sql::Lease& lease, const Task& task) = 0;
  virtual Status Finish(const Context& ctx, const sql::Lease& lease, const Task& task,
                        const Review* review) = 0;

  // Gives the lease back for a while; the try is not counted.
  virtual Status Defer(const Context& ctx, const sql::Lease& lease) = 0;

  virtual Result<std::vector<Review>> ListReviews(
      const Context& ctx) = 0;  // undecided ones, oldest first
  virtual Result<Review> FindReview(const Context& ctx,
                                    const std::string& task) = 0;  // NotFound REVIEW_NOT_FOUND
  // Stores a decision and asks for the work that follows from it, once. FailedPrecondition:
  // REVIEW_CHANGED if `digest` is not that of the review, REVIEW_DECIDED if it was decided
  // otherwise.
  virtual Status Decide(const Context& ctx, const std::string& task, const std::string& digest,
                        Decision decision, const std::string& by, const std::string& reason) = 0;
};

struct StagedCohort {
  std::vector<TaskInput> inputs;
  std::int32_t individuals = 0;
};

// Where genotypes and phenotypes come from.
class CohortSource {
 public:
  virtual ~CohortSource() = default;
  // Writes cohort.vcf.gz and phenotypes.tsv of the people who permit secondary use now, and of
  // nobody else, into `directory` (private, empty). Under an approval that lives now: that of the
  // order may have ended while it waited. Errors that a later try may mend are
  // Unavailable or DeadlineExceeded.
  virtual Result<StagedCohort> Stage(const Context& ctx, const TaskOrder& order,
                                     const Workflow& workflow,
                                     const std::filesystem::path& directory) = 0;
  // Every identifier that must not leave: the pseudonyms of all rows of the dataset version.
  virtual Result<std::vector<std::string>> Identifiers(const Context& ctx,
                                                       const DatasetRef& dataset) = 0;
};

// Verifies the country's approval for a task when it is submitted.
class ApprovalCheck {
 public:
  virtual ~ApprovalCheck() = default;
  virtual Status Check(const TaskOrder& order) = 0;  // PermissionDenied APPROVAL_REFUSED
};

// Which workflows this node runs.
class WorkflowList {
 public:
  virtual ~WorkflowList() = default;
  // PermissionDenied WORKFLOW_NOT_ALLOWED; InvalidArgument WORKFLOW_INVALID.
  virtual Result<Workflow> Open(const std::string& descriptor) = 0;
};

// Files of tasks on this machine.
class TaskFiles {
 public:
  virtual ~TaskFiles() = default;
  // An empty private directory for one attempt; what an earlier try left there is removed.
  virtual Result<std::filesystem::path> NewStage(const std::string& attempt) = 0;
  virtual std::filesystem::path OutputDir(const std::string& attempt) const = 0;
  virtual Status RemoveStage(const std::string& attempt) = 0;
  // Seals an ended attempt's outputs and reads them.
  virtual Result<std::vector<OutputEntry>> Seal(const std::filesystem::path& output_dir,
                                                const AirlockPolicy& policy) = 0;
  // Checked outputs, kept apart from the attempt. Reading compares the digest: DataLoss
  // OUTPUT_CORRUPT.
  virtual Status Keep(const std::string& task, const std::vector<CheckedFile>& files) = 0;
  virtual Result<std::string> Read(const std::string& task, const ReviewedFile& file) = 0;
};

// Accounts for what leaves, before it does.
class ReleaseLedger {
 public:
  virtual ~ReleaseLedger() = default;
  virtual Status Append(const Context& ctx, const Task& task,
                        const Review& review) = 0;  // idempotent
};

}  // namespace genofed::spe
