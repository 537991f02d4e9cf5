// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/crypto/key.h"

// What is accepted as a key is published as the same key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using genofed::crypto::PublicKey;
  const auto key = PublicKey::FromJwk({reinterpret_cast<const char*>(data), size});
  if (!key.ok()) return 0;
  const auto again = PublicKey::FromJwk(key->Jwk());
  GF_CHECK(again.ok() && again->thumbprint() == key->thumbprint() && again->kid() == key->kid());
  return 0;
}
