// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "libs/core/status.h"

namespace genofed::crypto {
namespace {

// Fetched once and never freed: an implicit fetch costs more than hashing one Merkle node.
const EVP_MD* FetchedSha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  GF_CHECK(md != nullptr);
  return md;
}

void Start(EVP_MD_CTX* context) {
  GF_CHECK(EVP_DigestInit_ex2(context, FetchedSha256(), nullptr) == 1);
}

void DigestInto(EVP_MD_CTX* context, char* digest) {
  unsigned int size = 0;
  GF_CHECK(EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest), &size) == 1);
  GF_CHECK(size == kSha256Bytes);
}

std::string Digest(EVP_MD_CTX* context) {
  std::string digest(kSha256Bytes, '\0');
  DigestInto(context, digest.data());
  return digest;
}

// An HMAC context with its digest chosen and no key, copied for each call.
const EVP_MAC_CTX* HmacTemplate() {
  static const EVP_MAC_CTX* const base = [] {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    GF_CHECK(mac != nullptr);
    EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);
    GF_CHECK(context != nullptr);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    GF_CHECK(EVP_MAC_CTX_set_params(context, params) == 1);
    return context;
  }();
  return base;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data());
}

}  // namespace

std::array<char, kSha256Bytes> Sha256Parts(std::initializer_list<std::string_view> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  GF_CHECK(context != nullptr);
  Start(context.get());
  for (std::string_view part : parts)
    GF_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  std::array<char, kSha256Bytes> digest;
  DigestInto(context.get(), digest.data());
  return digest;
}

std::string Sha256(std::string_view data) {
  const auto digest = Sha256Parts({data});
  return {digest.data(), digest.size()};
}

void Sha256Stream::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  GF_CHECK(context_ != nullptr);
  Start(context_.get());
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Update(std::string_view data) {
  GF_CHECK(EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1);
}

std::string Sha256Stream::Finish() {
  std::string digest = Digest(context_.get());
  Start(context_.get());
  return digest;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_dup(HmacTemplate()), &EVP_MAC_CTX_free);
  GF_CHECK(context != nullptr);
  GF_CHECK(EVP_MAC_init(context.get(), Bytes(key), key.size(), nullptr) == 1);
  GF_CHECK(EVP_MAC_update(context.get(), Bytes(data), data.size()) == 1);
  std::string digest(kSha256Bytes, '\0');
  std::size_t size = 0;
  GF_CHECK(EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                         digest.size()) == 1);
  GF_CHECK(size == kSha256Bytes);
  return digest;
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(Bytes(a), Bytes(b), a.size()) == 0;
}

}  // namespace genofed::crypto
