// SPDX-License-Identifier: Apache-2.0
//
// The private certificate authorities of a development federation: one per site, none above them. A site's CA is
// bound to its site by a critical name constraint (RFC 5280 section 4.2.1.10), so that a stolen hub CA cannot make
// a workload of a node.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/core/status.h"

struct x509_st;
struct evp_pkey_st;

namespace genofed::federation {

// How long a workload certificate lasts unless told otherwise, and at least.
inline constexpr std::chrono::seconds kCertificateLifetime{3600};
inline constexpr std::chrono::seconds kLeastCertificateLifetime{10};

// The CA of one site: P-256, permitted names URI host <site>.<domain>, DNS localhost and IP 127.0.0.1 only.
class SiteAuthority {
 public:
  // Loads the CA from the two PEM files, or makes and stores a new one (key 0600) valid for one year. A CA that is
  // within 30 days of its end is replaced. `clock` is borrowed for the lifetime of the object.
  static Result<SiteAuthority> Open(std::string_view site, std::string_view domain,
                                    const std::filesystem::path& certificate_file,
                                    const std::filesystem::path& key_file, const Clock& clock);
  // Loads the CA as it is, however near its end: what a running federation goes on with.
  static Result<SiteAuthority> Reopen(std::string_view site, std::string_view domain,
                                      const std::filesystem::path& certificate_file,
                                      const std::filesystem::path& key_file, const Clock& clock);
  ~SiteAuthority();
  SiteAuthority(SiteAuthority&&) noexcept;
  SiteAuthority& operator=(SiteAuthority&&) noexcept;

  // Writes certificate (0644) and key (0600) of spiffe://<site>.<domain>/sa/<service>, DNS localhost, IP 127.0.0.1,
  // for TLS clients and servers, valid for `lifetime` from a little before now. A stored pair that this CA issued is
  // kept until a third of its life is left. Both files change in one step (StorePair in pki.cc), as gRPC needs it.
  Status Issue(std::string_view service, const std::filesystem::path& certificate_file,
               const std::filesystem::path& key_file, std::chrono::seconds lifetime = kCertificateLifetime) const;
  // As Issue, for a URI the caller names; does not check that the URI is this site's. Tests use it to show that
  // the name constraint holds.
  Status IssueForUri(std::string_view uri, const std::filesystem::path& certificate_file,
                     const std::filesystem::path& key_file,
                     std::chrono::seconds lifetime = kCertificateLifetime) const;

  const std::string& certificate_pem() const { return pem_; }

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
    void operator()(evp_pkey_st* key) const;
  };
  SiteAuthority(std::string_view site, std::string_view domain, const Clock& clock);
  Status Load(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file,
              std::chrono::hours margin);
  Status Create(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file);
  bool StillGood(const std::filesystem::path& certificate_file, const std::filesystem::path& key_file,
                 std::chrono::seconds lifetime) const;

  std::string site_;
  std::string domain_;
  const Clock* clock_;
  std::string pem_;
  std::unique_ptr<x509_st, Free> certificate_;
  std::unique_ptr<evp_pkey_st, Free> key_;
};

}  // namespace genofed::federation
