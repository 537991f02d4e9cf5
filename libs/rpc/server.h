// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/rpc/tls.h"

namespace grpc {
class ChannelInterface;
class Server;
class Service;
}  // namespace grpc

namespace genofed::rpc {

// One gRPC server: mutual TLS 1.3 on each address, and an in-process channel. Health service
// always, reflection if asked for. Messages up to 16 MiB.
class Server {
 public:
  struct Listener {
    std::string address;  // "127.0.0.1:0" lets the system choose
    TlsFiles tls;
  };
  struct Options {
    std::vector<Listener> listeners;  // may be empty: in-process only
    bool reflection = false;
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
