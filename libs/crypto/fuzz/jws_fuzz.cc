// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/crypto/jws.h"

// No input carries a signature by a key that was made a moment ago.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using genofed::crypto::SigningKey;
  static const SigningKey key = *SigningKey::Generate();
  const std::string_view token(reinterpret_cast<const char*>(data), size);
  const auto verified = genofed::crypto::VerifyJws(
      token, {.types = {"at+jwt", "JWT"}},
      [](const genofed::crypto::KeyQuery&) -> genofed::Result<genofed::crypto::PublicKey> {
        return key.public_key();
      });
  GF_CHECK(!verified.ok());
  return 0;
}
