// SPDX-License-Identifier: Apache-2.0
#include "libs/http/test_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>

#include "libs/core/status.h"

namespace genofed::http {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

template <typename Write>
void WritePem(const std::filesystem::path& path, Write write) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  GF_CHECK(file != nullptr);
  GF_CHECK(write(file) == 1);
  GF_CHECK(std::fclose(file) == 0);
}

}  // namespace

void WriteTestCertificate(const std::string& subject_alternative_names, const std::filesystem::path& certificate_file,
                          const std::filesystem::path& private_key_file) {
  const Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
  const Certificate certificate(X509_new(), X509_free);
  GF_CHECK(key && certificate);
  std::uint32_t serial = 0;
  GF_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 24 * 3600);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  static constexpr unsigned char kName[] = "genofed test";
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, kName, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key.get());
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, subject_alternative_names.c_str());
  GF_CHECK(names != nullptr);
  X509_add_ext(certificate.get(), names, -1);
  X509_EXTENSION_free(names);
  GF_CHECK(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0);
  WritePem(certificate_file, [&](std::FILE* file) { return PEM_write_X509(file, certificate.get()); });
  WritePem(private_key_file, [&](std::FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

}  // namespace genofed::http
