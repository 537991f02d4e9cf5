// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/cli/commands/session.h"

namespace genofed::cli {

// login, logout, whoami.
void AddLoginCommands(Commands commands);

}  // namespace genofed::cli
