// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "libs/cohort/shards.h"
#include "libs/rpc/channel.h"
#include "services/discovery/app/shard_ports.h"

namespace genofed::discovery {

// Another shard of this node, at `source`. With `replicas`, one that does not answer in a third of
// the time is not waited for any longer. `behind` is called when the shard has other files: those
// here may be the older ones.
std::unique_ptr<ShardClient> MakeShardClient(const cohort::Shard& shard, rpc::ChannelSource source,
                                             bool replicas, std::function<void()> behind);

}  // namespace genofed::discovery
