// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/obs/metrics.h"
#include "libs/rpc/dispatcher.h"
#include "services/discovery/adapters/account_of_call.h"
#include "services/discovery/app/folder_counts.h"
#include "services/discovery/app/hub_discovery.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/app/publications.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

// genofed.discovery.v1.DiscoveryService of a node, and of the hub. Borrow all arguments. Each query
// leaves one line in the log: its kind and whether a number was held back, never what was asked
// for. Without `passports` no passport opens anything.
std::unique_ptr<grpc::Service> MakeNodeService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                               NodeDiscovery& discovery,
                                               const FolderCounts& folders,
                                               Publications& publications, PayerOfCall payer,
                                               PassportClient* passports = nullptr);
std::unique_ptr<grpc::Service> MakeHubService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                              HubDiscovery& discovery, PayerOfCall payer);

}  // namespace genofed::discovery
