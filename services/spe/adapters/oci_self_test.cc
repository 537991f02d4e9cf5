// SPDX-License-Identifier: Apache-2.0
//
// OciRuntime::SelfTest: two containers that try to break out before any data are near.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/oci_runtime.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;

// Odd sizes, so that a limit found by chance is not taken for ours.
TaskLimits ProbeLimits() {
  TaskLimits limits;
  limits.cpu_millis = 870;
  limits.memory_bytes = 48LL << 20;
  limits.pids = 23;
  limits.wall_time = std::chrono::seconds(20);
  limits.tmp_bytes = 3LL << 20;
  limits.output_bytes = 5LL << 20;
  return limits;
}

// A root file system that holds the probe and the mount points.
Result<Image> ProbeImage(const fs::path& directory, const fs::path& probe) {
  std::error_code error;
  const fs::path rootfs = directory / "rootfs";
  for (const char* name : {"proc", "dev", "tmp", "in", "out"})
    fs::create_directories(rootfs / name, error);
  fs::copy_file(probe, rootfs / "probe", fs::copy_options::overwrite_existing, error);
  if (!error) fs::permissions(rootfs / "probe", fs::perms(0755), error);
  fs::permissions(rootfs, fs::perms(0755), error);  // the runtime opens it as the mapped root
  if (error) {
    return Error(StatusCode::kUnavailable, "PREPARE_FAILED",
                 "cannot prepare the self-test with {}: {}", probe.string(), error.message());
  }
  return Image{rootfs, {}};
}

std::vector<std::string> WrongLimits(const Cgroup& cgroup, const TaskLimits& limits) {
  std::vector<std::string> wrong;
  if (cgroup.MemoryLimit() != limits.memory_bytes) wrong.emplace_back("memory-limit");
  if (cgroup.PidsLimit() != limits.pids) wrong.emplace_back("pids-limit");
  if (cgroup.CpuMillisLimit() != limits.cpu_millis) wrong.emplace_back("cpu-limit");
  return wrong;
}

}  // namespace

Status OciRuntime::SelfTest(const Context& ctx) {
  GF_ASSIGN(const std::vector<std::string> missing, MissingControls(ctx));
  if (!missing.empty()) {
    return Error(StatusCode::kFailedPrecondition, "ISOLATION_INCOMPLETE", "missing controls: {}",
                 fmt::join(missing, ", "));
  }
  tested_ = true;
  return {};
}

// Runs the probe that tries everything and compares the cgroup while it lives; the failed controls,
// a line each.
Result<std::string> OciRuntime::ProbeControls(const Context& ctx, const AttemptId& id,
                                              const TaskSpec& spec, const Image& image) {
  GF_TRY(Launch(id, spec, image));
  std::string failed;
  while (access((spec.output_dir / "done").c_str(), F_OK) != 0) {
    GF_ASSIGN(const AttemptReport report, Poll(id));
    if (report.ended()) {
      return Error(StatusCode::kFailedPrecondition, "ISOLATION_INCOMPLETE",
                   "the probe did not run: {} {} {} {}", OutcomeName(report.outcome),
                   report.exit_code, report.reason, report.detail);
    }
    GF_TRY(ctx.Alive());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (const std::string& limit : WrongLimits(Cgroup(CgroupOf(id)), spec.limits))
    failed += limit + "\n";
  GF_ASSIGN(const std::string report, ReadFile(spec.output_dir / "report", 4096));
  close(open((spec.output_dir / "go").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  GF_ASSIGN(const AttemptReport ended, Wait(ctx, id));
  if (!ended.succeeded()) failed += "exit-code\n";
  if (Cgroup(CgroupOf(id)).Exists()) failed += "cgroup-removed\n";
  return failed + report;
}

Result<std::vector<std::string>> OciRuntime::MissingControls(const Context& ctx) {
  const fs::path directory = options_.state_dir / "self-test";
  std::error_code error;
  fs::create_directories(directory / "out", error);
  fs::permissions(options_.state_dir, fs::perms(0700), error);
  GF_ASSIGN(const Image image, ProbeImage(directory, options_.helper_dir / "genofed-spe-probe"));
  GF_TRY(WriteFileAtomically(directory / "probe-input", "probe\n", 0444));

  TaskSpec spec;
  spec.output_dir = directory / "out";
  spec.inputs = {{directory / "probe-input", "probe"}};
  spec.limits = ProbeLimits();
  const auto run = [&](const char* name, auto&& body) -> Status {
    GF_ASSIGN(const AttemptId id, AttemptId::Parse(fmt::format("{}{}", kSelfTestIdPrefix, name)));
    if (Poll(id).ok()) {  // left behind by a killed service
      GF_TRY(Kill(ctx, id));
      GF_TRY(Reap(id));
    }
    const Status status = body(id);
    if (Poll(id).ok()) {
      GF_TRY(Kill(ctx, id));
      GF_TRY(Reap(id));
    }
    return status;
  };

  std::vector<std::string> missing;
  const Status controls = run("controls", [&](const AttemptId& id) -> Status {
    spec.command = {"/probe", "controls", std::to_string(spec.limits.pids),
                    std::to_string(spec.limits.tmp_bytes),
                    std::to_string(spec.limits.output_bytes)};
    GF_ASSIGN(const std::string failed, ProbeControls(ctx, id, spec, image));
    for (const std::string_view line : Split(Trim(failed), '\n')) {
      if (!line.empty()) missing.emplace_back(line);
    }
    return {};
  });
  GF_TRY(controls);
  const Status memory = run("memory", [&](const AttemptId& id) -> Status {
    spec.command = {"/probe", "memory"};
    GF_TRY(Launch(id, spec, image));
    GF_ASSIGN(const AttemptReport report, Wait(ctx, id));
    if (report.outcome != Outcome::kOomKilled) missing.emplace_back("memory-enforced");
    return {};
  });
  GF_TRY(memory);
  return missing;
}

}  // namespace genofed::spe
