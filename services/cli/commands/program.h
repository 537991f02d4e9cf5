// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/cli/commands/session.h"

namespace genofed::cli {

// The whole program; its exit code.
int Run(int argc, const char* const* argv);

// All options and commands. Parsing a command line sets `commands.action`, and does nothing else.
void AddEverything(Commands commands);

}  // namespace genofed::cli
