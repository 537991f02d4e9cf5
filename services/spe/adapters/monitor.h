// SPDX-License-Identifier: Apache-2.0
//
// The small process that stays with one attempt while the service may be killed and started again.
#pragma once

#include <filesystem>

namespace genofed::spe {

// Runs the attempt whose plan lies in `attempt` to its end and writes its report. Called by
// genofed-spe-monitor with the locked lock file as descriptor 3. Puts itself into the background:
// returns at once in the caller's process (0, or 1 if it could not), and does not return in the
// other.
int RunMonitor(const std::filesystem::path& attempt);

}  // namespace genofed::spe
