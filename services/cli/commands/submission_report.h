// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/cli/commands/session.h"

namespace genofed::cli {

// Asks until the submission is neither queued nor running; `show` tells its stages on standard error.
Result<Json> Wait(Session& session, const std::string& id, bool show);
// Prints what became of a submission, and why; the exit code of the command.
int Report(const Session& session, const Json& submission);

}  // namespace genofed::cli
