// SPDX-License-Identifier: Apache-2.0
#include "libs/crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

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

// By RFC 2104: a context of OpenSSL's own HMAC takes longer to set up than four blocks to hash.
std::array<char, kSha256Bytes> HmacSha256Bytes(std::string_view key, std::string_view data) {
  constexpr std::size_t kBlock = 64;
  std::array<char, kSha256Bytes> short_key;
  if (key.size() > kBlock) {
    short_key = Sha256Parts({key});
    key = {short_key.data(), short_key.size()};
  }
  std::array<char, kBlock> inner, outer;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const char c = i < key.size() ? key[i] : '\0';
    inner[i] = static_cast<char>(c ^ 0x36);
    outer[i] = static_cast<char>(c ^ 0x5c);
  }
  const auto digest = Sha256Parts({{inner.data(), kBlock}, data});
  const auto mac = Sha256Parts({{outer.data(), kBlock}, {digest.data(), digest.size()}});
  for (auto* secret : {&inner, &outer}) OPENSSL_cleanse(secret->data(), kBlock);
  OPENSSL_cleanse(short_key.data(), short_key.size());
  return mac;
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  const auto mac = HmacSha256Bytes(key, data);
  return {mac.data(), mac.size()};
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(Bytes(a), Bytes(b), a.size()) == 0;
}

}  // namespace genofed::crypto
