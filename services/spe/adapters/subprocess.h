// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace genofed::spe {

struct ProgramResult {
  int exit_code = 0;   // 128 + signal when a signal ended it
  std::string output;  // standard output and error together, the first 64 KiB
};

// Descriptors the new program gets beside 0, 1 and 2: {ours, its number}. All others are closed.
using InheritedFds = std::vector<std::pair<int, int>>;

// Starts argv[0] (an absolute path, or a name looked up in the fixed PATH) with a fixed small
// environment, no shell, default signals, its own session, and 0, 1, 2 on /dev/null unless `fds`
// names them. Returns the pid.
Result<int> Spawn(const std::vector<std::string>& argv, const InheritedFds& fds);

// Runs a program to its end; killed with its process group and DeadlineExceeded after `timeout`.
Result<ProgramResult> RunProgram(const std::vector<std::string>& argv,
                                 std::chrono::milliseconds timeout);

// Decodes a wait status: the exit code, or 128 + signal.
int ExitCodeOf(int wait_status);

}  // namespace genofed::spe
