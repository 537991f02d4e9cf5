// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::spe {

struct Image {
  std::filesystem::path rootfs;          // unpacked, shared by all attempts, never written again
  std::vector<std::string> environment;  // NAME=VALUE from the image's configuration
};

// Images an operator put on this machine. Nothing is ever pulled.
class ImageStore {
 public:
  virtual ~ImageStore() = default;
  // PermissionDenied IMAGE_NOT_ALLOWED if the digest is not on the allow-list; NotFound
  // IMAGE_NOT_FOUND; DataLoss IMAGE_CORRUPT if a blob is not what its digest says.
  virtual Result<Image> Open(const Context& ctx, const std::string& digest) = 0;
};

}  // namespace genofed::spe
