// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/pki.h"

#include <fmt/core.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "libs/core/file.h"

namespace genofed::federation {
namespace {

constexpr auto kCaLifetime = std::chrono::hours(24 * 365);
constexpr auto kCaMargin = std::chrono::hours(24 * 30);
// For clocks that differ a little: validity begins this much, or a twelfth of the life, before now.
constexpr std::chrono::seconds kBackdate = std::chrono::minutes(5);

struct Deleter {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

Status Failed(std::string_view what) {
  char text[256] = "unknown error";
  if (unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return Error(StatusCode::kInternal, "PKI_FAILED", "cannot {}: {}", what, text);
}

std::string Drain(BIO* bio) {
  std::string text(BIO_ctrl_pending(bio), '\0');
  BIO_read(bio, text.data(), static_cast<int>(text.size()));
  return text;
}

std::string ToPem(X509* certificate) {
  Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Drain(bio.get());
}

std::string ToPem(EVP_PKEY* key) {
  Owned<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Drain(bio.get());
}

Owned<X509> ReadCertificate(const std::filesystem::path& path) {
  auto pem = ReadFile(path, 64U << 10);
  if (!pem.ok()) return nullptr;
  Owned<BIO> bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  return Owned<X509>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

Owned<EVP_PKEY> ReadKey(const std::filesystem::path& path) {
  auto pem = ReadFile(path, 64U << 10);
  if (!pem.ok()) return nullptr;
  Owned<BIO> bio(BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())));
  return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

Owned<EVP_PKEY> NewKey() { return Owned<EVP_PKEY>(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")); }

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Makes `link`, whatever was there, a symbolic link to `target`, in one step.
Status ReplaceLink(const std::filesystem::path& target, const std::filesystem::path& link) {
  std::error_code error;
  if (std::filesystem::read_symlink(link, error) == target) return absl::OkStatus();
  const std::filesystem::path made = link.string() + ".new";
  std::filesystem::remove(made, error);
  std::filesystem::create_symlink(target, made, error);
  if (!error) std::filesystem::rename(made, link, error);
  if (!error) return absl::OkStatus();
  return Error(StatusCode::kInternal, "PKI_FAILED", "cannot replace {}: {}", link.string(), error.message());
}

// Replaces the pair so that no reader sees halves of two: both files are links into <dir>/.pairs/<name>/current, which
// is a link to the newest directory there and is replaced in one step.
//
// gRPC 1.51's FileWatcherCertificateProvider reads the key and then the certificate, and starts anew when the
// modification time (whole seconds, of what links lead to) of either changed meanwhile; it does not look whether they
// match. With two files replaced one after the other it may hold the new key with the old certificate for a whole
// interval, in which every handshake fails. With one switch either both times are the old ones or it reads again. The
// pair before is kept for readers that are between the two files.
Status StorePair(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file,
                 const std::string& name, const std::string& certificate, const std::string& key) {
  namespace fs = std::filesystem;
  const fs::path pairs = certificate_file.parent_path() / ".pairs" / certificate_file.filename();
  std::error_code error;
  fs::create_directories(pairs / name, error);
  GF_TRY(WriteFileAtomically(pairs / name / key_file.filename(), key, 0600));
  GF_TRY(WriteFileAtomically(pairs / name / certificate_file.filename(), certificate));
  const fs::path before = fs::read_symlink(pairs / "current", error);
  GF_TRY(ReplaceLink(name, pairs / "current"));
  for (const fs::path& file : {key_file, certificate_file}) {
    GF_TRY(ReplaceLink((pairs / "current" / file.filename()).lexically_relative(file.parent_path()), file));
  }
  for (fs::directory_iterator it(pairs, error), end; !error && it != end; it.increment(error)) {
    const fs::path entry = it->path().filename();
    if (entry != name && entry != before && entry != "current") fs::remove_all(it->path(), error);
  }
  return absl::OkStatus();
}

// A certificate with everything but issuer-dependent fields: version, serial number, subject, key and time.
Owned<X509> Draft(EVP_PKEY* key, const std::string& name, Time now, std::chrono::seconds lifetime) {
  Owned<X509> certificate(X509_new());
  unsigned char serial[16];
  if (certificate == nullptr || RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] = static_cast<unsigned char>((serial[0] & 0x3F) | 0x40);  // positive, and always 16 bytes long
  ASN1_STRING_set(X509_get_serialNumber(certificate.get()), serial, sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::time_t begin = UnixSeconds(now - std::min(kBackdate, lifetime / 12));
  std::time_t end = begin + lifetime.count();
  X509_time_adj_ex(X509_getm_notBefore(certificate.get()), 0, 0, &begin);
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), 0, 0, &end);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  bool ok = X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
            X509_set_pubkey(certificate.get(), key) == 1;
  return ok ? std::move(certificate) : nullptr;
}

}  // namespace

void SiteAuthority::Free::operator()(x509_st* certificate) const { X509_free(certificate); }
void SiteAuthority::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
SiteAuthority::~SiteAuthority() = default;
SiteAuthority::SiteAuthority(SiteAuthority&&) noexcept = default;
SiteAuthority& SiteAuthority::operator=(SiteAuthority&&) noexcept = default;
SiteAuthority::SiteAuthority(std::string_view site, std::string_view domain, const Clock& clock)
    : site_(site), domain_(domain), clock_(&clock) {}

Result<SiteAuthority> SiteAuthority::Open(std::string_view site, std::string_view domain,
                                          const std::filesystem::path& certificate_file,
                                          const std::filesystem::path& key_file, const Clock& clock) {
  SiteAuthority authority(site, domain, clock);
  if (!authority.Load(certificate_file, key_file, kCaMargin).ok())
    GF_TRY(authority.Create(certificate_file, key_file));
  authority.pem_ = ToPem(authority.certificate_.get());
  return authority;
}

Result<SiteAuthority> SiteAuthority::Reopen(std::string_view site, std::string_view domain,
                                            const std::filesystem::path& certificate_file,
                                            const std::filesystem::path& key_file, const Clock& clock) {
  SiteAuthority authority(site, domain, clock);
  GF_TRY(authority.Load(certificate_file, key_file, std::chrono::hours(0)));
  authority.pem_ = ToPem(authority.certificate_.get());
  return authority;
}

Status SiteAuthority::Load(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file,
                           std::chrono::hours margin) {
  auto certificate = ReadCertificate(certificate_file);
  auto key = ReadKey(key_file);
  std::time_t latest = UnixSeconds(clock_->Now() + margin);
  if (certificate == nullptr || key == nullptr || X509_check_private_key(certificate.get(), key.get()) != 1 ||
      X509_cmp_time(X509_get0_notAfter(certificate.get()), &latest) <= 0) {
    ERR_clear_error();
    return Error(StatusCode::kNotFound, "CA_MISSING", "no usable CA for site {}", site_);
  }
  certificate_.reset(certificate.release());
  key_.reset(key.release());
  return absl::OkStatus();
}

Status SiteAuthority::Create(const std::filesystem::path& certificate_file,
                             const std::filesystem::path& key_file) {
  auto key = NewKey();
  if (key == nullptr) return Failed("make a CA key");
  auto certificate =
      Draft(key.get(), fmt::format("genofed development CA {}", site_), clock_->Now(), kCaLifetime);
  if (certificate == nullptr) return Failed("make a CA certificate");
  X509* ca = certificate.get();
  std::string permitted = fmt::format(
      "critical,permitted;URI:{}.{},permitted;DNS:localhost,permitted;IP:127.0.0.1/255.255.255.255", site_, domain_);
  bool ok = X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
            AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
            AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
            AddExtension(ca, ca, NID_subject_key_identifier, "hash") &&
            AddExtension(ca, ca, NID_name_constraints, permitted) &&
            X509_sign(ca, key.get(), EVP_sha256()) > 0;
  if (!ok) return Failed("sign a CA certificate");
  GF_TRY(WriteFileAtomically(key_file, ToPem(key.get()), 0600));
  GF_TRY(WriteFileAtomically(certificate_file, ToPem(ca)));
  certificate_.reset(certificate.release());
  key_.reset(key.release());
  return absl::OkStatus();
}

bool SiteAuthority::StillGood(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file,
                              std::chrono::seconds lifetime) const {
  auto certificate = ReadCertificate(certificate_file);
  auto key = ReadKey(key_file);
  std::time_t earliest = UnixSeconds(clock_->Now() + lifetime / 3);
  std::time_t latest = UnixSeconds(clock_->Now() + lifetime);  // for one that was made to live longer
  bool good = certificate != nullptr && key != nullptr &&
              X509_check_private_key(certificate.get(), key.get()) == 1 &&
              X509_verify(certificate.get(), key_.get()) == 1 &&
              X509_cmp_time(X509_get0_notAfter(certificate.get()), &earliest) > 0 &&
              X509_cmp_time(X509_get0_notAfter(certificate.get()), &latest) < 0;
  ERR_clear_error();
  return good;
}

Status SiteAuthority::Issue(std::string_view service, const std::filesystem::path& certificate_file,
                            const std::filesystem::path& key_file, std::chrono::seconds lifetime) const {
  if (StillGood(certificate_file, key_file, lifetime)) return absl::OkStatus();
  return IssueForUri(fmt::format("spiffe://{}.{}/sa/{}", site_, domain_, service), certificate_file, key_file,
                     lifetime);
}

Status SiteAuthority::IssueForUri(std::string_view uri, const std::filesystem::path& certificate_file,
                                  const std::filesystem::path& key_file, std::chrono::seconds lifetime) const {
  auto key = NewKey();
  if (key == nullptr) return Failed("make a workload key");
  std::string service(uri.substr(uri.rfind('/') + 1));
  auto certificate = Draft(key.get(), fmt::format("{} at {}", service, site_), clock_->Now(), lifetime);
  if (certificate == nullptr) return Failed("make a workload certificate");
  X509* leaf = certificate.get();
  X509* ca = certificate_.get();
  bool ok = X509_set_issuer_name(leaf, X509_get_subject_name(ca)) == 1 &&
            AddExtension(leaf, ca, NID_basic_constraints, "critical,CA:FALSE") &&
            AddExtension(leaf, ca, NID_key_usage, "critical,digitalSignature") &&
            AddExtension(leaf, ca, NID_ext_key_usage, "serverAuth,clientAuth") &&
            AddExtension(leaf, ca, NID_subject_key_identifier, "hash") &&
            AddExtension(leaf, ca, NID_authority_key_identifier, "keyid:always") &&
            AddExtension(leaf, ca, NID_subject_alt_name, fmt::format("URI:{},DNS:localhost,IP:127.0.0.1", uri)) &&
            X509_sign(leaf, key_.get(), EVP_sha256()) > 0;
  if (!ok) return Failed("sign a workload certificate");
  std::unique_ptr<BIGNUM, decltype(&BN_free)> serial(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), nullptr), BN_free);
  std::unique_ptr<char, void (*)(char*)> name(BN_bn2hex(serial.get()), [](char* text) { OPENSSL_free(text); });
  return StorePair(certificate_file, key_file, name.get(), ToPem(leaf), ToPem(key.get()));
}

}  // namespace genofed::federation
