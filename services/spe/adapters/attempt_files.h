// SPDX-License-Identifier: Apache-2.0
//
// What the service and an attempt's monitor say to each other, all of it files of the attempt's
// directory, so that either may be killed at any time:
//
//   plan.json     what to run; written before the monitor starts
//   lock          flock(2)ed by the monitor as long as it lives
//   pid           of the container's first process, written by the OCI runtime
//   kill          its presence asks the monitor to end the attempt
//   exit.json     the final report; written after the cgroup is empty and gone
//   task.log      standard output and error of the task, bounded; never leaves the node
//   runtime.log   messages of the OCI runtime
//   bundle/ in/   the OCI bundle and the mount points of the inputs
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "libs/core/status.h"
#include "services/spe/app/executor.h"

namespace genofed::spe {

// Where an attempt's root file system is in the mount namespace of its monitor. The runtime opens
// it as the mapped root user, who could not pass the private directories above the image cache.
inline constexpr const char* kRootfsMount = "/run/genofed-spe/rootfs";

struct AttemptPlan {
  std::string id;
  std::string runtime;                 // program: "runc" or a path
  std::filesystem::path runtime_root;  // its --root
  std::filesystem::path directory;     // of this attempt
  std::filesystem::path rootfs;        // shown to the runtime at kRootfsMount
  std::string cgroup;
  std::filesystem::path output_dir;
  std::chrono::seconds wall_time{0};
  std::int64_t log_bytes = 1 << 20;  // kept of the task's output; the rest is read and dropped
  std::string spec_digest;  // SHA-256 (hex) of what was asked for, to recognise a repeated Start
};

std::filesystem::path PlanFile(const std::filesystem::path& attempt);
std::filesystem::path LockFile(const std::filesystem::path& attempt);
std::filesystem::path PidFile(const std::filesystem::path& attempt);
std::filesystem::path KillFile(const std::filesystem::path& attempt);
std::filesystem::path ReportFile(const std::filesystem::path& attempt);
std::filesystem::path TaskLog(const std::filesystem::path& attempt);
std::filesystem::path RuntimeLog(const std::filesystem::path& attempt);
std::filesystem::path BundleDir(const std::filesystem::path& attempt);
std::filesystem::path InputDir(const std::filesystem::path& attempt);

Status WritePlan(const AttemptPlan& plan);
// DataLoss PLAN_CORRUPT if it is not a plan.
Result<AttemptPlan> ReadPlan(const std::filesystem::path& attempt);
Status WriteReport(const std::filesystem::path& attempt, const AttemptReport& report);
// NotFound while the attempt has not ended.
Result<AttemptReport> ReadReport(const std::filesystem::path& attempt);

// Ends whatever is left of a container: kills its processes, waits for its cgroup to be empty,
// takes the usage and has the runtime delete it. Fills usage and oom_kills of `report`. Safe to
// repeat.
Status EndContainer(const AttemptPlan& plan, AttemptReport& report);

}  // namespace genofed::spe
