// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <memory>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::rpc {
namespace {

constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr std::size_t kMaxBytes = 64U << 10;

struct Free {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

Owned<BIO> Memory(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<Owned<X509>> ParseCertificate(std::string_view pem) {
  Owned<X509> certificate(PEM_read_bio_X509(Memory(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate != nullptr) return certificate;
  return Error(StatusCode::kInvalidArgument, "CERTIFICATE_INVALID", "not a PEM certificate");
}

bool IsPair(X509* certificate, std::string_view key_pem) {
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(Memory(key_pem).get(), nullptr, nullptr, nullptr));
  const bool pair = key != nullptr && X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  return pair;
}

}  // namespace

// Without parsing X.509, for it runs at every call: whoever hands the text over has done that.
Result<std::string> CertificateSha256(std::string_view pem) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END";
  const auto begin = pem.find(kBegin);
  const auto end = begin == pem.npos ? pem.npos : pem.find(kEnd, begin + kBegin.size());
  std::string body;
  if (end != pem.npos) {
    body = pem.substr(begin + kBegin.size(), end - begin - kBegin.size());
    std::erase_if(body, [](char c) { return c == '\n' || c == '\r'; });
  }
  const auto der = Base64Decode(body);
  if (!der.ok() || der->empty())
    return Error(StatusCode::kInvalidArgument, "CERTIFICATE_INVALID", "not a PEM certificate");
  return Base64UrlEncode(crypto::Sha256(*der));
}

Result<std::chrono::seconds> CertificateLifetime(const std::string& certificate_file) {
  GF_ASSIGN(const std::string pem, ReadFile(certificate_file, kMaxBytes));
  GF_ASSIGN(const Owned<X509> certificate, ParseCertificate(pem));
  int days = 0, seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate.get()),
                     X509_get0_notAfter(certificate.get())) != 1) {
    return Error(StatusCode::kInvalidArgument, "CERTIFICATE_INVALID", "{} has no readable validity",
                 certificate_file);
  }
  return std::chrono::hours(24) * days + std::chrono::seconds(seconds);
}

CertificateWatch::CertificateWatch(TlsFiles files, std::function<Steady()> now)
    : files_(std::move(files)), now_(std::move(now)) {}

std::string CertificateWatch::Sha256() {
  MutexLock lock(mutex_);
  if (const auto now = now_(); now >= next_look_) {
    next_look_ = now + kLookInterval;
    Look();
  }
  return sha256_;
}

std::string CertificateWatch::Stamp() const {
  std::string stamp;
  for (const std::string& file : {files_.certificate_file, files_.private_key_file}) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) return {};
    stamp += fmt::format("{}.{}.{}.{} ", info.st_ino, info.st_size, info.st_mtim.tv_sec,
                         info.st_mtim.tv_nsec);
  }
  return stamp;
}

void CertificateWatch::Look() {
  std::string stamp = Stamp();
  if (stamp.empty() || stamp == stamp_) return;
  const auto pem = ReadFile(files_.certificate_file, kMaxBytes);
  const auto key = ReadFile(files_.private_key_file, kMaxBytes);
  if (!pem.ok() || !key.ok()) return;
  const auto certificate = ParseCertificate(*pem);
  const auto sha256 = CertificateSha256(*pem);
  // Half-written: the next look tries again.
  if (!certificate.ok() || !sha256.ok() || !IsPair(certificate->get(), *key)) return;
  sha256_ = *sha256;
  stamp_ = std::move(stamp);
}

}  // namespace genofed::rpc
