// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/cli/commands/session.h"

namespace genofed::cli {

// `genofed variants describe`.
void AddDescribeCommand(CLI::App& variants, const Commands& commands);

}  // namespace genofed::cli
