// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/discovery/app/beacon_ports.h"

namespace genofed::discovery {

// Opens what a publication names below the site's data directory; symbolic links must not lead out of it.
// InvalidArgument PATH_INVALID, and errors of beacon::ReadSnapshot.
class FileBeaconOpener final : public BeaconOpener {
 public:
  explicit FileBeaconOpener(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
  Result<std::shared_ptr<const beacon::Collection>> Open(const BeaconPublication& publication) override;

 private:
  const std::filesystem::path data_dir_;
};

}  // namespace genofed::discovery
