// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "libs/core/mutex.h"
#include "libs/rpc/tls.h"

namespace grpc {
class ChannelInterface;
}

namespace genofed::rpc {

// A new channel to the workload `callee`, with connections of its own. gRPC's watcher gives a
// renewed certificate to new connections only, so an open one shows the certificate it was made
// with.
std::shared_ptr<grpc::ChannelInterface> ConnectTls(const std::string& address,
                                                   const TlsFiles& files,
                                                   const WorkloadIdentity& callee,
                                                   std::string_view domain);

// Channels by name. One that was made with another certificate than its caller has now is given up:
// it ends with the last call on it, and the next call makes another. Thread-safe.
class ChannelCache {
 public:
  using Make = std::function<std::shared_ptr<grpc::ChannelInterface>()>;

  // `certificate` is what CertificateWatch::Sha256 says, or empty for channels without.
  std::shared_ptr<grpc::ChannelInterface> Get(const std::string& key,
                                              const std::string& certificate, const Make& make);
  void Clear();

 private:
  struct Entry {
    std::string certificate;
    std::shared_ptr<grpc::ChannelInterface> channel;
  };
  Mutex mutex_;
  std::map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::rpc
