// SPDX-License-Identifier: Apache-2.0
//
// What an executor is asked to run. There is deliberately no field for a network: no task has one.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::spe {

// One try at a task: "<task>.<n>". A later attempt has another identifier, so that a late answer of
// an earlier one cannot be mistaken for it.
class AttemptId {
 public:
  // Lower-case letters, digits, '.', '-' and '_', beginning with a letter or digit, at most 100: it
  // names files, a container and a cgroup.
  static Result<AttemptId> Parse(std::string_view text);
  static Result<AttemptId> Of(std::string_view task, int number);

  const std::string& str() const { return value_; }
  auto operator<=>(const AttemptId&) const = default;

 private:
  explicit AttemptId(std::string value) : value_(std::move(value)) {}
  std::string value_;
};

// Bounds that the kernel enforces. Every one is mandatory.
struct TaskLimits {
  std::int64_t cpu_millis = 1000;  // thousandths of one CPU
  std::int64_t memory_bytes = 512LL
                              << 20;  // includes what lies in /tmp and /out, which are in memory
  std::int64_t pids = 128;
  std::chrono::seconds wall_time{3600};
  std::int64_t tmp_bytes = 64LL << 20;
  std::int64_t output_bytes = 64LL << 20;
  std::int64_t output_files = 256;
};

// A read-only file of the task: /in/<name>. The file must be readable by everybody; a directory
// above it that only the service may enter keeps it private on the host.
struct TaskInput {
  std::filesystem::path host_path;
  std::string name;
};

struct TaskSpec {
  std::string image;                 // manifest digest, "sha256:<64 hex digits>"
  std::vector<std::string> command;  // absolute path of the program first
  std::map<std::string, std::string> environment;
  std::vector<TaskInput> inputs;
  // Existing empty directory of the host. The executor puts a file system of limits.output_bytes
  // there, /out inside; its content is valid until Reap.
  std::filesystem::path output_dir;
  TaskLimits limits;
};

// InvalidArgument naming the first field that is out of bounds.
Status Validate(const TaskSpec& spec);
// "sha256:" and 64 lower-case hexadecimal digits.
bool IsDigest(std::string_view text);
// A plain file name: [A-Za-z0-9] first, then also "._-", at most 128 characters.
bool IsPlainName(std::string_view text);

}  // namespace genofed::spe
