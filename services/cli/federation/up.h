// SPDX-License-Identifier: Apache-2.0
//
// The commands `genofed up`, `genofed down` and `genofed status`. Each prints for people on standard output, errors on
// standard error, and returns the exit code of the process. Call them before starting any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::federation {

struct UpOptions {
  std::string countries = "FI,ES";
  std::filesystem::path var = "var";
  std::string layout = "services";   // or "site"
  std::vector<std::string> sets;     // site configuration: "fi:path=value", or "path=value" for every node
  std::string hsm = "ES";            // countries whose national key is in a SoftHSM token, or "none"
  bool foreground = false;           // stay until SIGTERM or Ctrl-C
  std::filesystem::path images_dir;  // OCI images of workflows; empty: <var>/images
  std::filesystem::path bin_dir;     // genofed-<service>; empty: beside the running executable
  std::filesystem::path idp_dir;     // deploy/dev-idp; empty: found from the working directory or the executable
  int timeout_seconds = 120;         // for everything to be healthy
  int certificate_lifetime = 3600;   // seconds, at least 10; workload certificates are renewed in time
  std::vector<std::string>
      given;  // names of options that somebody gave and that only a start can follow
};

// Starts a federation and returns 0 when every process is ready; 0 as well, saying so, when it is
// running already and nothing is `given` that it may not be running with. 1: it could not be
// started, and nothing of it is left running; or it is running, and was asked for something else.
int Up(const UpOptions& options);

struct DownOptions {
  std::filesystem::path var = "var";
  int timeout_seconds = 60;  // then it is killed
};

// Stops what `up` started with this var directory, and nothing else. 0 when nothing runs afterwards.
int Down(const DownOptions& options);

struct StatusOptions {
  std::filesystem::path var = "var";
};

// 0: running and every process ready; 1: running, something is not ready; 3: not running.
int ShowStatus(const StatusOptions& options);

// A fresh access token from the running federation; `person_identifier` (citizens only) may be empty. For another site
// than the persona's own: `site`, of personas of the hub.
Result<std::string> PersonaToken(const std::filesystem::path& var, std::string_view persona,
                                 std::string_view person_identifier = "", std::string_view site = "");

}  // namespace genofed::federation
