// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/process.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>

#include "libs/core/strings.h"

namespace genofed::federation {
namespace {

// Everything the child needs between fork and exec, made before the fork: only async-signal-safe calls after it.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> environment;
  std::string directory;
};

Prepared Prepare(const Command& command, std::vector<std::string>& storage) {
  storage = command.argv;
  const std::size_t arguments = storage.size();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view variable(*entry);
    bool replaced = false;
    for (const auto& own : command.environment) {
      replaced = replaced || own.substr(0, own.find('=') + 1) == variable.substr(0, variable.find('=') + 1);
    }
    if (!replaced) storage.emplace_back(variable);
  }
  storage.insert(storage.end(), command.environment.begin(), command.environment.end());
  Prepared prepared;
  prepared.directory = command.directory.empty() ? "/" : command.directory.string();
  for (std::size_t i = 0; i < storage.size(); ++i) {
    (i < arguments ? prepared.argv : prepared.environment).push_back(storage[i].data());
  }
  prepared.argv.push_back(nullptr);
  prepared.environment.push_back(nullptr);
  return prepared;
}

// In the child. Reports errno through `report` when the program cannot be run.
[[noreturn]] void Exec(const Command& command, const Prepared& prepared, pid_t parent, int log, int null, int report) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  setpgid(0, 0);
  umask(022);
  bool ok = dup2(null, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0;
  if (ok && command.run_as) {
    ok = setgroups(0, nullptr) == 0 && setresgid(command.run_as->gid, command.run_as->gid, command.run_as->gid) == 0 &&
         setresuid(command.run_as->uid, command.run_as->uid, command.run_as->uid) == 0;
  }
  // After the change of user, which would clear it; then look whether the parent has gone in between.
  ok = ok && prctl(PR_SET_PDEATHSIG, command.orphan_signal) == 0;
  if (ok && getppid() != parent) _exit(127);
  ok = ok && chdir(prepared.directory.c_str()) == 0;
  if (ok) execve(prepared.argv[0], prepared.argv.data(), prepared.environment.data());
  int error = errno;
  (void)!write(report, &error, sizeof error);
  _exit(127);
}

Status CannotRun(const Command& command, int error) {
  return Error(StatusCode::kFailedPrecondition, "CANNOT_RUN", "cannot run {}: {}", command.argv[0],
               std::strerror(error));
}

// One program of RunCommands, with a temporary log unless the caller named one.
class Running {
 public:
  explicit Running(Command command) : command_(std::move(command)) {}
  ~Running() {
    if (!own_log_.empty()) unlink(own_log_.c_str());
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  Status Start() {
    if (command_.log_file.empty()) {
      std::string log = (std::filesystem::temp_directory_path() / "genofed-run-XXXXXX").string();
      int fd = mkostemp(log.data(), O_CLOEXEC);
      if (fd < 0) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write {}", log);
      close(fd);
      own_log_ = log;
      command_.log_file = log;
    }
    GF_ASSIGN(pid_, Spawn(command_));
    return absl::OkStatus();
  }
  bool Ended() {
    if (pid_ != 0 && waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = 0;
    return pid_ == 0;
  }
  // Kills the program if it still runs.
  Status Finish(std::chrono::seconds timeout) {
    if (!Ended()) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, &status_, 0);
      return Error(StatusCode::kDeadlineExceeded, "COMMAND_TIMEOUT", "{} took more than {} s", command_.argv[0],
                   timeout.count());
    }
    if (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) return absl::OkStatus();
    return Error(StatusCode::kFailedPrecondition, "COMMAND_FAILED", "{} failed: {}", command_.argv[0],
                 Trim(Tail(command_.log_file)));
  }

 private:
  Command command_;
  std::string own_log_;
  pid_t pid_ = 0;
  int status_ = 0;
};

}  // namespace

Result<std::optional<Account>> DatabaseAccount() {
  if (geteuid() != 0) return std::optional<Account>();
  for (const char* name : {"postgres", "nobody"}) {
    if (const passwd* entry = getpwnam(name); entry != nullptr && entry->pw_uid != 0) {
      return std::optional<Account>(Account{name, entry->pw_uid, entry->pw_gid});
    }
  }
  return Error(StatusCode::kFailedPrecondition, "NO_UNPRIVILEGED_USER",
               "PostgreSQL cannot run as root, and there is neither a user postgres nor nobody");
}

Result<pid_t> Spawn(const Command& command) {
  GF_CHECK(!command.argv.empty());
  std::vector<std::string> storage;
  Prepared prepared = Prepare(command, storage);
  std::string log_name = command.log_file.empty() ? "/dev/null" : command.log_file.string();
  int log = open(log_name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (log < 0) {
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write {}: {}", log_name, std::strerror(errno));
  }
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int report[2] = {-1, -1};
  pid_t parent = getpid();
  pid_t pid = null >= 0 && pipe2(report, O_CLOEXEC) == 0 ? fork() : -1;
  if (pid == 0) Exec(command, prepared, parent, log, null, report[1]);
  int error = errno;
  close(log);
  close(null);
  close(report[1]);
  if (pid < 0) {
    close(report[0]);
    return CannotRun(command, error);
  }
  ssize_t got = 0;
  do {
    got = read(report[0], &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  close(report[0]);
  if (got == 0) return pid;
  waitpid(pid, nullptr, 0);
  return CannotRun(command, got == sizeof error ? error : EIO);
}

Status RunCommands(std::vector<Command> commands, std::chrono::seconds timeout) {
  std::vector<std::unique_ptr<Running>> running;
  Status result;
  for (Command& command : commands) {
    running.push_back(std::make_unique<Running>(std::move(command)));
    result.Update(running.back()->Start());
  }
  auto end = std::chrono::steady_clock::now() + timeout;
  for (auto& program : running) {
    while (!program->Ended() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    result.Update(program->Finish(timeout));
  }
  return result;
}

Status RunCommand(Command command, std::chrono::seconds timeout) {
  std::vector<Command> commands;
  commands.push_back(std::move(command));
  return RunCommands(std::move(commands), timeout);
}

std::optional<std::filesystem::path> FindInPath(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (std::string_view directory : Split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    auto candidate = std::filesystem::path(directory) / name;
    if (!directory.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

std::string Tail(const std::filesystem::path& path, std::size_t max_bytes) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return "";
  auto size = static_cast<std::size_t>(in.tellg());
  std::size_t from = size > max_bytes ? size - max_bytes : 0;
  in.seekg(static_cast<std::streamoff>(from));
  std::string text(size - from, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (from > 0) text.erase(0, text.find('\n') + 1);
  return text;
}

}  // namespace genofed::federation
