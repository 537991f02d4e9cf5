// SPDX-License-Identifier: Apache-2.0
//
// Starting programs without a shell. Single-threaded callers only: a child lives no longer than the thread that
// started it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::federation {

// An operating-system account that a program can be run as by root.
struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// Whom to run databases as: empty unless we are root (PostgreSQL refuses to be), then `postgres`, else `nobody`.
Result<std::optional<Account>> DatabaseAccount();

struct Command {
  std::vector<std::string> argv;  // argv[0] is a path, not looked up in PATH
  std::vector<std::string> environment;  // "NAME=value", added to ours
  std::filesystem::path directory;       // working directory; empty: "/"
  std::optional<Account> run_as;
  std::filesystem::path log_file;  // standard output and error are appended here; empty: /dev/null
  // Sent by the kernel to the child when the starting thread ends, however it ends (prctl(2) PR_SET_PDEATHSIG).
  int orphan_signal = 9;
};

// Starts the program in its own process group and returns its process id; FailedPrecondition when it cannot be run.
Result<pid_t> Spawn(const Command& command);

// Runs the programs side by side to their end; an error (with the last lines of output of one that failed) unless all
// return 0 within `timeout`.
Status RunCommands(std::vector<Command> commands, std::chrono::seconds timeout);
Status RunCommand(Command command, std::chrono::seconds timeout);

// The first executable file of that name in PATH.
std::optional<std::filesystem::path> FindInPath(std::string_view name);

// The last `max_bytes` bytes of a text file from the start of a line; empty when there is none.
std::string Tail(const std::filesystem::path& path, std::size_t max_bytes = 2000);

}  // namespace genofed::federation
