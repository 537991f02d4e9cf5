// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/seal.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <memory>

#include "libs/core/strings.h"
#include "libs/crypto/key_internal.h"

namespace genofed::crypto {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, internal::Freer<&EVP_CIPHER_CTX_free>>;

Status Broken() {
  ERR_clear_error();
  return Error(StatusCode::kUnauthenticated, "SEAL_BROKEN", "the value was not sealed by this site for this purpose");
}

// The version is authenticated, too.
std::string AssociatedData(std::string_view purpose) { return std::string(1, kVersion) + std::string(purpose); }

int Size(std::string_view text) { return static_cast<int>(text.size()); }

}  // namespace

Result<SealingKey> SealingKey::FromHex(std::string_view hex) {
  auto key = HexDecode(hex);
  if (!key.ok() || key->size() != kKeyBytes) {
    return Error(StatusCode::kInvalidArgument, "SEAL_KEY_INVALID", "a sealing key has {} hex digits", 2 * kKeyBytes);
  }
  return SealingKey(*std::move(key));
}

std::string SealingKey::Seal(std::string_view plain, std::string_view purpose, Random& random) const {
  const std::string nonce = random.Bytes(kNonceBytes);
  const std::string associated = AssociatedData(purpose);
  std::string cipher(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherPtr context(EVP_CIPHER_CTX_new());
  int written = 0;
  unsigned char none = 0;
  GF_CHECK(context != nullptr);
  GF_CHECK(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), internal::Bytes(key_), internal::Bytes(nonce),
                               nullptr) == 1);
  GF_CHECK(EVP_EncryptUpdate(context.get(), nullptr, &written, internal::Bytes(associated), Size(associated)) == 1);
  GF_CHECK(EVP_EncryptUpdate(context.get(), internal::Bytes(cipher), &written, internal::Bytes(plain), Size(plain)) ==
           1);
  GF_CHECK(EVP_EncryptFinal_ex(context.get(), &none, &written) == 1);
  GF_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag.data()) == 1);
  return std::string(1, kVersion) + nonce + cipher + tag;
}

Result<std::string> SealingKey::Open(std::string_view sealed, std::string_view purpose) const {
  if (sealed.size() < kOverheadBytes || sealed.front() != kVersion) return Broken();
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  const std::string_view cipher = sealed.substr(1 + kNonceBytes, sealed.size() - kOverheadBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const std::string associated = AssociatedData(purpose);
  std::string plain(cipher.size(), '\0');
  const CipherPtr context(EVP_CIPHER_CTX_new());
  int written = 0;
  unsigned char none = 0;
  GF_CHECK(context != nullptr);
  GF_CHECK(EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), internal::Bytes(key_), internal::Bytes(nonce),
                               nullptr) == 1);
  GF_CHECK(EVP_DecryptUpdate(context.get(), nullptr, &written, internal::Bytes(associated), Size(associated)) == 1);
  GF_CHECK(EVP_DecryptUpdate(context.get(), internal::Bytes(plain), &written, internal::Bytes(cipher), Size(cipher)) ==
           1);
  GF_CHECK(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), &none, &written) != 1) return Broken();
  return plain;
}

}  // namespace genofed::crypto
