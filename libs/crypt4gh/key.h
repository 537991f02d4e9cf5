// SPDX-License-Identifier: Apache-2.0
//
// X25519 keys (RFC 7748) of Crypt4GH readers and writers, and the symmetric keys of bodies.
// Values; safe to share between threads. Secret bytes are erased from memory when their object
// goes.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "libs/core/random.h"
#include "libs/core/status.h"

namespace genofed::crypt4gh {

inline constexpr std::size_t kKeyBytes = 32;

// 32 secret bytes.
class Secret32 {
 public:
  static Secret32 Generate(Random& random);
  static Result<Secret32> FromRaw(std::string_view bytes);  // error: CRYPT4GH_KEY_INVALID
  Secret32(const Secret32&) = default;
  Secret32& operator=(const Secret32&) = default;
  ~Secret32();

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  // In constant time.
  friend bool operator==(const Secret32& a, const Secret32& b);

 private:
  Secret32() = default;
  std::array<char, kKeyBytes> bytes_{};
};

// The key under which the segments of a body are encrypted.
using DataKey = Secret32;

class PublicKey {
 public:
  static Result<PublicKey> FromRaw(std::string_view bytes);
  static Result<PublicKey> FromHex(std::string_view hex);
  // The X25519 key that belongs to an Ed25519 key (RFC 7748 section 4.1): how Crypt4GH tools use
  // keys of OpenSSH. Error: CRYPT4GH_KEY_INVALID when the bytes are no point, or one of low order.
  static Result<PublicKey> FromEd25519(std::string_view bytes);

  const std::string& raw() const { return raw_; }
  std::string Hex() const;
  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  explicit PublicKey(std::string raw) : raw_(std::move(raw)) {}
  std::string raw_;
};

class SecretKey {
 public:
  static SecretKey Generate(Random& random);
  static Result<SecretKey> FromRaw(std::string_view bytes);
  static Result<SecretKey> FromHex(std::string_view hex);
  // `seed`: the 32 bytes that Ed25519 calls the private key (RFC 8032 section 5.1.5).
  static Result<SecretKey> FromEd25519Seed(std::string_view seed);

  // For storing the key; never for logs.
  std::string_view bytes() const { return secret_.bytes(); }
  const PublicKey& public_key() const { return public_key_; }

 private:
  explicit SecretKey(const Secret32& secret);
  Secret32 secret_;
  PublicKey public_key_;
};

}  // namespace genofed::crypt4gh
