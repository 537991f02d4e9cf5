// SPDX-License-Identifier: Apache-2.0
//
// Runs inside a task's container and tries what a task must not be able to do. Statically linked,
// so that it needs no image. "controls" writes the names of missing controls to /out/report, one a
// line, says "done" in /out/done, and waits until the service has compared the cgroup's limits and
// made /out/go. "memory" allocates without end.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

std::FILE* report = nullptr;

void Check(bool holds, const char* control) {
  if (!holds) std::fprintf(report, "%s\n", control);
}

// The rest of the line in /proc/self/status that begins with `key`; empty if there is none.
const char* StatusLine(const char* key) {
  static char line[256];
  std::FILE* in = std::fopen("/proc/self/status", "r");
  if (in == nullptr) return "";
  bool found = false;
  while (!found && std::fgets(line, sizeof(line), in) != nullptr)
    found = std::strncmp(line, key, std::strlen(key)) == 0;
  std::fclose(in);
  return found ? line + std::strlen(key) : "";
}

bool NoCapabilities(const char* set) {
  const char* line = StatusLine(set);
  return *line != '\0' && std::strtoull(line, nullptr, 16) == 0;
}

bool MountedWith(const char* path, unsigned long flags) {
  struct statvfs info {};
  return statvfs(path, &info) == 0 && (info.f_flag & flags) == flags;
}

bool HasSize(const char* path, unsigned long long bytes) {
  struct statvfs info {};
  return statvfs(path, &info) == 0 && info.f_blocks * info.f_frsize <= bytes + 4096;
}

bool OnlyMappedUsers(const char* file) {
  std::FILE* in = std::fopen(file, "r");
  if (in == nullptr) return false;
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  const bool one =
      std::fscanf(in, "%lu %lu %lu", &inside, &outside, &count) == 3 && outside >= 100000;
  const bool more = std::fscanf(in, "%lu", &inside) == 1;
  std::fclose(in);
  return one && !more;
}

bool NoRoutes() {
  std::FILE* in = std::fopen("/proc/net/route", "r");
  if (in == nullptr) return true;
  int lines = 0;
  for (int c = 0; (c = std::fgetc(in)) != EOF;) lines += c == '\n';
  std::fclose(in);
  return lines <= 1;  // the heading
}

bool Refused(long result) { return result < 0 && (errno == EPERM || errno == ENOSYS); }

bool ProcessesAreLimited(int limit) {
  int children = 0;
  bool refused = false;
  while (children <= limit && !refused) {
    const pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    refused = pid < 0;
    children += refused ? 0 : 1;
  }
  kill(-1, SIGKILL);  // all but ourselves
  while (wait(nullptr) > 0) {
  }
  return refused;
}

bool OutputIsLimited(unsigned long long bytes) {
  signal(SIGXFSZ, SIG_IGN);
  const int fd = open("/out/fill", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  static char block[65536];
  unsigned long long written = 0;
  bool refused = false;
  while (!refused && written <= bytes + sizeof(block)) {
    const ssize_t count = write(fd, block, sizeof(block));
    refused = count <= 0;
    if (count > 0) written += static_cast<unsigned long long>(count);
  }
  close(fd);
  unlink("/out/fill");
  return refused;
}

int Controls(int pids, unsigned long long tmp_bytes, unsigned long long out_bytes) {
  report = std::fopen("/out/report", "w");
  if (report == nullptr) return 3;
  Check(getpid() == 1, "pid-namespace");
  Check(geteuid() != 0 && OnlyMappedUsers("/proc/self/uid_map"), "user-namespace");
  Check(OnlyMappedUsers("/proc/self/gid_map"), "group-namespace");
  for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"}) {
    Check(NoCapabilities(set), "no-capabilities");
  }
  Check(std::atoi(StatusLine("NoNewPrivs:")) == 1, "no-new-privileges");
  Check(std::atoi(StatusLine("Seccomp:")) == 2, "seccomp");
  Check(socket(AF_INET, SOCK_STREAM, 0) < 0 && socket(AF_INET6, SOCK_DGRAM, 0) < 0,
        "no-network-sockets");
  Check(socket(AF_PACKET, SOCK_RAW, 0) < 0 && socket(AF_NETLINK, SOCK_RAW, 0) < 0,
        "no-raw-sockets");
  Check(NoRoutes(), "network-namespace");
  Check(Refused(mount("none", "/tmp", "tmpfs", 0, nullptr)), "no-mount");
  Check(Refused(syscall(SYS_unshare, CLONE_NEWUSER)), "no-new-namespaces");
  Check(Refused(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)), "no-tracing");
  Check(Refused(syscall(SYS_bpf, 0, nullptr, 0)), "no-bpf");
  Check(open("/made", O_WRONLY | O_CREAT, 0600) < 0 && MountedWith("/", ST_RDONLY),
        "read-only-root");
  Check(MountedWith("/tmp", ST_NOEXEC | ST_NOSUID | ST_NODEV) && HasSize("/tmp", tmp_bytes),
        "bounded-tmp");
  Check(open("/tmp/made", O_WRONLY | O_CREAT, 0600) >= 0, "writable-tmp");
  Check(MountedWith("/out", ST_NOEXEC | ST_NOSUID | ST_NODEV) && HasSize("/out", out_bytes),
        "bounded-output");
  Check(MountedWith("/in", ST_RDONLY | ST_NOEXEC | ST_NOSUID | ST_NODEV), "read-only-input");
  Check(open("/in/probe", O_RDONLY) >= 0, "readable-input");
  Check(open("/in/probe", O_WRONLY) < 0, "read-only-input-file");
  Check(MountedWith("/proc/sys", ST_RDONLY), "read-only-kernel-settings");
  struct rlimit core {};
  Check(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0, "no-core-files");
  Check(OutputIsLimited(out_bytes), "output-limit");
  Check(ProcessesAreLimited(pids), "process-limit");
  std::fclose(report);
  close(open("/out/done", O_WRONLY | O_CREAT, 0600));
  for (int i = 0; i < 1000 && access("/out/go", F_OK) != 0; ++i) usleep(10'000);
  return 0;
}

int Memory() {
  constexpr std::size_t kStep = 1U << 20;
  for (int i = 0; i < 4096; ++i) {
    char* block = static_cast<char*>(std::malloc(kStep));
    if (block == nullptr) return 4;
    for (std::size_t at = 0; at < kStep; at += 4096) static_cast<volatile char*>(block)[at] = 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "controls") == 0) {
    return Controls(std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10),
                    std::strtoull(argv[4], nullptr, 10));
  }
  if (argc == 2 && std::strcmp(argv[1], "memory") == 0) return Memory();
  return 2;
}
