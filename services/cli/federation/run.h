// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/cli/federation/plan.h"

namespace genofed::federation {

struct RunOptions {
  std::filesystem::path var;
  std::vector<std::string> countries;  // lower case
  Layout layout = Layout::kServices;
  std::filesystem::path bin_dir;     // where genofed-<service> and genofed-site lie
  std::filesystem::path idp_dir;     // deploy/dev-idp, with its node_modules
  std::vector<std::string> sets;     // "fi:discovery.minimum_count=10", or without "fi:" for every node
  std::filesystem::path images_dir;  // OCI images of workflows; may be missing
  std::vector<std::string> hsm;      // countries whose national key is to be in a SoftHSM token, lower case
  std::chrono::seconds start_timeout{120};
  std::chrono::seconds certificate_lifetime{3600};
};

// Starts everything, writes federation.json, calls `healthy`, and serves until SIGTERM or SIGINT; then stops
// everything in reverse order and removes federation.json. `report` takes one line a step. Blocks; single-threaded.
Status RunFederation(const RunOptions& options, const std::function<void(std::string_view)>& report,
                     const std::function<void()>& healthy);

}  // namespace genofed::federation
