// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_beacon_opener.h"

#include <system_error>

#include "libs/beacon/snapshot.h"
#include "services/discovery/domain/publication.h"

namespace genofed::discovery {

Result<std::shared_ptr<const beacon::Collection>> FileBeaconOpener::Open(const BeaconPublication& publication) {
  const auto refused = [] {
    return InvalidField("path", "PATH_INVALID", "must be a path below the site's data directory");
  };
  if (!IsPathBelow(publication.path)) return refused();
  std::error_code error;
  const auto root = std::filesystem::weakly_canonical(data_dir_, error);
  if (error) return refused();
  const auto path = std::filesystem::weakly_canonical(root / publication.path, error);
  if (error) return refused();
  const auto inside = path.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") return refused();
  GF_ASSIGN(beacon::Collection collection, beacon::ReadSnapshot(path, publication.sha256));
  return std::make_shared<const beacon::Collection>(std::move(collection));
}

}  // namespace genofed::discovery
