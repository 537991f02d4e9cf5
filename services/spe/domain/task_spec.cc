// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/task_spec.h"

#include <algorithm>
#include <set>

namespace genofed::spe {
namespace {

constexpr std::size_t kMaxArguments = 256;
constexpr std::size_t kMaxArgumentBytes = 64U << 10;
constexpr std::size_t kMaxInputs = 256;

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsAlnum(char c) { return IsLowerAlnum(c) || (c >= 'A' && c <= 'Z'); }

bool IsEnvironmentName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsAlnum(c) || c == '_'; });
}

Status CheckText(std::string_view field, std::string_view text) {
  if (text.size() > kMaxArgumentBytes || text.find('\0') != std::string_view::npos) {
    return InvalidField(field, "BAD_TEXT", "longer than {} bytes, or holds a NUL",
                        kMaxArgumentBytes);
  }
  return {};
}

Status CheckRange(std::string_view field, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) {
    return InvalidField(field, "LIMIT_OUT_OF_RANGE", "{} is not between {} and {}", value, low,
                        high);
  }
  return {};
}

Status CheckLimits(const TaskLimits& limits) {
  constexpr std::int64_t kMebi = 1LL << 20;
  constexpr std::int64_t kTebi = 1LL << 40;
  GF_TRY(CheckRange("limits.cpu_millis", limits.cpu_millis, 10, 1'000'000));
  GF_TRY(CheckRange("limits.memory_bytes", limits.memory_bytes, 16 * kMebi, 16 * kTebi));
  GF_TRY(CheckRange("limits.pids", limits.pids, 2, 32768));
  GF_TRY(CheckRange("limits.wall_time", limits.wall_time.count(), 1, 30LL * 24 * 3600));
  GF_TRY(CheckRange("limits.tmp_bytes", limits.tmp_bytes, 4096, kTebi));
  GF_TRY(CheckRange("limits.output_bytes", limits.output_bytes, 4096, kTebi));
  return CheckRange("limits.output_files", limits.output_files, 1, 65536);
}

Status CheckInputs(const std::vector<TaskInput>& inputs) {
  if (inputs.size() > kMaxInputs)
    return InvalidField("inputs", "TOO_MANY", "more than {}", kMaxInputs);
  std::set<std::string> names;
  for (const TaskInput& input : inputs) {
    if (!IsPlainName(input.name))
      return InvalidField("inputs.name", "BAD_NAME", "not a plain file name");
    if (!names.insert(input.name).second)
      return InvalidField("inputs.name", "DUPLICATE", "given twice");
    if (!input.host_path.is_absolute()) {
      return InvalidField("inputs.host_path", "NOT_ABSOLUTE", "must be an absolute path");
    }
  }
  return {};
}

}  // namespace

Result<AttemptId> AttemptId::Parse(std::string_view text) {
  const bool ok = !text.empty() && text.size() <= 100 && IsLowerAlnum(text[0]) &&
                  std::all_of(text.begin(), text.end(), [](char c) {
                    return IsLowerAlnum(c) || c == '.' || c == '-' || c == '_';
                  });
  if (!ok) return InvalidField("attempt", "BAD_ATTEMPT_ID", "not a valid attempt identifier");
  return AttemptId(std::string(text));
}

Result<AttemptId> AttemptId::Of(std::string_view task, int number) {
  return Parse(fmt::format("{}.{}", task, number));
}

bool IsDigest(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (text.substr(0, kPrefix.size()) != kPrefix || text.size() != kPrefix.size() + 64) return false;
  return std::all_of(text.begin() + kPrefix.size(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsPlainName(std::string_view text) {
  return !text.empty() && text.size() <= 128 && IsAlnum(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '.' || c == '-' || c == '_'; });
}

Status Validate(const TaskSpec& spec) {
  if (!IsDigest(spec.image))
    return InvalidField("image", "BAD_DIGEST", "must be sha256:<64 hex digits>");
  if (spec.command.empty() || spec.command[0].substr(0, 1) != "/") {
    return InvalidField("command", "BAD_COMMAND", "must begin with the absolute path of a program");
  }
  if (spec.command.size() > kMaxArguments) {
    return InvalidField("command", "TOO_MANY", "more than {} arguments", kMaxArguments);
  }
  for (const std::string& argument : spec.command) GF_TRY(CheckText("command", argument));
  for (const auto& [name, value] : spec.environment) {
    if (!IsEnvironmentName(name))
      return InvalidField("environment", "BAD_NAME", "not a variable name");
    GF_TRY(CheckText("environment", value));
  }
  if (!spec.output_dir.is_absolute()) {
    return InvalidField("output_dir", "NOT_ABSOLUTE", "must be an absolute path");
  }
  GF_TRY(CheckInputs(spec.inputs));
  return CheckLimits(spec.limits);
}

}  // namespace genofed::spe
