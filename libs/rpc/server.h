// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/tls.h"
#include "libs/rpc/workload_gate.h"

namespace grpc {
class ChannelInterface;
class Server;
class Service;
}  // namespace grpc

namespace genofed::rpc {

// One gRPC server: mutual TLS 1.3 on each address, and an in-process channel. Health service
// always, reflection if asked for. Messages up to 16 MiB. What comes over the network is authorised
// before its message is read (policy_processor.h): a method without a row in `policies` is refused.
class Server {
 public:
  struct Listener {
    std::string address;  // "127.0.0.1:0" lets the system choose
    TlsFiles tls;
  };
  struct Options {
    std::vector<Listener> listeners;  // may be empty: in-process only
    bool reflection = false;
    std::string site = {};              // own site, as policies see it: "fi"
    std::string domain = {};            // of the federation
    std::vector<Policy> policies = {};  // of all services; what the server serves itself is added
    DenyList denied = {};               // asked at every call; empty: nobody is denied
    obs::Metrics* metrics = nullptr;    // borrowed; counts refused calls
    // Connections end now and then, so that each is soon made with present certificates; running
    // calls finish first. Should be well below the certificates' life.
    std::chrono::milliseconds max_connection_age{10 * 60 * 1000};
  };

  // Borrows the services, which must outlive the server. Unavailable LISTEN_FAILED when an address
  // is taken.
  static Result<std::unique_ptr<Server>> Start(const Options& options,
                                               const std::vector<grpc::Service*>& services);
  ~Server();

  std::shared_ptr<grpc::ChannelInterface> InProcessChannel();
  // Ports in the order of the listeners.
  const std::vector<int>& ports() const { return ports_; }
  // Lets running calls finish within `grace`, then cancels them.
  void Stop(std::chrono::milliseconds grace = std::chrono::milliseconds(5000));

 private:
  Server() = default;
  std::unique_ptr<grpc::Server> server_;
  std::vector<int> ports_;
};

}  // namespace genofed::rpc
