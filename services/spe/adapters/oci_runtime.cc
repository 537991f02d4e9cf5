// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/oci_runtime.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypto/hash.h"
#include "services/spe/adapters/attempt_files.h"
#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/oci_config.h"
#include "services/spe/adapters/subprocess.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;

Status SystemError(std::string_view what, const fs::path& path) {
  return Error(StatusCode::kUnavailable, "PREPARE_FAILED", "cannot {} {}: {}", what, path.string(),
               std::strerror(errno));
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

Status MakeDir(const fs::path& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return SystemError("make directory", path);
  if (chmod(path.c_str(), mode) != 0) return SystemError("set the mode of", path);
  return {};
}

bool IsMountPoint(const fs::path& path) {
  struct stat self {};
  struct stat parent {};
  return lstat(path.c_str(), &self) == 0 && lstat(path.parent_path().c_str(), &parent) == 0 &&
         self.st_dev != parent.st_dev;
}

// A file system of its own bounds what a task can write, in bytes and in files, and dies with the
// attempt.
Status MountOutput(const TaskSpec& spec) {
  struct stat info {};
  if (lstat(spec.output_dir.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return InvalidField("output_dir", "NOT_A_DIRECTORY", "{} is not a directory",
                        spec.output_dir.string());
  }
  if (IsMountPoint(spec.output_dir)) umount2(spec.output_dir.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  const std::uint32_t owner = kMappedIdBase + kTaskUser;
  const std::string options =
      fmt::format("size={},nr_inodes={},mode=0700,uid={},gid={}", spec.limits.output_bytes,
                  spec.limits.output_files + 1, owner, owner);
  if (mount("genofed-out", spec.output_dir.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
            options.c_str()) != 0) {
    return SystemError("mount", spec.output_dir);
  }
  return {};
}

Status PrepareInputs(const TaskSpec& spec, const fs::path& directory) {
  GF_TRY(MakeDir(directory, 0755));
  for (const TaskInput& input : spec.inputs) {
    struct stat info {};
    if (lstat(input.host_path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
      return InvalidField("inputs.host_path", "NOT_A_FILE", "{} is not a regular file", input.name);
    }
    const UniqueFd placeholder(
        open((directory / input.name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0444));
    if (!placeholder.valid()) return SystemError("make", directory / input.name);
  }
  return {};
}

UniqueFd OpenLock(const fs::path& attempt) {
  return UniqueFd(open(LockFile(attempt).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
}

// Starts the monitor with the lock as its descriptor 3; the process we start goes into the
// background and returns.
Status StartMonitor(const fs::path& program, const fs::path& attempt, const UniqueFd& lock) {
  GF_ASSIGN(const int pid, Spawn({program.string(), attempt.string()}, {{lock.get(), 3}}));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ExitCodeOf(status) != 0) {
    return Error(StatusCode::kUnavailable, "MONITOR_FAILED", "{} ended with {}", program.string(),
                 ExitCodeOf(status));
  }
  return {};
}

OciRuntimeOptions Complete(OciRuntimeOptions options) {
  std::error_code ignored;
  if (options.helper_dir.empty())
    options.helper_dir = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  return options;
}

}  // namespace

OciRuntime::OciRuntime(OciRuntimeOptions options, ImageStore& images)
    : options_(Complete(std::move(options))), images_(images) {}

fs::path OciRuntime::AttemptDir(const AttemptId& id) const {
  return options_.state_dir / "attempts" / id.str();
}

std::string OciRuntime::CgroupOf(const AttemptId& id) const {
  return options_.cgroup_parent + "/" + id.str();
}

Status OciRuntime::Start(const Context& ctx, const AttemptId& id, const TaskSpec& spec) {
  if (!tested_) {
    return Error(StatusCode::kFailedPrecondition, "ISOLATION_UNTESTED",
                 "the isolation self-test has not succeeded");
  }
  GF_TRY(Validate(spec));
  GF_ASSIGN(const Image image, images_.Open(ctx, spec.image));
  return Launch(id, spec, image);
}

Status OciRuntime::Launch(const AttemptId& id, const TaskSpec& spec, const Image& image) {
  const fs::path final_dir = AttemptDir(id);
  const std::string config = OciConfig(
      spec, image.environment, {kRootfsMount, InputDir(final_dir), spec.output_dir, CgroupOf(id)});
  const std::string digest = HexEncode(
      crypto::Sha256(fmt::format("{}\n{}\n{}", spec.image, spec.limits.wall_time.count(), config)));

  MutexLock lock(start_mutex_);
  if (Exists(final_dir)) {
    GF_ASSIGN(const AttemptPlan existing, ReadPlan(final_dir));
    if (existing.spec_digest == digest) return {};
    return Error(StatusCode::kAlreadyExists, "ATTEMPT_EXISTS",
                 "attempt {} exists with another task", id.str());
  }
  GF_TRY(MakeDir(options_.state_dir, 0700));
  GF_TRY(MakeDir(options_.state_dir / "attempts", 0700));
  // Prepared under another name, so that an attempt directory is complete or absent.
  const fs::path directory = final_dir.parent_path() / (".new-" + id.str());
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  GF_TRY(MakeDir(directory, 0700));
  GF_TRY(MakeDir(BundleDir(directory), 0700));
  GF_TRY(PrepareInputs(spec, InputDir(directory)));
  GF_TRY(WriteFileAtomically(BundleDir(directory) / "config.json", config, 0600));
  GF_TRY(WritePlan({.id = id.str(),
                    .runtime = options_.runtime,
                    .runtime_root = options_.state_dir / "runtime",
                    .directory = directory,
                    .rootfs = image.rootfs,
                    .cgroup = CgroupOf(id),
                    .output_dir = spec.output_dir,
                    .wall_time = spec.limits.wall_time,
                    .log_bytes = options_.log_bytes,
                    .spec_digest = digest}));
  // Locked before it can be found: whoever finds an unlocked attempt without a report knows that it
  // was lost.
  const UniqueFd monitor_lock = OpenLock(directory);
  if (!monitor_lock.valid() || flock(monitor_lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return SystemError("lock", directory);
  }
  GF_TRY(MountOutput(spec));
  if (rename(directory.c_str(), final_dir.c_str()) != 0) return SystemError("rename", directory);
  return StartMonitor(options_.helper_dir / "genofed-spe-monitor", final_dir, monitor_lock);
}

Result<AttemptReport> OciRuntime::Poll(const AttemptId& id) {
  const fs::path directory = AttemptDir(id);
  if (!Exists(PlanFile(directory))) {
    return Error(StatusCode::kNotFound, "ATTEMPT_NOT_FOUND", "no attempt {}", id.str());
  }
  if (Exists(ReportFile(directory))) return ReadReport(directory);
  const UniqueFd lock = OpenLock(directory);
  if (!lock.valid()) return SystemError("open the lock of", directory);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return AttemptReport{};  // its monitor lives
  if (Exists(ReportFile(directory))) return ReadReport(directory);

  // The monitor is gone without a report: nobody knows how the task would have ended, so it ends
  // here.
  GF_ASSIGN(const AttemptPlan plan, ReadPlan(directory));
  AttemptReport report;
  GF_TRY(EndContainer(plan, report));
  report.outcome = Exists(KillFile(directory)) ? Outcome::kKilled : Outcome::kSystemError;
  if (report.outcome == Outcome::kSystemError) report.reason = "MONITOR_LOST";
  GF_TRY(WriteReport(directory, report));
  return report;
}

Result<AttemptReport> OciRuntime::Wait(const Context& ctx, const AttemptId& id) {
  while (true) {
    GF_ASSIGN(AttemptReport report, Poll(id));
    if (report.ended()) return report;
    GF_TRY(ctx.Alive());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Result<AttemptReport> OciRuntime::Kill(const Context& ctx, const AttemptId& id) {
  GF_ASSIGN(AttemptReport report, Poll(id));
  if (report.ended()) return report;
  GF_TRY(WriteFileAtomically(KillFile(AttemptDir(id)), "", 0600));
  return Wait(ctx, id);
}

Result<std::vector<AttemptId>> OciRuntime::List() {
  std::vector<AttemptId> ids;
  std::error_code error;
  for (fs::directory_iterator at(options_.state_dir / "attempts", error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    auto id = AttemptId::Parse(
        name);  // refuses the names of directories in preparation, which begin with '.'
    if (id.ok() && name.rfind(kSelfTestIdPrefix, 0) != 0) ids.push_back(*std::move(id));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Error(StatusCode::kUnavailable, "LIST_FAILED", "cannot list attempts: {}",
                 error.message());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Status OciRuntime::Reap(const AttemptId& id) {
  const auto report = Poll(id);
  if (report.status().code() == StatusCode::kNotFound) return {};
  GF_TRY(report);
  if (!report->ended()) {
    return Error(StatusCode::kFailedPrecondition, "ATTEMPT_RUNNING", "attempt {} has not ended",
                 id.str());
  }
  MutexLock lock(start_mutex_);
  const fs::path directory = AttemptDir(id);
  GF_ASSIGN(const AttemptPlan plan, ReadPlan(directory));
  // First the attempt is gone, then what it wrote: else somebody who comes in between, or after we
  // were killed here, would find an attempt that ended well and wrote nothing.
  const fs::path removed = directory.parent_path() / (".old-" + id.str());
  std::error_code error;
  fs::remove_all(removed, error);
  if (rename(directory.c_str(), removed.c_str()) != 0) return SystemError("rename", directory);
  fs::remove_all(removed, error);
  if (IsMountPoint(plan.output_dir) &&
      umount2(plan.output_dir.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) {
    return SystemError("unmount", plan.output_dir);
  }
  return {};
}

}  // namespace genofed::spe
