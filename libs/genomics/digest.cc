// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/digest.h"

#include <openssl/evp.h>

#include "libs/core/status.h"
#include "libs/core/strings.h"

namespace genofed::genomics {

Sha256Digest Sha256(std::span<const std::uint8_t> bytes) {
  Sha256Digest digest = {};
  GF_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
           1);
  return digest;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256Digest digest = Sha256({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  return HexEncode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace genofed::genomics
