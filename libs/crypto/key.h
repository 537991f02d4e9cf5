// SPDX-License-Identifier: Apache-2.0
//
// Keys: ES256 (ECDSA on P-256 with SHA-256) and RS256 for tokens, Ed25519 for ledger checkpoints.
// A key object always holds a checked key, is immutable, cheap to copy and may be shared by threads.
// Private keys are never printed, other than by ToPem for storing them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/core/status.h"

struct evp_pkey_st;

namespace genofed::crypto {

namespace internal {
class Sha256Verifier;
}

// The signature algorithms of RFC 7518 that genofed accepts, and no others.
enum class Algorithm { kEs256, kRs256 };
std::string_view AlgorithmName(Algorithm algorithm);  // "ES256"

// A public key for verifying tokens. Its algorithm is fixed by the key: a token cannot choose another.
class PublicKey {
 public:
  // From a JWK (RFC 7517) as JSON text. EC keys must lie on P-256; RSA keys need 2048 to 8192 bits and an odd
  // public exponent of at least 65537. "alg", "use" and "key_ops", when present, must allow verifying with the
  // algorithm of the key. Without "kid" the thumbprint is the key id. Private members are refused.
  // Reasons: JWK_INVALID (malformed), JWK_UNSUPPORTED (a key this platform does not use).
  static Result<PublicKey> FromJwk(std::string_view jwk);
  // From "-----BEGIN PUBLIC KEY-----"; the key id is the thumbprint.
  static Result<PublicKey> FromPem(std::string_view pem);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& kid() const { return kid_; }
  // RFC 7638, SHA-256, base64url.
  const std::string& thumbprint() const { return thumbprint_; }
  // The JWK as one line of JSON with kid, use and alg.
  std::string Jwk() const;

  // Whether `signature` is one over `data`: r||s in 64 bytes for ES256, as long as the modulus for RS256.
  bool Verify(std::string_view data, std::string_view signature) const;

 private:
  friend class SigningKey;
  PublicKey() = default;
  static Result<PublicKey> FromPkey(std::shared_ptr<evp_pkey_st> pkey);
  // Shared by copies of the object: OpenSSL keys are immutable, and the verifier is thread safe.
  std::shared_ptr<evp_pkey_st> pkey_;
  std::shared_ptr<internal::Sha256Verifier> verifier_;
  Algorithm algorithm_ = Algorithm::kEs256;
  std::string kid_;
  std::string thumbprint_;
  std::string required_members_;  // as RFC 7638 writes them
};

// An ES256 private key.
class SigningKey {
 public:
  static Result<SigningKey> Generate();
  // From PKCS#8 or SEC 1 PEM without a password.
  static Result<SigningKey> FromPem(std::string_view pem);

  // PKCS#8 PEM without a password; write it with mode 0600.
  std::string ToPem() const;
  // r||s, 64 bytes (RFC 7518 section 3.4).
  std::string Sign(std::string_view data) const;
  const PublicKey& public_key() const { return public_; }
  // The thumbprint of the public key.
  const std::string& kid() const { return public_.kid(); }

 private:
  SigningKey() = default;
  static Result<SigningKey> FromPkey(std::shared_ptr<evp_pkey_st> pkey);
  std::shared_ptr<evp_pkey_st> pkey_;
  PublicKey public_;  // has an OpenSSL key of its own, without the private part
};

// An Ed25519 public key (RFC 8032).
class Ed25519PublicKey {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kSignatureBytes = 64;
  static Result<Ed25519PublicKey> FromRaw(std::string_view bytes);

  const std::string& raw() const { return raw_; }
  bool Verify(std::string_view data, std::string_view signature) const;

 private:
  friend class Ed25519Key;
  Ed25519PublicKey() = default;
  std::shared_ptr<evp_pkey_st> pkey_;
  std::string raw_;
};

// An Ed25519 private key.
class Ed25519Key {
 public:
  static constexpr std::size_t kSeedBytes = 32;
  static Result<Ed25519Key> Generate();
  static Result<Ed25519Key> FromSeed(std::string_view seed);
  static Result<Ed25519Key> FromPem(std::string_view pem);

  std::string ToPem() const;                      // PKCS#8, without a password
  std::string Sign(std::string_view data) const;  // 64 bytes
  const Ed25519PublicKey& public_key() const { return public_; }

 private:
  static Result<Ed25519Key> FromPkey(std::shared_ptr<evp_pkey_st> pkey);
  Ed25519Key() = default;
  std::shared_ptr<evp_pkey_st> pkey_;
  Ed25519PublicKey public_;
};

}  // namespace genofed::crypto
