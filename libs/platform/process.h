// SPDX-License-Identifier: Apache-2.0
//
// One operating system process: one service, or all services of a site.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "genofed/config/v1/config.pb.h"
#include "libs/auth/access_token.h"
#include "libs/core/mutex.h"
#include "libs/platform/module.h"
#include "libs/platform/platform.h"
#include "libs/rpc/certificate.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/server.h"

namespace genofed {

class AdminServer;
class TrustRuntime;

class Process {
 public:
  // Makes the modules and starts listening; `name` is the service's name or "site". With several
  // entries, services of the site are called in-process, and only those that other sites may call
  // listen on the network.
  static Result<std::unique_ptr<Process>> Start(std::string name, config::v1::SiteConfig config,
                                                const std::vector<ServiceEntry>& entries);
  ~Process();  // Stop()
  void Stop();
  // Ready when every module is and it is known what was revoked.
  Status Ready();

  const std::string& name() const { return name_; }
  const config::v1::SiteConfig& config() const { return config_; }
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  obs::Metrics& metrics() { return metrics_; }
  const auth::TrustSource& trust() const;
  const auth::AccessTokenVerifier& tokens() const { return *tokens_; }
  rpc::TlsFiles TlsOf(std::string_view service) const;
  std::string dataset_url_prefix() const;
  // Thumbprint of the certificate that a service of this site has now (rpc/certificate.h).
  std::string CertificateOf(std::string_view service);
  // Whether a workload's identity is revoked: rpc::DenyList for every call that arrives here. PermissionDenied/
  // IDENTITY_REVOKED, or Unavailable/REVOCATIONS_STALE (never in a process that hosts access, so that the list can
  // be fetched from it). Thread safe, does not wait.
  Status Denied(const WorkloadIdentity& caller) const;

  // A channel from `caller` (a service of this process) to a service anywhere. Cached until the
  // caller's certificate is renewed; the channel given up ends with the last call on it.
  std::shared_ptr<grpc::ChannelInterface> Channel(const std::string& caller,
                                                  const WorkloadIdentity& callee,
                                                  const std::string& address);
  // A channel from `caller` to other processes of the same service, never to this one.
  std::shared_ptr<grpc::ChannelInterface> PeerChannel(const std::string& caller,
                                                      const std::string& address);
  bool HostsInProcess(std::string_view service) const;

 private:
  struct Hosted {
    const ServiceEntry* entry;
    std::unique_ptr<Platform> platform;
    std::unique_ptr<Module> module;
  };

  Process(std::string name, config::v1::SiteConfig config);
  Status LoadTrust(const std::vector<ServiceEntry>& entries);
  Status MakeModules(const std::vector<ServiceEntry>& entries);
  Status Listen();

  const std::string name_;
  const config::v1::SiteConfig config_;
  SystemClock clock_;
  SystemRandom random_;
  obs::Metrics metrics_;
  std::unique_ptr<TrustRuntime> trust_;
  std::unique_ptr<auth::AccessTokenVerifier> tokens_;
  std::vector<ServiceEntry> entries_;
  std::vector<Hosted> hosted_;
  std::unique_ptr<rpc::Server> server_;
  std::unique_ptr<AdminServer> admin_;
  bool started_ = false;

  rpc::ChannelCache channels_;
  Mutex mutex_;
  std::map<std::string, rpc::CertificateWatch, std::less<>> certificates_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed
