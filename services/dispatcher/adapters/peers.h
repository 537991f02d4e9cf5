// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/channel.h"
#include "services/dispatcher/app/hub_ports.h"
#include "services/dispatcher/app/node_ports.h"

namespace genofed::dispatcher {

// Hub: asks access with the token of the calling user.
std::unique_ptr<ApplicationDirectory> MakeApplicationDirectory(rpc::ChannelSource access);

// Node: the hub's dispatcher, and the services of the site.
std::unique_ptr<HubDesk> MakeHubDesk(rpc::ChannelSource hub_dispatcher);
std::unique_ptr<Approvals> MakeApprovals(rpc::ChannelSource access);
std::unique_ptr<SiteData> MakeSiteData(rpc::ChannelSource catalogue, rpc::ChannelSource consent);
std::unique_ptr<Tasks> MakeTasks(rpc::ChannelSource spe);

}  // namespace genofed::dispatcher
