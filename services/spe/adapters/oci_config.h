// SPDX-License-Identifier: Apache-2.0
//
// The config.json of a task's bundle (OCI Runtime Specification 1.0.2): every isolation control in
// one place.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "services/spe/domain/task_spec.h"

namespace genofed::spe {

// User and group identifiers of the host to which those of every task are mapped. No account of the
// host may lie in this range.
inline constexpr std::uint32_t kMappedIdBase = 200000;
inline constexpr std::uint32_t kMappedIdCount = 65536;
// The user a task runs as, inside.
inline constexpr std::uint32_t kTaskUser = 65534;

// Where things of one attempt are on the host.
struct BundlePaths {
  std::filesystem::path rootfs;
  std::filesystem::path input_dir;   // holds an empty file for every input; bound to /in
  std::filesystem::path output_dir;  // bound to /out
  std::string cgroup;                // "/genofed/<id>"
};

std::string OciConfig(const TaskSpec& spec, const std::vector<std::string>& image_environment,
                      const BundlePaths& paths);

}  // namespace genofed::spe
