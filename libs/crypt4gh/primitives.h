// SPDX-License-Identifier: Apache-2.0
//
// The cryptographic primitives of Crypt4GH over OpenSSL. Internal to libs/crypt4gh.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/crypt4gh/key.h"

struct evp_cipher_ctx_st;

namespace genofed::crypt4gh::internal {

inline constexpr std::size_t kNonceBytes = 12;
inline constexpr std::size_t kMacBytes = 16;

// ChaCha20-Poly1305 (RFC 8439) with empty additional data, many messages under one key. Not thread
// safe.
class Aead {
 public:
  explicit Aead(const Secret32& key);

  // Writes the ciphertext and then the MAC: plain.size() + 16 bytes at `out`.
  void Seal(std::string_view nonce, std::string_view plain, char* out);
  // Writes sealed.size() - 16 bytes at `out`. On false, `out` holds zeros: nothing unverified is
  // left behind.
  bool Open(std::string_view nonce, std::string_view sealed, char* out);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
};

// The header packet key: the first half of BLAKE2b-512(X25519(own, peer) || reader || writer).
// Nothing when the peer's key is a low-order point, with which no secret can be shared.
std::optional<Secret32> SharedKey(const SecretKey& own, const PublicKey& peer,
                                  const PublicKey& reader, const PublicKey& writer);

// Overwrites memory in a way that the compiler keeps.
void Erase(void* data, std::size_t size);
inline void Erase(std::string& text) { Erase(text.data(), text.size()); }

// Secret bytes that are erased when they go.
struct SecretText {
  explicit SecretText(std::size_t size) : bytes(size, '\0') {}
  explicit SecretText(std::string taken) : bytes(std::move(taken)) {}
  SecretText(SecretText&&) = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText& operator=(SecretText&&) = delete;
  ~SecretText() { Erase(bytes); }

  std::string bytes;
};

// Little-endian integers, as everywhere in Crypt4GH.
void AppendLe32(std::string& out, std::uint32_t value);
void AppendLe64(std::string& out, std::uint64_t value);
std::uint32_t Le32(std::string_view bytes);  // needs 4 bytes
std::uint64_t Le64(std::string_view bytes);  // needs 8 bytes

}  // namespace genofed::crypt4gh::internal
