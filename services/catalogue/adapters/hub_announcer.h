// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>

#include "libs/rpc/channel.h"
#include "libs/sql/outbox.h"

namespace genofed::catalogue {

// Node: delivers announcements from the outbox to the hub's catalogue, over the node's own outbound
// connection.
std::unique_ptr<sql::OutboxPump> StartHubAnnouncer(sql::Database& database, rpc::ChannelSource hub,
                                                   std::chrono::milliseconds interval);

}  // namespace genofed::catalogue
