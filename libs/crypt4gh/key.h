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
  static Result<Secret32> FromRaw(std::string_view bytes);
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

  // For storing the key; never for logs.
  std::string_view bytes() const { return secret_.bytes(); }
  const PublicKey& public_key() const { return public_key_; }

 private:
  explicit SecretKey(const Secret32& secret);
  Secret32 secret_;
  PublicKey public_key_;
};

}  // namespace genofed::crypt4gh
