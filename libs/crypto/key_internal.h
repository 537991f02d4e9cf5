// SPDX-License-Identifier: Apache-2.0
//
// What the files of libs/crypto share about OpenSSL keys. Not for use by others.
#pragma once

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/core/status.h"

namespace genofed::crypto::internal {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BnPtr = std::unique_ptr<BIGNUM, Freer<&BN_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Freer<&EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Freer<&EVP_MD_CTX_free>>;
using PkeyPtr = std::shared_ptr<EVP_PKEY>;

PkeyPtr OwnPkey(EVP_PKEY* pkey);  // may be null
inline const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Also empties OpenSSL's error queue, which TLS code on the same thread would otherwise find.
Status InvalidKey(std::string_view reason, std::string_view message);

Result<PkeyPtr> ReadPrivatePem(std::string_view pem);
Result<PkeyPtr> ReadPublicPem(std::string_view pem);
std::string WritePrivatePem(EVP_PKEY* pkey);

// Public keys from their numbers, checked for being on the curve or in range. `x` and `y` have 32 bytes.
Result<PkeyPtr> MakeEcPublic(const std::string& x, const std::string& y);
Result<PkeyPtr> MakeRsaPublic(const std::string& n, const std::string& e);

// ECDSA signatures between r||s (64 bytes) and DER; empty on failure.
std::string EcdsaToDer(std::string_view raw);
std::string EcdsaFromDer(std::string_view der);

// Verifies SHA-256 signatures by one key (ECDSA in DER, or RSA PKCS#1 v1.5). Setting up a context costs a good part of
// an ES256 verification, so contexts are kept and lent. Thread safe.
class Sha256Verifier {
 public:
  explicit Sha256Verifier(PkeyPtr pkey) : pkey_(std::move(pkey)) {}
  bool Verify(std::string_view data, std::string_view signature);

 private:
  PkeyCtxPtr Borrow();
  const PkeyPtr pkey_;
  Mutex mutex_;
  std::vector<PkeyCtxPtr> idle_ ABSL_GUARDED_BY(mutex_);
};

// One-shot sign and verify; `digest` is null for Ed25519.
std::string DigestSign(EVP_PKEY* pkey, const char* digest, std::string_view data);
bool DigestVerify(EVP_PKEY* pkey, const char* digest, std::string_view data, std::string_view signature);

}  // namespace genofed::crypto::internal
