// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/crypt4gh/key_file.h"

// What is accepted as a key is written as a file of the same key. No passphrase is given: key
// derivation is slow by intention, and its limits have tests.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::crypt4gh;
  static genofed::SystemRandom random;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = ParseSecretKeyFile(text); key.ok()) {
    const auto again = ParseSecretKeyFile(FormatSecretKeyFile(*key, "", random));
    GF_CHECK(again.ok() && again->public_key() == key->public_key());
  }
  if (const auto key = ParsePublicKeyFile(text); key.ok()) {
    const auto again = ParsePublicKeyFile(FormatPublicKeyFile(*key));
    GF_CHECK(again.ok() && *again == *key);
  }
  return 0;
}
