// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/seccomp_profile.h"

#include <linux/sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "libs/core/strings.h"

namespace genofed::spe {
namespace {

using Json = nlohmann::json;

#if defined(__x86_64__)
constexpr const char* kArchitecture = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr const char* kArchitecture = "SCMP_ARCH_AARCH64";
#else
#error "name the seccomp architecture"
#endif

// Names unknown to the kernel or architecture are skipped by the runtime, hence refused.
constexpr std::string_view kAllowed =
    "accept accept4 access alarm arch_prctl bind brk capget chdir chmod clock_getres "
    "clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 "
    "dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd "
    "eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate "
    "fchdir fchmod fchmodat fcntl fdatasync flock fork fstat fstatfs fsync ftruncate futex "
    "futex_waitv getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups "
    "getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid "
    "getresuid getrlimit get_robust_list getrusage getsid getsockname getsockopt gettid "
    "gettimeofday getuid getxattr ioctl kill link linkat listen listxattr llistxattr "
    "lgetxattr fgetxattr flistxattr lseek lstat madvise membarrier mincore mkdir mkdirat "
    "mlock mlock2 mmap mprotect mremap msync munlock munmap nanosleep newfstatat open openat "
    "openat2 pause pidfd_open pidfd_send_signal pipe pipe2 poll ppoll prctl pread64 preadv "
    "preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat "
    "readv recvfrom recvmmsg recvmsg rename renameat renameat2 restart_syscall rmdir rseq "
    "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
    "rt_sigtimedwait rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam "
    "sched_get_priority_max sched_get_priority_min sched_getscheduler sched_setaffinity "
    "sched_yield select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto "
    "setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid "
    "setresuid setreuid setrlimit set_robust_list setsid setsockopt set_tid_address setuid "
    "shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice "
    "stat statfs statx symlink symlinkat sync_file_range sysinfo tee tgkill time "
    "timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create "
    "timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat utime "
    "utimensat utimes vfork wait4 waitid write writev";

constexpr std::uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                         CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

Json Argument(unsigned index, std::uint64_t value, std::uint64_t second, const char* comparison) {
  return {{"index", index}, {"value", value}, {"valueTwo", second}, {"op", comparison}};
}

}  // namespace

Json SeccompProfile() {
  Json names = Json::array();
  for (const std::string_view name : Split(kAllowed, ' ')) names.push_back(std::string(name));
  Json rules = Json::array();
  rules.push_back({{"names", names}, {"action", "SCMP_ACT_ALLOW"}});
  // Threads and processes, but no namespaces. clone3 hides its flags in memory: ENOSYS makes libc
  // fall back to clone.
  rules.push_back({{"names", {"clone"}},
                   {"action", "SCMP_ACT_ALLOW"},
                   {"args", Json::array({Argument(0, kNewNamespaces, 0, "SCMP_CMP_MASKED_EQ")})}});
  rules.push_back({{"names", {"clone3"}}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", ENOSYS}});
  // Only sockets between processes of the task.
  rules.push_back({{"names", {"socket"}},
                   {"action", "SCMP_ACT_ALLOW"},
                   {"args", Json::array({Argument(0, AF_UNIX, 0, "SCMP_CMP_EQ")})}});
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", EPERM},
          {"architectures", Json::array({kArchitecture})},
          {"syscalls", rules}};
}

}  // namespace genofed::spe
