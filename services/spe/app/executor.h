// SPDX-License-Identifier: Apache-2.0
//
// The one interface behind which tasks run: an OCI runtime on this machine now, a cluster's
// scheduler later. All implementations pass the same probes (oci_runtime_test.cc).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "services/spe/domain/task_spec.h"

namespace genofed::spe {

enum class Outcome {
  kRunning,    // started and not ended
  kExited,     // ended by itself: exit_code says how
  kOomKilled,  // the kernel killed a process of it for want of memory; its outputs are not trusted
  kTimedOut,   // ran longer than limits.wall_time and was killed
  kKilled,     // killed on request
  kSystemError,  // the environment failed, not the task: `reason` says how
};
std::string_view OutcomeName(Outcome outcome);

struct Usage {
  std::int64_t cpu_micros = 0;
  std::int64_t memory_peak_bytes = 0;
  std::int64_t wall_micros = 0;
};

struct AttemptReport {
  Outcome outcome = Outcome::kRunning;
  int exit_code = 0;  // 128 + signal when a signal ended it
  std::int64_t oom_kills = 0;
  // Coded, for kSystemError: RUNTIME_FAILED, MONITOR_LOST, PREPARE_FAILED.
  std::string reason = {};
  // For the node's operator only; may quote the runtime. Never shown to a requester.
  std::string detail = {};
  Usage usage = {};

  bool ended() const { return outcome != Outcome::kRunning; }
  bool succeeded() const { return outcome == Outcome::kExited && exit_code == 0; }
};

// Thread safe. Attempts belong to the machine, not to the process that started them: they go on
// when the service is killed, and the next instance finds them again by identifier.
class Executor {
 public:
  virtual ~Executor() = default;

  // Proves on this machine that every isolation control holds. FailedPrecondition
  // ISOLATION_INCOMPLETE names what is missing. Start refuses until this has succeeded once in this
  // process.
  virtual Status SelfTest(const Context& ctx) = 0;

  // Starts an attempt; it is durable and running, or about to run, when this returns. Repeating the
  // call with the same identifier and spec does nothing; AlreadyExists ATTEMPT_EXISTS if the spec
  // differs.
  virtual Status Start(const Context& ctx, const AttemptId& id, const TaskSpec& spec) = 0;

  // NotFound ATTEMPT_NOT_FOUND if there is no such attempt. An attempt whose supervision was lost
  // is ended here and reported as kSystemError, MONITOR_LOST.
  virtual Result<AttemptReport> Poll(const AttemptId& id) = 0;

  // Polls until the attempt has ended or the context is no longer alive.
  virtual Result<AttemptReport> Wait(const Context& ctx, const AttemptId& id) = 0;

  // Ends every process of the attempt and returns its final report: when this succeeds, the cgroup
  // is empty. An attempt that ended by itself keeps its own outcome.
  virtual Result<AttemptReport> Kill(const Context& ctx, const AttemptId& id) = 0;

  // Everything that was started and not reaped, ended or not: what a new instance of the service
  // adopts.
  virtual Result<std::vector<AttemptId>> List() = 0;

  // Removes every trace of an ended attempt, its output_dir's content included. Idempotent;
  // FailedPrecondition ATTEMPT_RUNNING if it has not ended.
  virtual Status Reap(const AttemptId& id) = 0;
};

}  // namespace genofed::spe
