// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/tls.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <algorithm>
#include <cstdlib>

#include "libs/rpc/certificate.h"

namespace genofed::rpc {
namespace {

namespace tls = grpc::experimental;

constexpr unsigned kReloadSeconds = 2;

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Accepts a server whose certificate carries exactly the expected identity. The chain was verified
// before.
class SpiffeVerifier final : public tls::ExternalCertificateVerifier {
 public:
  explicit SpiffeVerifier(std::string expected) : expected_(std::move(expected)) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    auto uris = request->uri_names();
    bool matches = uris.size() == 1 && uris[0] == grpc::string_ref(expected_);
    *sync_status =
        matches ? grpc::Status::OK
                : grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "the peer is not " + expected_);
    return true;  // decided synchronously
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string expected_;
};

std::shared_ptr<tls::FileWatcherCertificateProvider> Provider(const TlsFiles& files) {
  return std::make_shared<tls::FileWatcherCertificateProvider>(
      files.private_key_file, files.certificate_file, files.bundle_file, kReloadSeconds);
}

}  // namespace

void RequireTls13() { ::setenv("GRPC_SSL_CIPHER_SUITES", "PSK-AES256-GCM-SHA384", 1); }

std::shared_ptr<grpc::ServerCredentials> ServerTls(const TlsFiles& files) {
  tls::TlsServerCredentialsOptions options(Provider(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> ClientTls(const TlsFiles& files,
                                                    const WorkloadIdentity& expected,
                                                    std::string_view domain) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(Provider(files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_check_call_host(false);  // the identity is the SPIFFE name, not the address
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<SpiffeVerifier>(SpiffeId(expected, domain)));
  return tls::TlsCredentials(options);
}

std::string SpiffeId(const WorkloadIdentity& identity, std::string_view domain) {
  return fmt::format("spiffe://{}.{}/sa/{}", identity.site, domain, identity.service);
}

Result<WorkloadIdentity> ParseSpiffeId(std::string_view uri, std::string_view domain) {
  constexpr std::string_view kScheme = "spiffe://", kAccount = "/sa/";
  WorkloadIdentity identity;
  auto dot = uri.find('.');
  auto slash = uri.find('/', kScheme.size());
  if (uri.starts_with(kScheme) && dot != std::string_view::npos &&
      slash != std::string_view::npos && dot < slash &&
      uri.substr(dot + 1, slash - dot - 1) == domain && uri.substr(slash).starts_with(kAccount)) {
    identity.site = uri.substr(kScheme.size(), dot - kScheme.size());
    identity.service = uri.substr(slash + kAccount.size());
  }
  if (!IsName(identity.site) || !IsName(identity.service)) {
    return Error(StatusCode::kPermissionDenied, "IDENTITY_UNKNOWN",
                 "the caller's certificate names no workload");
  }
  return identity;
}

Result<WorkloadIdentity> PeerIdentity(const grpc::AuthContext& context, std::string_view domain) {
  if (!context.IsPeerAuthenticated()) return WorkloadIdentity();
  auto values = context.FindPropertyValues(GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
  if (values.size() != 1) {
    return Error(StatusCode::kPermissionDenied, "IDENTITY_UNKNOWN",
                 "the caller's certificate names no workload");
  }
  return ParseSpiffeId(std::string_view(values[0].data(), values[0].size()), domain);
}

Result<std::string> PeerCertificateSha256(const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) return std::string();
  auto values = context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (values.size() != 1) {
    return Error(StatusCode::kPermissionDenied, "IDENTITY_UNKNOWN",
                 "the caller's certificate cannot be seen");
  }
  const std::string_view pem(values[0].data(), values[0].size());
  // Most calls on a thread come from the peer of the call before.
  thread_local std::string last_pem, last_sha256;
  if (last_pem != pem) {
    GF_ASSIGN(last_sha256, CertificateSha256(pem));
    last_pem = pem;
  }
  return last_sha256;
}

}  // namespace genofed::rpc
