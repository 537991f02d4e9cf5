// SPDX-License-Identifier: Apache-2.0
//
// ES384 and RS384 (RFC 7518 section 3), which SMART Backend Services asks for. They are not in
// libs/crypto since genofed accepts neither: here they are only made.
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/fhir/token.h"

namespace genofed::fhir {
namespace {

constexpr int kFieldBytes = 48;  // of P-384
constexpr int kMinRsaBits = 2048;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};

// An encrypted key must not make OpenSSL ask at the terminal.
int NoPassword(char*, int, int, void*) { return -1; }

std::string AlgorithmOf(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return EVP_PKEY_get_bits(key) >= kMinRsaBits ? "RS384" : "";
  char group[32] = {};
  if (EVP_PKEY_is_a(key, "EC") != 1) return "";
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
                                     nullptr) != 1)
    return "";
  return std::string_view(group) == "secp384r1" ? "ES384" : "";
}

// DER to r||s (RFC 7518 section 3.4).
std::string RawEcdsa(std::string_view der) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<ECDSA_SIG, Free> signature(
      d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size())));
  if (!signature) return {};
  std::string raw(2 * kFieldBytes, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  const bool fits =
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, kFieldBytes) == kFieldBytes &&
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + kFieldBytes, kFieldBytes) ==
          kFieldBytes;
  return fits ? raw : std::string();
}

std::string SignSha384(EVP_PKEY* key, std::string_view data) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes, data.size()) != 1) {
    return {};
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, data.size()) != 1) {
    return {};
  }
  signature.resize(size);
  return signature;
}

}  // namespace

Result<std::string> SignAssertion(const std::string& pem, const std::string& key_id,
                                  const std::string& claims) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const std::unique_ptr<EVP_PKEY, Free> key(
      bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr) : nullptr);
  const std::string algorithm = key ? AlgorithmOf(key.get()) : "";
  if (algorithm.empty()) {
    return Error(StatusCode::kUnauthenticated, "SMART_KEY",
                 "the key must be a PEM file without password, of a P-384 key or of an RSA key of "
                 "2048 bits and more");
  }
  const nlohmann::json header = {{"alg", algorithm}, {"kid", key_id}, {"typ", "JWT"}};
  const std::string input = Base64UrlEncode(header.dump()) + "." + Base64UrlEncode(claims);
  std::string signature = SignSha384(key.get(), input);
  if (algorithm == "ES384") signature = RawEcdsa(signature);
  if (signature.empty())
    return Error(StatusCode::kUnauthenticated, "SMART_KEY", "the key does not sign");
  return input + "." + Base64UrlEncode(signature);
}

}  // namespace genofed::fhir
