// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "libs/core/mutex.h"
#include "libs/core/status.h"

namespace genofed::access {

// The key set that a site shows to the world: the key it signs with, and those of a file that an
// operator keeps. Thread-safe.
class PublishedKeys {
 public:
  // `own_jwk`: the public key as JSON; may be empty. `file` (JWKS): may be empty.
  PublishedKeys(std::string own_jwk, std::filesystem::path file)
      : own_jwk_(std::move(own_jwk)), file_(std::move(file)) {}

  // The JWKS document. Reads the file when it changed; a broken one (or one with private keys) is
  // logged and leaves what was good before.
  std::string Jwks();

 private:
  const std::string own_jwk_;
  const std::filesystem::path file_;
  Mutex mutex_;
  std::string content_ ABSL_GUARDED_BY(mutex_);  // of the file when last looked at
  std::string jwks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::access
