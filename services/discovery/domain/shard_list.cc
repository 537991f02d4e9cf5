// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/discovery/domain/shard_list.h"

namespace genofed::discovery {

Result<cohort::Shard> ReadShard(std::span<const std::string> shards, std::int32_t number) {
  if (shards.empty()) {
    if (number != 0)
      return InvalidField("discovery.shard", "CONFIG_INVALID",
                          "means nothing without discovery.shards");
    return cohort::Shard();
  }
  if (shards.size() > cohort::kMaxShards)
    return InvalidField("discovery.shards", "CONFIG_INVALID", "at most {}", cohort::kMaxShards);
  for (auto target = shards.begin(); target != shards.end(); ++target) {
    if (target->empty())
      return InvalidField("discovery.shards", "CONFIG_INVALID", "an address is empty");
    if (std::find(shards.begin(), target, *target) != target)
      return InvalidField("discovery.shards", "CONFIG_INVALID", "{} is there twice", *target);
  }
  if (number < 1 || static_cast<std::size_t>(number) > shards.size())
    return InvalidField("discovery.shard", "CONFIG_INVALID", "must be from 1 to {}", shards.size());
  return cohort::Shard{static_cast<std::uint32_t>(number) - 1,
                       static_cast<std::uint32_t>(shards.size())};
}

}  // namespace genofed::discovery
