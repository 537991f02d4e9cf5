// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/mutex.h"
#include "services/spe/app/executor.h"
#include "services/spe/app/image_store.h"

namespace genofed::spe {

// Attempts that SelfTest makes; List leaves them out.
inline constexpr std::string_view kSelfTestIdPrefix = "self-test-";

struct OciRuntimeOptions {
  std::string runtime = "runc";          // OCI runtime program with runc's command line
  std::filesystem::path state_dir = {};  // absolute; made with mode 0700
  // Where genofed-spe-monitor and genofed-spe-probe are; the directory of the running program if
  // empty.
  std::filesystem::path helper_dir = {};
  std::string cgroup_parent = "/genofed";
  std::int64_t log_bytes = 1 << 20;
};

// Runs attempts as OCI containers on this machine, one monitor process beside each
// (attempt_files.h). Needs root, or the capabilities to make namespaces, mounts and cgroups; the
// containers have none of them. One instance for one state directory.
class OciRuntime final : public Executor {
 public:
  // `images` must outlive this.
  OciRuntime(OciRuntimeOptions options, ImageStore& images);

  Status SelfTest(const Context& ctx) override;
  Status Start(const Context& ctx, const AttemptId& id, const TaskSpec& spec) override;
  Result<AttemptReport> Poll(const AttemptId& id) override;
  Result<AttemptReport> Wait(const Context& ctx, const AttemptId& id) override;
  Result<AttemptReport> Kill(const Context& ctx, const AttemptId& id) override;
  Result<std::vector<AttemptId>> List() override;
  Status Reap(const AttemptId& id) override;

 private:
  std::filesystem::path AttemptDir(const AttemptId& id) const;
  std::string CgroupOf(const AttemptId& id) const;
  // Start without the demand for a self-test and with the image already open.
  Status Launch(const AttemptId& id, const TaskSpec& spec, const Image& image);
  // Which controls are missing, by name; empty is good.
  Result<std::vector<std::string>> MissingControls(const Context& ctx);
  Result<std::string> ProbeControls(const Context& ctx, const AttemptId& id, const TaskSpec& spec,
                                    const Image& image);

  const OciRuntimeOptions options_;
  ImageStore& images_;
  Mutex start_mutex_;  // one Start or Reap at a time: they create and remove directories
  std::atomic<bool> tested_ = false;
};

}  // namespace genofed::spe
