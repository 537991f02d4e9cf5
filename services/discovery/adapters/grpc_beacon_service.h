// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/obs/metrics.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/dispatcher.h"
#include "services/discovery/app/beacon_discovery.h"
#include "services/discovery/app/folder_aggregation.h"

namespace grpc {
class Service;
}

namespace genofed::discovery {

// genofed.discovery.v1.BeaconService of a node. Borrows all arguments. Each query leaves one line in the log: its kind
// and how much was answered, never what was asked for.
std::unique_ptr<grpc::Service> MakeBeaconService(rpc::Dispatcher& rpc, obs::Metrics& metrics,
                                                 const BeaconDiscovery& discovery,
                                                 const FolderAggregation& aggregation, BeaconView& view,
                                                 PassportClient& passports, std::string country);

// Asks the access service, as the user who called.
std::unique_ptr<PassportClient> MakePassportClient(rpc::ChannelSource access, std::chrono::milliseconds timeout);

}  // namespace genofed::discovery
