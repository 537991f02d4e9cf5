// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "services/cli/commands/onboard_description.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {

struct BeaconFolderOptions {
  std::filesystem::path folder;
  DescriptionOptions dataset;  // id "GDI-FI-BEACON-1"
  bool test_data = false;
};

// Sends the files of a Beacon data folder to the target's site and waits until they are taken in;
// the exit code. The same folder with the same description again is the same submission.
int OnboardBeacon(const Target& target, const BeaconFolderOptions& options);
// The same, and the listing by the country's coordinator, for a private federation: with the personas of `site`.
int ServeBeaconFolder(const Target& target, const std::string& site, const std::filesystem::path& folder);

// Adds `genofed onboard beacon`.
void AddOnboardBeacon(CLI::App& onboard, Commands commands);

}  // namespace genofed::cli
