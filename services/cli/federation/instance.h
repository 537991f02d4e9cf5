// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "libs/core/status.h"

namespace genofed::federation {

// At most one federation runs per var directory: its process holds an advisory lock on var/up.lock, which the kernel
// frees when that process ends, however it ends. The lock survives fork, so the command can hand it to its daemon.
class InstanceLock {
 public:
  // Empty when another process holds the lock.
  static Result<std::optional<InstanceLock>> TryTake(const std::filesystem::path& var);
  ~InstanceLock();
  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;

 private:
  explicit InstanceLock(int fd) : fd_(fd) {}
  int fd_;
};

// var/up.pid names the process by id and start time, so that a reused id is never taken for it.
Status WritePid(const std::filesystem::path& var);
void RemovePid(const std::filesystem::path& var);
// The process that var/up.pid names, if it is alive.
std::optional<pid_t> RunningPid(const std::filesystem::path& var);

}  // namespace genofed::federation
