// SPDX-License-Identifier: Apache-2.0
#include "libs/http/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

namespace genofed::http {
namespace {

Status TlsError(std::string_view what) {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return Error(StatusCode::kFailedPrecondition, "TLS_SETUP", "{}: {}", what, text.data());
}

// Chooses http/1.1 where the client offers it; a client that offers only others is not refused (RFC 7301 allows it).
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                   unsigned in_length, void*) {
  static constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kHttp11.data(), kHttp11.size(), in, in_length) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<SslContext> MakeContext(const SSL_METHOD* method) {
  SslContext context(SSL_CTX_new(method));
  if (!context) return TlsError("cannot make a TLS context");
  if (SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) return TlsError("cannot ask for TLS 1.3");
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

Result<SslContext> MakeServerTls(const std::filesystem::path& certificate_file,
                                 const std::filesystem::path& private_key_file) {
  GF_ASSIGN(SslContext context, MakeContext(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    return TlsError("cannot use the certificate file " + certificate_file.string());
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), private_key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return TlsError("cannot use the private key file " + private_key_file.string());
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) return TlsError("certificate and private key do not match");
  SSL_CTX_set_alpn_select_cb(context.get(), SelectProtocol, nullptr);
  return context;
}

Result<SslContext> MakeClientTls(const std::filesystem::path& ca_file) {
  GF_ASSIGN(SslContext context, MakeContext(TLS_client_method()));
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (loaded != 1) return TlsError("cannot use the CA file " + ca_file.string());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Status ExpectHost(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) return {};
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (SSL_set1_host(ssl, host.c_str()) != 1) return TlsError("bad host name");
  // SSL_set_tlsext_host_name without its C cast; OpenSSL copies the name.
  std::string name = host;
  if (SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
    return TlsError("bad host name");
  }
  return {};
}

}  // namespace genofed::http
