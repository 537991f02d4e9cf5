// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "libs/auth/live_trust.h"
#include "libs/core/clock.h"

namespace genofed {

// Fetched public keys on disk, so that a process that starts while an issuer is away, or just after the issuer
// began to use its next key, believes what it believed before. One file for each issuer; a file that cannot be read is
// as good as none.
class KeptKeys {
 public:
  // Made with mode 0700 when the first keys are kept. Empty: nothing is kept.
  explicit KeptKeys(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // `jwks` as the issuer published it; it counts until `until`, whatever happens to this process.
  Status Keep(const std::string& iss, const std::string& jwks, Time until) const;
  // Gives everything that still counts to `trust`.
  void Restore(auth::LiveTrust& trust, const Clock& clock) const;

 private:
  const std::filesystem::path directory_;
};

}  // namespace genofed
