// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "libs/cohort/shards.h"
#include "libs/rpc/channel.h"
#include "services/discovery/app/shard_ports.h"

namespace genofed::discovery {

// Another shard of this node, at `source`. With `replicas`, one that does not answer in a third of
// the time is not waited for any longer. `behind` is called when the shard has other files: those
// here may be the older ones. It is asked again after `pause`, or half of the call's time: the
// files of a small dataset are opened meanwhile.
std::unique_ptr<ShardClient> MakeShardClient(
    const cohort::Shard& shard, rpc::ChannelSource source, bool replicas,
    std::function<void()> behind, std::chrono::milliseconds pause = std::chrono::milliseconds(300));

}  // namespace genofed::discovery
