// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/kdf.h"

#include <botan/pwdhash.h>
#include <openssl/evp.h>

#include <exception>

namespace genofed::crypt4gh::internal {
namespace {

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID", "key file: {}", why);
}

Status CheckRounds(std::uint32_t rounds, std::uint32_t limit) {
  if (rounds == 0 || rounds > limit)
    return Invalid("its number of key derivation rounds is out of bounds");
  return absl::OkStatus();
}

// Neither OpenSSL nor libsodium has it.
bool Bcrypt(std::uint32_t rounds, std::string_view salt, std::string_view passphrase,
            unsigned char* out, std::size_t size) {
  try {
    auto family = Botan::PasswordHashFamily::create("Bcrypt-PBKDF");
    if (family == nullptr) return false;
    family->from_params(rounds)->derive_key(out, size, passphrase.data(), passphrase.size(),
                                            reinterpret_cast<const unsigned char*>(salt.data()),
                                            salt.size());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

Result<SecretText> DeriveKey(std::string_view name, std::uint32_t rounds, std::string_view salt,
                             std::string_view passphrase, std::size_t size) {
  if (passphrase.empty()) {
    return Error(StatusCode::kFailedPrecondition, "CRYPT4GH_PASSPHRASE_MISSING",
                 "the secret key is protected by a passphrase, and none was given");
  }
  if (salt.empty()) return Invalid("it has no salt");
  SecretText key(size);
  auto* out = reinterpret_cast<unsigned char*>(key.bytes.data());
  auto* salt_bytes = reinterpret_cast<const unsigned char*>(salt.data());
  bool ok = false;
  if (name == "scrypt") {
    ok = EVP_PBE_scrypt(passphrase.data(), passphrase.size(), salt_bytes, salt.size(), 1U << 14, 8,
                        1, 64U << 20, out, size) == 1;
  } else if (name == "bcrypt") {
    GF_TRY(CheckRounds(rounds, kMaxBcryptRounds));
    ok = Bcrypt(rounds, salt, passphrase, out, size);
  } else if (name == "pbkdf2_hmac_sha256") {
    GF_TRY(CheckRounds(rounds, kMaxPbkdf2Rounds));
    ok = PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(passphrase.size()), salt_bytes,
                           static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                           static_cast<int>(size), out) == 1;
  } else {
    return Error(StatusCode::kUnimplemented, "CRYPT4GH_KEY_UNSUPPORTED",
                 "key file: its key derivation is none of scrypt, bcrypt, pbkdf2_hmac_sha256");
  }
  if (!ok) return Invalid("key derivation failed");
  return key;
}

}  // namespace genofed::crypt4gh::internal
