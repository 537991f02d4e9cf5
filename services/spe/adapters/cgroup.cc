// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/cgroup.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>

#include "libs/core/strings.h"

namespace genofed::spe {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";

// Control files have size 0, so they are read as streams.
std::string ReadControl(const std::filesystem::path& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::int64_t ReadNumber(const std::filesystem::path& path, std::int64_t fallback) {
  return ParseInt(Trim(ReadControl(path))).value_or(fallback);
}

// The number after `key` in a file of "key value" lines.
std::int64_t ReadKey(const std::filesystem::path& path, std::string_view key) {
  std::ifstream in(path);
  std::string name;
  std::int64_t value = 0;
  while (in >> name >> value) {
    if (name == key) return value;
  }
  return 0;
}

}  // namespace

Cgroup::Cgroup(std::string path) : path_(std::move(path)) {}

bool Cgroup::Unified() {
  struct statfs info {};
  return statfs(kRoot, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

bool Cgroup::LimitsSwap() {
  std::error_code ignored;
  if (!Unified())
    return std::filesystem::exists("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", ignored);
  // The root has no swap file of its own, so a kernel without swap accounting shows only in the
  // tests at start.
  return std::filesystem::exists("/proc/swaps", ignored);
}

std::filesystem::path Cgroup::File(const char* v1_controller, const char* v1_file,
                                   const char* v2_file) const {
  if (Unified()) return std::filesystem::path(kRoot + path_) / v2_file;
  return std::filesystem::path(fmt::format("{}/{}{}", kRoot, v1_controller, path_)) / v1_file;
}

bool Cgroup::Exists() const {
  std::error_code ignored;
  return std::filesystem::exists(File("pids", "cgroup.procs", "cgroup.procs"), ignored);
}

std::vector<pid_t> Cgroup::Processes() const {
  std::vector<pid_t> pids;
  std::ifstream in(File("pids", "cgroup.procs", "cgroup.procs"));
  for (pid_t pid = 0; in >> pid;) pids.push_back(pid);
  return pids;
}

Status Cgroup::KillAll(std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  // Killing the first process of a pid namespace ends all others in it, so even a fork bomb is gone
  // in one pass.
  for (std::vector<pid_t> pids = Processes(); !pids.empty(); pids = Processes()) {
    for (const pid_t pid : pids) {
      if (pid > 1) kill(pid, SIGKILL);  // 0 stands for a process outside our own pid namespace
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Error(StatusCode::kDeadlineExceeded, "CGROUP_NOT_EMPTY", "{} processes do not end",
                   pids.size());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return {};
}

Status Cgroup::Remove() const {
  std::vector<std::filesystem::path> directories;
  if (Unified()) {
    directories.push_back(File("", "", "cgroup.procs").parent_path());
  } else {
    std::error_code error;
    for (std::filesystem::directory_iterator at(kRoot, error), end; !error && at != end;
         at.increment(error)) {
      directories.push_back(at->path().string() + path_);
    }
  }
  for (const auto& directory : directories) {
    // A cgroup stays busy for a moment after its last process was reaped.
    for (int attempt = 0; rmdir(directory.c_str()) != 0 && errno == EBUSY; ++attempt) {
      if (attempt == 500) {
        return Error(StatusCode::kUnavailable, "CGROUP_BUSY", "{} cannot be removed",
                     directory.string());
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  return {};
}

std::int64_t Cgroup::OomKills() const {
  return ReadKey(File("memory", "memory.oom_control", "memory.events"), "oom_kill");
}

std::int64_t Cgroup::MemoryPeakBytes() const {
  return ReadNumber(File("memory", "memory.max_usage_in_bytes", "memory.peak"), 0);
}

std::int64_t Cgroup::CpuMicros() const {
  if (Unified()) return ReadKey(File("cpu", "", "cpu.stat"), "usage_usec");
  return ReadNumber(File("cpuacct", "cpuacct.usage", ""), 0) / 1000;
}

std::int64_t Cgroup::MemoryLimit() const {
  return ReadNumber(File("memory", "memory.limit_in_bytes", "memory.max"), -1);
}

std::int64_t Cgroup::PidsLimit() const {
  return ReadNumber(File("pids", "pids.max", "pids.max"), -1);
}

std::int64_t Cgroup::CpuMillisLimit() const {
  std::int64_t quota = -1;
  std::int64_t period = 0;
  if (Unified()) {
    std::ifstream in(File("cpu", "", "cpu.max"));  // "<quota or max> <period>"
    std::string text;
    in >> text >> period;
    quota = ParseInt(text).value_or(-1);
  } else {
    quota = ReadNumber(File("cpu", "cpu.cfs_quota_us", ""), -1);
    period = ReadNumber(File("cpu", "cpu.cfs_period_us", ""), 0);
  }
  return quota > 0 && period > 0 ? quota * 1000 / period : -1;
}

}  // namespace genofed::spe
