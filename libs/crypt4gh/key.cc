// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "libs/core/strings.h"
#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh {
namespace {

Status WrongLength(std::size_t size) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID", "a key has 32 bytes, not {}",
               size);
}

std::string PublicOf(const Secret32& secret) {
  auto* bytes = reinterpret_cast<const unsigned char*>(secret.bytes().data());
  EVP_PKEY* key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, bytes, kKeyBytes);
  GF_CHECK(key != nullptr);
  std::string raw(kKeyBytes, '\0');
  std::size_t size = raw.size();
  int ok = EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
  EVP_PKEY_free(key);
  GF_CHECK(ok == 1 && size == kKeyBytes);
  return raw;
}

}  // namespace

Secret32::~Secret32() { internal::Erase(bytes_.data(), bytes_.size()); }

Secret32 Secret32::Generate(Random& random) {
  Secret32 secret;
  random.Fill({reinterpret_cast<std::uint8_t*>(secret.bytes_.data()), secret.bytes_.size()});
  return secret;
}

Result<Secret32> Secret32::FromRaw(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return WrongLength(bytes.size());
  Secret32 secret;
  bytes.copy(secret.bytes_.data(), kKeyBytes);
  return secret;
}

bool operator==(const Secret32& a, const Secret32& b) {
  return CRYPTO_memcmp(a.bytes_.data(), b.bytes_.data(), kKeyBytes) == 0;
}

Result<PublicKey> PublicKey::FromRaw(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return WrongLength(bytes.size());
  return PublicKey(std::string(bytes));
}

Result<PublicKey> PublicKey::FromHex(std::string_view hex) {
  GF_ASSIGN(std::string raw, HexDecode(hex));
  return FromRaw(raw);
}

Result<PublicKey> PublicKey::FromEd25519(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return WrongLength(bytes.size());
  GF_CHECK(sodium_init() >= 0);
  std::string raw(kKeyBytes, '\0');
  if (crypto_sign_ed25519_pk_to_curve25519(reinterpret_cast<unsigned char*>(raw.data()),
                                           reinterpret_cast<const unsigned char*>(bytes.data())) !=
      0) {
    return Error(StatusCode::kInvalidArgument, "CRYPT4GH_KEY_INVALID",
                 "the bytes are not an Ed25519 public key");
  }
  return PublicKey(std::move(raw));
}

std::string PublicKey::Hex() const { return HexEncode(raw_); }

SecretKey::SecretKey(const Secret32& secret)
    : secret_(secret), public_key_(PublicKey::FromRaw(PublicOf(secret)).value()) {}

SecretKey SecretKey::Generate(Random& random) { return SecretKey(Secret32::Generate(random)); }

Result<SecretKey> SecretKey::FromRaw(std::string_view bytes) {
  GF_ASSIGN(auto secret, Secret32::FromRaw(bytes));
  return SecretKey(secret);
}

Result<SecretKey> SecretKey::FromHex(std::string_view hex) {
  GF_ASSIGN(std::string raw, HexDecode(hex));
  auto key = FromRaw(raw);
  internal::Erase(raw);
  return key;
}

Result<SecretKey> SecretKey::FromEd25519Seed(std::string_view seed) {
  if (seed.size() != kKeyBytes) return WrongLength(seed.size());
  GF_CHECK(sodium_init() >= 0);
  std::array<unsigned char, crypto_sign_ed25519_SECRETKEYBYTES> pair;
  std::array<unsigned char, crypto_sign_ed25519_PUBLICKEYBYTES> unused;
  std::array<char, kKeyBytes> raw;
  bool ok =
      crypto_sign_ed25519_seed_keypair(unused.data(), pair.data(),
                                       reinterpret_cast<const unsigned char*>(seed.data())) == 0 &&
      crypto_sign_ed25519_sk_to_curve25519(reinterpret_cast<unsigned char*>(raw.data()),
                                           pair.data()) == 0;
  GF_CHECK(ok);
  auto key = FromRaw({raw.data(), raw.size()});
  internal::Erase(pair.data(), pair.size());
  internal::Erase(raw.data(), raw.size());
  return key;
}

}  // namespace genofed::crypt4gh
