// SPDX-License-Identifier: Apache-2.0
//
// The signing key of an authority, wherever it is kept. What holds a Signer can make the authority speak, so a
// process has one only if its configuration names it; the hub has none.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/crypto/key.h"

namespace genofed::crypto {

class Signer {
 public:
  virtual ~Signer() = default;
  // A compact JWS (ES256) with `type` as its "typ" over `claims`, the text of a JSON object. Thread safe.
  // `jku`: where verifiers find the key set, as a header member; left out when empty.
  // Errors: InvalidArgument/CLAIMS_INVALID; Unavailable while a key store does not answer.
  virtual Result<std::string> SignJws(std::string_view type, std::string_view claims,
                                      std::string_view jku = {}) = 0;
  // What verifiers need: key id and public JWK.
  virtual const PublicKey& public_key() const = 0;
};

// A key in a PEM file: for development, and for sites whose orchestrator mounts secrets.
class FileSigner final : public Signer {
 public:
  explicit FileSigner(SigningKey key) : key_(std::move(key)) {}
  // Refuses a file that others may read (any permission for "other"). Reasons: KEY_FILE_EXPOSED, KEY_INVALID, or
  // those of ReadFile.
  static Result<std::unique_ptr<FileSigner>> Open(const std::filesystem::path& path);

  Result<std::string> SignJws(std::string_view type, std::string_view claims,
                              std::string_view jku = {}) override;
  const PublicKey& public_key() const override { return key_.public_key(); }

 private:
  const SigningKey key_;
};

}  // namespace genofed::crypto
