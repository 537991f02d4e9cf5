// SPDX-License-Identifier: Apache-2.0
//
// Mutual TLS 1.3 with SPIFFE identities. gRPC 1.51 keeps what this needs in its experimental
// namespace; it is used here and nowhere else.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libs/core/context.h"

namespace grpc {
class AuthContext;
class ChannelCredentials;
class ServerCredentials;
}  // namespace grpc

namespace genofed::rpc {

// PEM files, watched: a renewed certificate is used for new connections within seconds. gRPC's
// watcher compares modification times in whole seconds before and after it reads, not keys with
// certificates, and a pair that does not match makes handshakes fail until it looks again. So both
// files must change in one step: links into a directory that is itself a link, which is replaced
// (as Kubernetes does with mounted secrets, and `genofed up` with its own).
struct TlsFiles {
  std::string certificate_file;
  std::string private_key_file;
  std::string bundle_file;  // the certificate authorities of all sites, each constrained to its
                            // site's names
};

// Must run before gRPC starts: leaves only TLS 1.3. gRPC 1.51 has no setting for the least version,
// but without any TLS 1.2 cipher suite OpenSSL refuses that version.
void RequireTls13();

std::shared_ptr<grpc::ServerCredentials> ServerTls(const TlsFiles& files);
// The server must present the identity `expected`; its host name does not matter.
std::shared_ptr<grpc::ChannelCredentials> ClientTls(const TlsFiles& files,
                                                    const WorkloadIdentity& expected,
                                                    std::string_view domain);

// "spiffe://fi.1mg.example/sa/consent"
std::string SpiffeId(const WorkloadIdentity& identity, std::string_view domain);
// The reverse; PermissionDenied for anything else than exactly that form in this domain.
Result<WorkloadIdentity> ParseSpiffeId(std::string_view uri, std::string_view domain);
// Who the TLS peer of a call is; empty identity without TLS.
Result<WorkloadIdentity> PeerIdentity(const grpc::AuthContext& context, std::string_view domain);
// The thumbprint of the peer's certificate (certificate.h); empty without TLS.
Result<std::string> PeerCertificateSha256(const grpc::AuthContext& context);

}  // namespace genofed::rpc
