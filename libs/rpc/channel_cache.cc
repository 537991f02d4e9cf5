// SPDX-License-Identifier: Apache-2.0
#include "libs/rpc/channel_cache.h"

#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

namespace genofed::rpc {

std::shared_ptr<grpc::ChannelInterface> ConnectTls(const std::string& address,
                                                   const TlsFiles& files,
                                                   const WorkloadIdentity& callee,
                                                   std::string_view domain) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(16 << 20);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  // How long a connection may take to be made, whatever gRPC calls it: connections are made anew
  // with each certificate, and a handshake on a busy machine takes its time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  // Each caller has a certificate of its own, and each renewal another one: channels must not share
  // connections.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Replicas take turns; one that is gone is left out until it is back.
  if (address.find(',') != std::string::npos) arguments.SetLoadBalancingPolicyName("round_robin");
  return grpc::CreateCustomChannel(address, ClientTls(files, callee, domain), arguments);
}

std::shared_ptr<grpc::ChannelInterface> ChannelCache::Get(const std::string& key,
                                                          const std::string& certificate,
                                                          const Make& make) {
  std::shared_ptr<grpc::ChannelInterface> given_up;  // dies after the lock: it may wait for gRPC
  MutexLock lock(mutex_);
  Entry& entry = entries_[key];
  if (entry.channel == nullptr || entry.certificate != certificate) {
    given_up = std::exchange(entry.channel, make());
    entry.certificate = certificate;
  }
  return entry.channel;
}

void ChannelCache::Clear() {
  std::map<std::string, Entry> given_up;
  MutexLock lock(mutex_);
  entries_.swap(given_up);
}

}  // namespace genofed::rpc
