// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/primitives.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace genofed::crypt4gh::internal {
namespace {

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(char* text) { return reinterpret_cast<unsigned char*>(text); }

struct FreePkey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// OpenSSL 3.0 leaves the upper halves of the vector registers in use after ChaCha20-Poly1305. Until
// they are cleared, every instruction on lower halves waits for them: SHA-256 takes up to twice the
// time.
#if defined(__x86_64__)
__attribute__((target("avx"))) void ClearUpperHalves() { _mm256_zeroupper(); }
void AfterCipher() {
  static const bool has_upper_halves = __builtin_cpu_supports("avx") != 0;
  if (has_upper_halves) ClearUpperHalves();
}
#else
void AfterCipher() {}
#endif

template <typename T>
T Read(std::string_view bytes) {
  GF_CHECK(bytes.size() >= sizeof(T));
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>((value << 8) | static_cast<std::uint8_t>(bytes[i]));
  return value;
}

template <typename T>
void Append(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>((value >> (8 * i)) & 255U);
}

}  // namespace

void Aead::Free::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }

Aead::Aead(const Secret32& key) : context_(EVP_CIPHER_CTX_new()) {
  GF_CHECK(context_ != nullptr);
  GF_CHECK(EVP_CipherInit_ex(context_.get(), EVP_chacha20_poly1305(), nullptr, Bytes(key.bytes()),
                             nullptr, 1) == 1);
}

void Aead::Seal(std::string_view nonce, std::string_view plain, char* out) {
  GF_CHECK(nonce.size() == kNonceBytes);
  EVP_CIPHER_CTX* c = context_.get();
  int n = 0;
  bool ok =
      EVP_CipherInit_ex(c, nullptr, nullptr, nullptr, Bytes(nonce), 1) == 1 &&
      EVP_CipherUpdate(c, Bytes(out), &n, Bytes(plain), static_cast<int>(plain.size())) == 1 &&
      EVP_CipherFinal_ex(c, Bytes(out) + n, &n) == 1 &&
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, kMacBytes, out + plain.size()) == 1;
  AfterCipher();
  GF_CHECK(ok);
}

bool Aead::Open(std::string_view nonce, std::string_view sealed, char* out) {
  if (nonce.size() != kNonceBytes || sealed.size() < kMacBytes) return false;
  std::size_t size = sealed.size() - kMacBytes;
  std::array<char, kMacBytes> mac;
  sealed.copy(mac.data(), kMacBytes, size);
  EVP_CIPHER_CTX* c = context_.get();
  int n = 0;
  bool ok = EVP_CipherInit_ex(c, nullptr, nullptr, nullptr, Bytes(nonce), 0) == 1 &&
            EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, kMacBytes, mac.data()) == 1 &&
            EVP_CipherUpdate(c, Bytes(out), &n, Bytes(sealed), static_cast<int>(size)) == 1 &&
            EVP_CipherFinal_ex(c, Bytes(out) + n, &n) == 1;
  AfterCipher();
  if (!ok) Erase(out, size);
  return ok;
}

std::optional<Secret32> SharedKey(const SecretKey& own, const PublicKey& peer,
                                  const PublicKey& reader, const PublicKey& writer) {
  std::unique_ptr<EVP_PKEY, FreePkey> mine(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, Bytes(own.bytes()), kKeyBytes));
  std::unique_ptr<EVP_PKEY, FreePkey> theirs(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, Bytes(peer.raw()), kKeyBytes));
  GF_CHECK(mine != nullptr && theirs != nullptr);
  std::unique_ptr<EVP_PKEY_CTX, FreePkey> context(EVP_PKEY_CTX_new(mine.get(), nullptr));
  std::array<unsigned char, kKeyBytes> dh{};
  std::size_t size = dh.size();
  // OpenSSL refuses an all-zero result, as RFC 7748 section 6.1 advises.
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
      EVP_PKEY_derive(context.get(), dh.data(), &size) != 1 || size != dh.size()) {
    return std::nullopt;
  }
  std::unique_ptr<EVP_MD_CTX, FreePkey> hash(EVP_MD_CTX_new());
  std::array<char, 64> digest;
  bool ok = hash != nullptr && EVP_DigestInit_ex(hash.get(), EVP_blake2b512(), nullptr) == 1 &&
            EVP_DigestUpdate(hash.get(), dh.data(), dh.size()) == 1 &&
            EVP_DigestUpdate(hash.get(), reader.raw().data(), kKeyBytes) == 1 &&
            EVP_DigestUpdate(hash.get(), writer.raw().data(), kKeyBytes) == 1 &&
            EVP_DigestFinal_ex(hash.get(), Bytes(digest.data()), nullptr) == 1;
  GF_CHECK(ok);
  auto key = Secret32::FromRaw({digest.data(), kKeyBytes});
  Erase(dh.data(), dh.size());
  Erase(digest.data(), digest.size());
  return std::move(key).value();
}

void Erase(void* data, std::size_t size) { OPENSSL_cleanse(data, size); }
void AppendLe32(std::string& out, std::uint32_t value) { Append(out, value); }
void AppendLe64(std::string& out, std::uint64_t value) { Append(out, value); }
std::uint32_t Le32(std::string_view bytes) { return Read<std::uint32_t>(bytes); }
std::uint64_t Le64(std::string_view bytes) { return Read<std::uint64_t>(bytes); }

}  // namespace genofed::crypt4gh::internal
