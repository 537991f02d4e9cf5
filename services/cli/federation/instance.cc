// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/instance.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "libs/core/file.h"
#include "libs/core/strings.h"

namespace genofed::federation {
namespace {

// Clock ticks from boot to the start of the process: field 22 of proc(5) stat. Empty when there is none.
std::string StartTime(pid_t pid) {
  auto stat = ReadFile(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat.ok()) return "";
  auto name_end = stat->rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return "";
  auto fields = Split(std::string_view(*stat).substr(name_end + 2), ' ');
  constexpr std::size_t kStartTime = 22 - 3;  // the first field after the name is number 3
  if (fields.size() <= kStartTime || fields[0] == "Z") return "";
  return std::string(fields[kStartTime]);
}

}  // namespace

Result<std::optional<InstanceLock>> InstanceLock::TryTake(const std::filesystem::path& var) {
  auto path = var / "up.lock";
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Error(StatusCode::kFailedPrecondition, "VAR_UNUSABLE", "cannot write {}: {}", path.string(),
                 std::strerror(errno));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return std::optional<InstanceLock>(InstanceLock(fd));
  close(fd);
  return std::optional<InstanceLock>();
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

InstanceLock::~InstanceLock() {
  if (fd_ >= 0) close(fd_);
}

Status WritePid(const std::filesystem::path& var) {
  return WriteFileAtomically(var / "up.pid", fmt::format("{} {}\n", getpid(), StartTime(getpid())));
}

void RemovePid(const std::filesystem::path& var) {
  std::error_code error;
  std::filesystem::remove(var / "up.pid", error);
}

std::optional<pid_t> RunningPid(const std::filesystem::path& var) {
  auto text = ReadFile(var / "up.pid", 256);
  if (!text.ok()) return std::nullopt;
  auto fields = Split(Trim(*text), ' ');
  if (fields.size() != 2) return std::nullopt;
  auto pid = ParseInt(fields[0]);
  if (!pid.ok() || *pid <= 1 || fields[1].empty()) return std::nullopt;
  auto id = static_cast<pid_t>(*pid);
  if (StartTime(id) != fields[1]) return std::nullopt;
  return id;
}

}  // namespace genofed::federation
