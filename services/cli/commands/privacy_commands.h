// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/cli/commands/session.h"

namespace genofed::cli {

// `genofed privacy …`: needs no federation.
void AddPrivacyCommands(Commands commands);

}  // namespace genofed::cli
