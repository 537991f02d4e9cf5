// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/subprocess.h"
#include "libs/core/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>


namespace genofed::spe {
namespace {

constexpr std::size_t kMaxOutput = 64U << 10;
constexpr int kFirstParked =
    100;  // inherited descriptors are parked above this before they get their numbers

Status SpawnError(const std::string& program, int error) {
  return Error(StatusCode::kUnavailable, "SPAWN_FAILED", "cannot start {}: {}", program,
               std::strerror(error));
}

// posix_spawn's two structures, with their destructors.
struct SpawnSetup {
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

void Kill(int pid) { kill(-pid, SIGKILL); }

}  // namespace

int ExitCodeOf(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<int> Spawn(const std::vector<std::string>& argv, const InheritedFds& fds) {
  SpawnSetup setup;
  int highest = 2;
  for (int fd : {0, 1, 2}) {
    posix_spawn_file_actions_addopen(&setup.actions, kFirstParked + fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&setup.actions, kFirstParked + fd, fd);
  }
  // Parked first, so that giving one its number cannot overwrite another that is still to come.
  std::vector<UniqueFd> parked;
  for (const auto& [ours, theirs] : fds) {
    parked.emplace_back(fcntl(ours, F_DUPFD_CLOEXEC, kFirstParked + 3));
    if (!parked.back().valid()) return SpawnError(argv[0], errno);
    posix_spawn_file_actions_adddup2(&setup.actions, parked.back().get(), theirs);
    highest = std::max(highest, theirs);
  }
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, highest + 1);

  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setflags(&setup.attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);

  std::vector<std::string> arguments = argv;
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  std::string home = "HOME=/nonexistent";
  char* environment[] = {path.data(), home.data(), nullptr};
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, raw[0], &setup.actions, &setup.attributes, raw.data(), environment);
  if (error != 0) return SpawnError(argv[0], error);
  return pid;
}

Result<ProgramResult> RunProgram(const std::vector<std::string>& argv,
                                 std::chrono::milliseconds timeout) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SpawnError(argv[0], errno);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  GF_ASSIGN(const int pid, Spawn(argv, {{writer.get(), 1}, {writer.get(), 2}}));
  writer.Reset();
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));

  ProgramResult result;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool timed_out = false;
  pollfd watched[2] = {{reader.get(), POLLIN, 0}, {process.get(), POLLIN, 0}};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!timed_out && left.count() <= 0) {
      timed_out = true;
      Kill(pid);
    }
    const int wait_ms = timed_out ? 1000 : static_cast<int>(std::min<long>(left.count() + 1, 1000));
    if (poll(watched, 2, wait_ms) < 0 && errno != EINTR) break;
    if ((watched[0].revents & (POLLIN | POLLHUP)) != 0) {
      char buffer[4096];
      const ssize_t count = read(reader.get(), buffer, sizeof(buffer));
      if (count > 0 && result.output.size() < kMaxOutput) {
        result.output.append(
            buffer, std::min(static_cast<std::size_t>(count), kMaxOutput - result.output.size()));
      }
      if (count > 0) continue;
      watched[0].fd = -1;
    }
    if ((watched[1].revents & POLLIN) != 0) break;
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (timed_out) {
    return Error(StatusCode::kDeadlineExceeded, "PROGRAM_TIMED_OUT", "{} ran longer than {} ms",
                 argv[0], timeout.count());
  }
  result.exit_code = ExitCodeOf(status);
  return result;
}

}  // namespace genofed::spe
