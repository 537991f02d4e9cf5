// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/platform/module.h"

namespace genofed {

// The main function of every service executable: --config FILE (repeatable), --set path=value,
// --check-config,
// --version. Runs until SIGTERM or SIGINT. Exit code 0 after a clean stop, 2 when it could not
// start.
int ServiceMain(int argc, char** argv, const std::string& name,
                const std::vector<ServiceEntry>& entries);

}  // namespace genofed
