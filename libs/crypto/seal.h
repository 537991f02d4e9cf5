// SPDX-License-Identifier: Apache-2.0
//
// Sealing: AES-256-GCM (NIST SP 800-38D) for short values that leave the process and must come back unread and unchanged,
// such as cookies. Who opens a value must name the purpose it was sealed for.
#pragma once

#include <string>
#include <string_view>

#include "libs/core/random.h"
#include "libs/core/status.h"

namespace genofed::crypto {

// A key for sealing. Immutable and thread safe. Nonces are random: seal at most 2^32 values under one key.
class SealingKey {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  // What sealing adds: format version, nonce and tag.
  static constexpr std::size_t kOverheadBytes = 1 + 12 + 16;

  // From 64 hex digits. Reason: SEAL_KEY_INVALID.
  static Result<SealingKey> FromHex(std::string_view hex);

  // `purpose` says what the value is for and in which format, "genofed-session/1"; it is not in the result.
  std::string Seal(std::string_view plain, std::string_view purpose, Random& random) const;
  // What was sealed with this key for this purpose; anything else is Unauthenticated/SEAL_BROKEN.
  Result<std::string> Open(std::string_view sealed, std::string_view purpose) const;

 private:
  explicit SealingKey(std::string key) : key_(std::move(key)) {}
  std::string key_;
};

}  // namespace genofed::crypto
