// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/channel.h"
#include "libs/sql/outbox.h"
#include "services/access/app/visas.h"

namespace genofed::access {

// Hub: the catalogue of the same site.
std::unique_ptr<DatasetDirectory> MakeCatalogueDirectory(rpc::ChannelSource catalogue);
// Node: the applications at the hub.
std::unique_ptr<HubApplications> MakeHubApplications(rpc::ChannelSource hub_access);
// Node: takes visas to the hub.
std::unique_ptr<HubVisas> MakeHubVisas(rpc::ChannelSource hub_access);
// Node: delivers signed decisions to the hub.
std::unique_ptr<sql::OutboxPump> StartDecisionDelivery(sql::Database& database,
                                                       rpc::ChannelSource hub_access);

}  // namespace genofed::access
