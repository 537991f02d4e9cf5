// SPDX-License-Identifier: Apache-2.0
//
// TLS settings shared by server and client: TLS 1.3 only. Internal to the library.
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <string>

#include "libs/core/status.h"

namespace genofed::http {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslContextFree>;

// A server's context from PEM files: certificate chain (leaf first) and the matching private key.
Result<SslContext> MakeServerTls(const std::filesystem::path& certificate_file,
                                 const std::filesystem::path& private_key_file);

// A client's context that verifies against `ca_file`, or the system's store when it is empty.
Result<SslContext> MakeClientTls(const std::filesystem::path& ca_file);

// Makes this connection expect a certificate for `host`, a name or an IP address (RFC 9525).
Status ExpectHost(SSL* ssl, const std::string& host);

}  // namespace genofed::http
