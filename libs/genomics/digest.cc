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

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  GF_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1);
}

Sha256Stream::~Sha256Stream() { EVP_MD_CTX_free(context_); }

void Sha256Stream::Add(std::string_view bytes) {
  GF_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
}

std::string Sha256Stream::FinishHex() {
  Sha256Digest digest = {};
  GF_CHECK(EVP_DigestFinal_ex(context_, digest.data(), nullptr) == 1);
  return HexEncode({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace genofed::genomics
