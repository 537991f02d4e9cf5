// SPDX-License-Identifier: Apache-2.0
//
// What a process needs to know about workload certificates beyond handing their files to gRPC.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "libs/core/mutex.h"
#include "libs/core/status.h"
#include "libs/rpc/tls.h"

namespace genofed::rpc {

// The thumbprint of RFC 8705 (x5t#S256): base64url of SHA-256 over the DER form of the first
// certificate in `pem`. InvalidArgument CERTIFICATE_INVALID when there is none.
Result<std::string> CertificateSha256(std::string_view pem);

// From the begin to the end of validity of the first certificate in a file.
Result<std::chrono::seconds> CertificateLifetime(const std::string& certificate_file);

// Follows a certificate and its key on disk. Thread-safe.
class CertificateWatch {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  explicit CertificateWatch(
      TlsFiles files, std::function<Steady()> now = [] { return std::chrono::steady_clock::now(); });

  // Thumbprint of the certificate; changes once a new certificate lies there *and* the key is its
  // own, so that whoever uses both files after a change finds a pair. Looks at most once a second.
  // Empty while no pair was ever found.
  std::string Sha256();

 private:
  std::string Stamp() const;
  void Look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TlsFiles files_;
  const std::function<Steady()> now_;
  Mutex mutex_;
  Steady next_look_ ABSL_GUARDED_BY(mutex_);
  std::string stamp_ ABSL_GUARDED_BY(mutex_);  // of the files that sha256_ was made from
  std::string sha256_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::rpc
