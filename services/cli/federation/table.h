// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace genofed::federation {

// What people want to know about a running federation, from its federation.json: sites, addresses, where to look.
std::string AddressTable(const std::filesystem::path& var);

// One line per process from status.json: state, restarts, how it last ended, log file.
std::string ProcessTable(const std::filesystem::path& var);

// Whether status.json lists processes and all of them are ready.
bool AllReady(const std::filesystem::path& var);

}  // namespace genofed::federation
