// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "libs/rpc/channel.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/app/record_access.h"

namespace genofed::discovery {

// The consent service of the site. No call takes longer than `timeout`.
std::unique_ptr<ConsentClient> MakeConsentClient(rpc::ChannelSource consent,
                                                 std::chrono::milliseconds timeout);

std::unique_ptr<ProjectConsent> MakeProjectConsent(const rpc::ChannelSource& consent,
                                                   std::chrono::milliseconds timeout);

// The catalogue of the site.
std::unique_ptr<ListingClient> MakeListingClient(rpc::ChannelSource catalogue,
                                                 std::chrono::milliseconds timeout);

// The access service of the hub, which is given the user's own token.
std::unique_ptr<Broker> MakeBroker(rpc::ChannelSource access, std::chrono::milliseconds timeout);

// The discovery service of a node. The user's token stays at the hub: a node is shown the account
// token that is for this node, and is not asked where there is none for somebody who signed in.
std::unique_ptr<NodeClient> MakeNodeClient(std::string site, rpc::ChannelSource node,
                                           std::chrono::milliseconds timeout);

}  // namespace genofed::discovery
