// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/cli/commands/session.h"

namespace genofed::cli {

// Adds `genofed onboard check`: judges files on this machine; no site is asked.
void AddOnboardCheck(CLI::App& onboard, Commands commands);

}  // namespace genofed::cli
