// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/monitor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "services/spe/adapters/attempt_files.h"
#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/subprocess.h"

namespace genofed::spe {
namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kTickMs = 50;  // how soon a request to kill is seen

class Monitor {
 public:
  explicit Monitor(AttemptPlan plan) : plan_(std::move(plan)) {}

  AttemptReport Run();

 private:
  // Binds the root file system to kRootfsMount in a mount namespace of our own: gone when we are.
  Status ShowRootfs();
  Status CreateContainer();
  // Waits for the first process, the deadline or a request to kill; returns what happened.
  void Watch();
  void CopyOutput();
  void Fail(const char* reason, std::string detail);
  bool KillRequested() const { return access(KillFile(plan_.directory).c_str(), F_OK) == 0; }

  AttemptPlan plan_;
  AttemptReport report_;
  SteadyClock::time_point deadline_;
  pid_t pid_ = 0;
  UniqueFd output_;  // what the task prints
  UniqueFd log_;
  std::int64_t logged_ = 0;
};

void Monitor::Fail(const char* reason, std::string detail) {
  report_.outcome = Outcome::kSystemError;
  report_.reason = reason;
  report_.detail = std::move(detail);
}

Status Monitor::ShowRootfs() {
  constexpr const char* kParent = "/run/genofed-spe";
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV;
  if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return Error(StatusCode::kUnavailable, "RUNTIME_FAILED", "no mount namespace: {}",
                 std::strerror(errno));
  }
  const UniqueFd rootfs(open(plan_.rootfs.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::string source = fmt::format("/proc/self/fd/{}", rootfs.get());
  const bool done =
      rootfs.valid() && (mkdir(kParent, 0711) == 0 || errno == EEXIST) &&
      mount("genofed-spe", kParent, "tmpfs", kFlags | MS_NOEXEC, "size=64k,mode=0711") == 0 &&
      mkdir(kRootfsMount, 0755) == 0 &&
      mount(source.c_str(), kRootfsMount, nullptr, MS_BIND, nullptr) == 0 &&
      mount(nullptr, kRootfsMount, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kFlags, nullptr) ==
          0;
  if (done) return {};
  return Error(StatusCode::kUnavailable, "RUNTIME_FAILED", "cannot show the root file system: {}",
               std::strerror(errno));
}

Status Monitor::CreateContainer() {
  GF_TRY(ShowRootfs());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error(StatusCode::kUnavailable, "PIPE", "no pipe");
  output_.Reset(ends[0]);
  UniqueFd writer(ends[1]);
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  log_.Reset(
      open(TaskLog(plan_.directory).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  GF_ASSIGN(const int runtime,
            Spawn({plan_.runtime, "--root", plan_.runtime_root.string(), "--log",
                   RuntimeLog(plan_.directory).string(), "--log-format", "json", "run", "--detach",
                   "--pid-file", PidFile(plan_.directory).string(), "--bundle",
                   BundleDir(plan_.directory).string(), plan_.id},
                  {{writer.get(), 1}, {writer.get(), 2}}));
  writer.Reset();
  int status = 0;
  while (waitpid(runtime, &status, WNOHANG) == 0) {
    CopyOutput();
    if (SteadyClock::now() > deadline_ || KillRequested()) kill(-runtime, SIGKILL);
    std::this_thread::sleep_for(milliseconds(2));
  }
  if (ExitCodeOf(status) != 0) {
    return Error(
        StatusCode::kUnavailable, "RUNTIME_FAILED", "{}",
        ReadFile(RuntimeLog(plan_.directory), 64U << 10).value_or("the runtime left no message"));
  }
  GF_ASSIGN(const std::string text, ReadFile(PidFile(plan_.directory), 64));
  GF_ASSIGN(const std::int64_t pid, ParseInt(Trim(text)));
  pid_ = static_cast<pid_t>(pid);
  return {};
}

void Monitor::CopyOutput() {
  char buffer[16384];
  for (int turn = 0; turn < 64; ++turn) {
    const ssize_t count = read(output_.get(), buffer, sizeof(buffer));
    if (count <= 0) return;
    const std::int64_t keep = std::min<std::int64_t>(count, plan_.log_bytes - logged_);
    if (keep > 0 && write(log_.get(), buffer, static_cast<std::size_t>(keep)) == keep)
      logged_ += keep;
  }
}

void Monitor::Watch() {
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  while (true) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      report_.outcome = Outcome::kExited;
      report_.exit_code = ExitCodeOf(status);
      return;
    }
    if (KillRequested()) {
      report_.outcome = Outcome::kKilled;
      return;
    }
    if (SteadyClock::now() >= deadline_) {
      report_.outcome = Outcome::kTimedOut;
      return;
    }
    pollfd watched[2] = {{process.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}};
    if (poll(watched, 2, kTickMs) > 0 && (watched[1].revents & POLLHUP) != 0 &&
        (watched[1].revents & POLLIN) == 0) {
      poll(watched, 1, kTickMs);  // the task closed its output: wait for its end alone
    }
    CopyOutput();
  }
}

AttemptReport Monitor::Run() {
  const SteadyClock::time_point started = SteadyClock::now();
  deadline_ = started + plan_.wall_time;
  if (const Status created = CreateContainer(); created.ok()) {
    Watch();
  } else if (KillRequested()) {
    report_.outcome = Outcome::kKilled;
  } else if (SteadyClock::now() >= deadline_) {
    report_.outcome = Outcome::kTimedOut;
  } else {
    Fail("RUNTIME_FAILED", Message(created));
  }
  // An attempt counts as ended only when nothing of it is left, however long that takes.
  while (!EndContainer(plan_, report_).ok()) std::this_thread::sleep_for(std::chrono::seconds(1));
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  CopyOutput();
  if (report_.outcome == Outcome::kExited && report_.oom_kills > 0)
    report_.outcome = Outcome::kOomKilled;
  report_.usage.wall_micros =
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - started).count();
  return report_;
}

}  // namespace

int RunMonitor(const std::filesystem::path& attempt) {
  auto plan = ReadPlan(attempt);
  if (!plan.ok()) return 1;
  const pid_t child = fork();
  if (child != 0) return child > 0 ? 0 : 1;

  setsid();
  umask(0077);
  prctl(PR_SET_NAME, "spe-monitor");
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // so that the container's first process becomes our child
  fcntl(3, F_SETFD, FD_CLOEXEC);     // the lock must end with us, not with the task
  signal(SIGHUP, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  const AttemptReport report = Monitor(*std::move(plan)).Run();
  while (!WriteReport(attempt, report).ok()) std::this_thread::sleep_for(std::chrono::seconds(1));
  _exit(0);
}

}  // namespace genofed::spe
