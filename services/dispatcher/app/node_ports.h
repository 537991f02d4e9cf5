// SPDX-License-Identifier: Apache-2.0
//
// What the use cases at a node need from outside.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/sql/lease.h"
#include "services/dispatcher/app/hub_ports.h"
#include "services/dispatcher/domain/node_part.h"

namespace genofed::dispatcher {

// Durable parts. A part is a row of work: only the holder of its lease changes it (LEASE_LOST
// otherwise), apart from the wish to cancel.
class PartStore {
 public:
  virtual ~PartStore() = default;
  virtual Status Add(const Context& ctx, const NodePart& part) = 0;  // no effect if it is there
  virtual Status WishCancel(const Context& ctx, const std::string& id) = 0;
  virtual Result<std::vector<std::string>> Open(const Context& ctx) = 0;  // parts that are not done
  virtual Result<NodePart> Find(const Context& ctx,
                                const std::string& id) = 0;  // NotFound PART_UNKNOWN
  virtual Result<std::vector<NodePart>> OfRun(const Context& ctx, const std::string& run) = 0;
  // Identifiers of runs with parts here, newest first, those before `before` (empty: from the
  // newest).
  virtual Result<std::vector<std::string>> ListRuns(const Context& ctx, const std::string& before,
                                                    int limit) = 0;

  virtual Status Save(const Context& ctx, const sql::Lease& lease, const NodePart& part) = 0;
  // Saves a part that is done and ends its work.
  virtual Status Finish(const Context& ctx, const sql::Lease& lease, const NodePart& part) = 0;
  virtual Status Defer(const Context& ctx, const sql::Lease& lease,
                       std::chrono::milliseconds delay) = 0;
};

struct FetchedWork {
  std::vector<NodePart> fresh;
  std::map<std::string, bool>
      known;  // known parts that are open at the hub, and whether they are to be canceled
};

// The hub's desk.
class HubDesk {
 public:
  virtual ~HubDesk() = default;
  virtual Result<FetchedWork> Fetch(const Context& ctx, const std::vector<std::string>& known) = 0;
  virtual Status Report(const Context& ctx,
                        const PartReport& report) = 0;  // FailedPrecondition PART_ENDED: stop
  virtual Status Deliver(const Context& ctx, const std::string& part,
                         const std::vector<OutputFile>& files, std::int32_t individuals) = 0;
};

// This country's approval, from the access service of the site.
struct Approval {
  std::string token;
  std::string decision_sha256;
  std::string title;
  std::string purpose;       // in plain language, for citizens
  std::string purpose_code;  // DUO; empty if the application names none
  std::string organisation;
  std::string frozen;  // canonical bytes of the application
  std::string agreement_sha256;
  std::string certificate_sha256;  // of this service, if the token is for it alone
  // Conditions on people's permissions that the country accepts as met (DUO): of the token, once it
  // is verified, and of nothing else.
  std::vector<std::string> accepted_conditions = {};
};
class Approvals {
 public:
  virtual ~Approvals() = default;
  virtual Result<Approval> Get(const Context& ctx, const std::string& application) = 0;
  // OK while the grant lives; PermissionDenied with the coded reason once it does not; other
  // errors: not known now.
  virtual Status CheckLive(const Context& ctx, const std::string& application) = 0;
};

struct Cohort {
  std::int64_t epoch = 0;
  std::int32_t individuals = 0;  // who permit secondary use now
  std::string snapshot;
  std::string snapshot_root;  // hex
  std::int64_t slots = 0;     // of the snapshot
};

// Datasets, consent and ledger of the site.
class SiteData {
 public:
  virtual ~SiteData() = default;
  virtual Result<std::int32_t> ListedVersion(const Context& ctx, const std::string& dataset) = 0;
  // Who may be used for secondary use with this purpose (code, may be empty) by a project that
  // meets these conditions.
  virtual Result<Cohort> TakeCohort(const Context& ctx, const std::string& dataset,
                                    std::int32_t version, const std::string& purpose,
                                    const std::vector<std::string>& conditions_met) = 0;
  // OK while the run logged at this index may go on. FailedPrecondition COHORT_CHANGED: somebody in its cohort has
  // withdrawn, and the country's policy ends it; other errors: not known now.
  virtual Status CheckRun(const Context& ctx, std::int64_t ledger_index) = 0;
  // Durable when it returns; the same key returns the first index.
  virtual Result<std::int64_t> AppendEntry(const Context& ctx, const std::string& key,
                                           const std::string& entry) = 0;
};

struct TaskOrder {
  std::string id;
  std::string run;
  std::string application;
  std::string project;
  std::string workflow;
  std::map<std::string, std::string> parameters;
  std::string dataset;
  std::int32_t version = 0;
  std::int64_t ledger_index = -1;
  std::int64_t epoch = 0;
  std::string approval;
  std::string requester_subject;
};
enum class TaskPhase {
  kWaiting,
  kInitializing,
  kRunning,
  kInReview,
  kComplete,
  kExecutorError,
  kSystemError,
  kCanceled
};
struct TaskView {
  TaskPhase phase = TaskPhase::kWaiting;
  std::string reason;
  std::int32_t individuals = 0;
};

// The secure processing environment of the site.
class Tasks {
 public:
  virtual ~Tasks() = default;
  virtual Status Create(const Context& ctx,
                        const TaskOrder& order) = 0;  // AlreadyExists: there is such a task
  virtual Result<TaskView> Get(const Context& ctx, const std::string& id) = 0;
  virtual Status Cancel(const Context& ctx,
                        const std::string& id) = 0;  // returns when no process is left
  virtual Result<std::vector<OutputFile>> Outputs(const Context& ctx, const std::string& id) = 0;
};

}  // namespace genofed::dispatcher
