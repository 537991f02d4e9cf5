// SPDX-License-Identifier: Apache-2.0
//
// What genofed itself reads of a task's cgroup; the OCI runtime creates it and applies the limits.
// Works on the pure version 2 hierarchy (Debian 12 with systemd) and on version 1 controllers, also
// in hybrid mode.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/status.h"

namespace genofed::spe {

class Cgroup {
 public:
  // `path` as in an OCI cgroupsPath: absolute within the hierarchy, "/genofed/<id>".
  explicit Cgroup(std::string path);

  // Whether the host has one unified (version 2) hierarchy.
  static bool Unified();
  // Whether swap can be limited on this host.
  static bool LimitsSwap();

  bool Exists() const;
  std::vector<pid_t> Processes() const;
  // Sends SIGKILL to every process until none is left. DeadlineExceeded CGROUP_NOT_EMPTY after
  // `timeout`.
  Status KillAll(std::chrono::milliseconds timeout) const;
  // Removes the empty cgroup from every hierarchy; OK if it is not there.
  Status Remove() const;

  // Zero when unreadable.
  std::int64_t OomKills() const;
  std::int64_t MemoryPeakBytes() const;
  std::int64_t CpuMicros() const;

  // The limits the kernel holds, to be compared with what was asked for; -1 when unreadable or
  // unlimited.
  std::int64_t MemoryLimit() const;
  std::int64_t PidsLimit() const;
  std::int64_t CpuMillisLimit() const;

 private:
  std::filesystem::path File(const char* v1_controller, const char* v1_file,
                             const char* v2_file) const;
  std::string path_;
};

}  // namespace genofed::spe
