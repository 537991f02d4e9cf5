// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/attempt_files.h"

#include <nlohmann/json.hpp>
#include <thread>

#include "libs/core/file.h"
#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/subprocess.h"

namespace genofed::spe {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr Outcome kOutcomes[] = {Outcome::kRunning,  Outcome::kExited, Outcome::kOomKilled,
                                 Outcome::kTimedOut, Outcome::kKilled, Outcome::kSystemError};

Result<Json> ReadJson(const fs::path& path) {
  GF_ASSIGN(const std::string text, ReadFile(path, 1U << 20));
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Error(StatusCode::kDataLoss, "ATTEMPT_CORRUPT", "{} is not a JSON object",
                 path.string());
  }
  return json;
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kRunning:
      return "running";
    case Outcome::kExited:
      return "exited";
    case Outcome::kOomKilled:
      return "oom_killed";
    case Outcome::kTimedOut:
      return "timed_out";
    case Outcome::kKilled:
      return "killed";
    case Outcome::kSystemError:
      return "system_error";
  }
  return "unknown";
}

fs::path PlanFile(const fs::path& attempt) { return attempt / "plan.json"; }
fs::path LockFile(const fs::path& attempt) { return attempt / "lock"; }
fs::path PidFile(const fs::path& attempt) { return attempt / "pid"; }
fs::path KillFile(const fs::path& attempt) { return attempt / "kill"; }
fs::path ReportFile(const fs::path& attempt) { return attempt / "exit.json"; }
fs::path TaskLog(const fs::path& attempt) { return attempt / "task.log"; }
fs::path RuntimeLog(const fs::path& attempt) { return attempt / "runtime.log"; }
fs::path BundleDir(const fs::path& attempt) { return attempt / "bundle"; }
fs::path InputDir(const fs::path& attempt) { return attempt / "in"; }

Status WritePlan(const AttemptPlan& plan) {
  const Json json = {{"id", plan.id},
                     {"runtime", plan.runtime},
                     {"runtime_root", plan.runtime_root.string()},
                     {"rootfs", plan.rootfs.string()},
                     {"cgroup", plan.cgroup},
                     {"output_dir", plan.output_dir.string()},
                     {"wall_seconds", plan.wall_time.count()},
                     {"log_bytes", plan.log_bytes},
                     {"spec_digest", plan.spec_digest}};
  return WriteFileAtomically(PlanFile(plan.directory), json.dump(2), 0600);
}

Result<AttemptPlan> ReadPlan(const fs::path& attempt) {
  GF_ASSIGN(const Json json, ReadJson(PlanFile(attempt)));
  try {
    AttemptPlan plan;
    plan.id = json.at("id");
    plan.runtime = json.at("runtime");
    plan.runtime_root = json.at("runtime_root").get<std::string>();
    plan.directory = attempt;
    plan.rootfs = json.at("rootfs").get<std::string>();
    plan.cgroup = json.at("cgroup");
    plan.output_dir = json.at("output_dir").get<std::string>();
    plan.wall_time = std::chrono::seconds(json.at("wall_seconds").get<std::int64_t>());
    plan.log_bytes = json.at("log_bytes");
    plan.spec_digest = json.at("spec_digest");
    return plan;
  } catch (const Json::exception& error) {
    return Error(StatusCode::kDataLoss, "PLAN_CORRUPT", "{}: {}", PlanFile(attempt).string(),
                 error.what());
  }
}

Status WriteReport(const fs::path& attempt, const AttemptReport& report) {
  const Json json = {{"outcome", OutcomeName(report.outcome)},
                     {"exit_code", report.exit_code},
                     {"oom_kills", report.oom_kills},
                     {"reason", report.reason},
                     {"detail", report.detail},
                     {"cpu_micros", report.usage.cpu_micros},
                     {"memory_peak_bytes", report.usage.memory_peak_bytes},
                     {"wall_micros", report.usage.wall_micros}};
  return WriteFileAtomically(ReportFile(attempt),
                             json.dump(2, ' ', false, Json::error_handler_t::replace), 0600);
}

Result<AttemptReport> ReadReport(const fs::path& attempt) {
  GF_ASSIGN(const Json json, ReadJson(ReportFile(attempt)));
  try {
    AttemptReport report;
    const std::string outcome = json.at("outcome");
    report.outcome = Outcome::kSystemError;
    for (const Outcome candidate : kOutcomes) {
      if (OutcomeName(candidate) == outcome) report.outcome = candidate;
    }
    report.exit_code = json.at("exit_code");
    report.oom_kills = json.at("oom_kills");
    report.reason = json.at("reason");
    report.detail = json.at("detail");
    report.usage.cpu_micros = json.at("cpu_micros");
    report.usage.memory_peak_bytes = json.at("memory_peak_bytes");
    report.usage.wall_micros = json.at("wall_micros");
    return report;
  } catch (const Json::exception& error) {
    return Error(StatusCode::kDataLoss, "REPORT_CORRUPT", "{}: {}", ReportFile(attempt).string(),
                 error.what());
  }
}

Status EndContainer(const AttemptPlan& plan, AttemptReport& report) {
  constexpr std::chrono::seconds kPatience{30};
  const Cgroup cgroup(plan.cgroup);
  GF_TRY(cgroup.KillAll(kPatience));
  if (cgroup.Exists()) {
    report.oom_kills = cgroup.OomKills();
    report.usage.cpu_micros = cgroup.CpuMicros();
    report.usage.memory_peak_bytes = cgroup.MemoryPeakBytes();
  }
  GF_TRY(
      RunProgram({plan.runtime, "--root", plan.runtime_root.string(), "delete", "--force", plan.id},
                 kPatience));
  // The runtime forgets a container it never finished creating; its cgroup is removed all the same.
  if (cgroup.Exists()) GF_TRY(cgroup.KillAll(kPatience));
  return cgroup.Remove();
}

}  // namespace genofed::spe
