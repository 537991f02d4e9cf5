// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/key_internal.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "libs/crypto/hash.h"

namespace genofed::crypto::internal {
namespace {

constexpr std::size_t kMaxPemBytes = 16U << 10;
constexpr int kScalarBytes = 32;

using BioPtr = std::unique_ptr<BIO, Freer<&BIO_free_all>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Freer<&OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Freer<&OSSL_PARAM_free>>;
using SigPtr = std::unique_ptr<ECDSA_SIG, Freer<&ECDSA_SIG_free>>;

// Refuses encrypted keys; without it OpenSSL would ask on the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

BioPtr ReadBio(std::string_view pem) {
  if (pem.empty() || pem.size() > kMaxPemBytes) return nullptr;
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Result<PkeyPtr> FromParams(const char* type, OSSL_PARAM_BLD* builder) {
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  GF_CHECK(params != nullptr && context != nullptr);
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return InvalidKey("JWK_INVALID", "not a valid public key");
  }
  PkeyPtr pkey = OwnPkey(raw);
  const PkeyCtxPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  GF_CHECK(check != nullptr);
  if (EVP_PKEY_public_check(check.get()) != 1) {
    return InvalidKey("JWK_INVALID", "public key fails its checks");
  }
  return pkey;
}

}  // namespace

PkeyPtr OwnPkey(EVP_PKEY* pkey) { return PkeyPtr(pkey, &EVP_PKEY_free); }

Status InvalidKey(std::string_view reason, std::string_view message) {
  ERR_clear_error();
  return MakeError(StatusCode::kInvalidArgument, reason, std::string(message));
}

Result<PkeyPtr> ReadPrivatePem(std::string_view pem) {
  const BioPtr bio = ReadBio(pem);
  EVP_PKEY* pkey = bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr) : nullptr;
  if (pkey == nullptr) return InvalidKey("KEY_INVALID", "no unencrypted private key in PEM form");
  return OwnPkey(pkey);
}

Result<PkeyPtr> ReadPublicPem(std::string_view pem) {
  const BioPtr bio = ReadBio(pem);
  EVP_PKEY* pkey = bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, &NoPassword, nullptr) : nullptr;
  if (pkey == nullptr) return InvalidKey("KEY_INVALID", "no public key in PEM form");
  return OwnPkey(pkey);
}

std::string WritePrivatePem(EVP_PKEY* pkey) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  GF_CHECK(bio != nullptr);
  GF_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<PkeyPtr> MakeEcPublic(const std::string& x, const std::string& y) {
  const std::string point = "\x04" + x + y;  // SEC 1 section 2.3.3, uncompressed
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  GF_CHECK(builder != nullptr);
  GF_CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1);
  GF_CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                            point.size()) == 1);
  return FromParams("EC", builder.get());
}

Result<PkeyPtr> MakeRsaPublic(const std::string& n, const std::string& e) {
  const BnPtr modulus(BN_bin2bn(Bytes(n), static_cast<int>(n.size()), nullptr));
  const BnPtr exponent(BN_bin2bn(Bytes(e), static_cast<int>(e.size()), nullptr));
  const BuilderPtr builder(OSSL_PARAM_BLD_new());
  GF_CHECK(modulus != nullptr && exponent != nullptr && builder != nullptr);
  GF_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1);
  GF_CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  return FromParams("RSA", builder.get());
}

std::string EcdsaToDer(std::string_view raw) {
  if (raw.size() != 2 * kScalarBytes) return {};
  const SigPtr signature(ECDSA_SIG_new());
  GF_CHECK(signature != nullptr);
  BIGNUM* r = BN_bin2bn(Bytes(raw), kScalarBytes, nullptr);
  BIGNUM* s = BN_bin2bn(Bytes(raw) + kScalarBytes, kScalarBytes, nullptr);
  GF_CHECK(r != nullptr && s != nullptr);
  GF_CHECK(ECDSA_SIG_set0(signature.get(), r, s) == 1);  // takes both numbers
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  GF_CHECK(size > 0);
  std::string der(static_cast<std::size_t>(size), '\0');
  unsigned char* out = Bytes(der);
  GF_CHECK(i2d_ECDSA_SIG(signature.get(), &out) == size);
  return der;
}

std::string EcdsaFromDer(std::string_view der) {
  const unsigned char* in = Bytes(der);
  const SigPtr signature(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
  if (signature == nullptr) return {};
  std::string raw(2 * kScalarBytes, '\0');
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), Bytes(raw), kScalarBytes) != kScalarBytes ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), Bytes(raw) + kScalarBytes, kScalarBytes) !=
          kScalarBytes) {
    return {};
  }
  return raw;
}

std::string DigestSign(EVP_PKEY* pkey, const char* digest, std::string_view data) {
  const MdCtxPtr context(EVP_MD_CTX_new());
  GF_CHECK(context != nullptr);
  GF_CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, pkey, nullptr) == 1);
  std::size_t size = 0;
  GF_CHECK(EVP_DigestSign(context.get(), nullptr, &size, Bytes(data), data.size()) == 1);
  std::string signature(size, '\0');
  GF_CHECK(EVP_DigestSign(context.get(), Bytes(signature), &size, Bytes(data), data.size()) == 1);
  signature.resize(size);
  return signature;
}

bool DigestVerify(EVP_PKEY* pkey, const char* digest, std::string_view data, std::string_view signature) {
  const MdCtxPtr context(EVP_MD_CTX_new());
  GF_CHECK(context != nullptr);
  GF_CHECK(EVP_DigestVerifyInit_ex(context.get(), nullptr, digest, nullptr, nullptr, pkey, nullptr) == 1);
  const bool matches = EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(data),
                                        data.size()) == 1;
  if (!matches) ERR_clear_error();
  return matches;
}

PkeyCtxPtr Sha256Verifier::Borrow() {
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      PkeyCtxPtr context = std::move(idle_.back());
      idle_.pop_back();
      return context;
    }
  }
  PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey_.get(), nullptr));
  GF_CHECK(context != nullptr && EVP_PKEY_verify_init(context.get()) == 1);
  GF_CHECK(EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1);
  if (EVP_PKEY_is_a(pkey_.get(), "RSA") == 1) {
    GF_CHECK(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1);
  }
  return context;
}

bool Sha256Verifier::Verify(std::string_view data, std::string_view signature) {
  const std::string digest = Sha256(data);
  PkeyCtxPtr context = Borrow();
  const bool matches =
      EVP_PKEY_verify(context.get(), Bytes(signature), signature.size(), Bytes(digest), digest.size()) == 1;
  if (!matches) ERR_clear_error();
  MutexLock lock(mutex_);
  idle_.push_back(std::move(context));  // never more than threads that verified at once
  return matches;
}

}  // namespace genofed::crypto::internal
