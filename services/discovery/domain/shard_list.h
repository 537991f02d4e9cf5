// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libs/cohort/shards.h"
#include "libs/core/status.h"

namespace genofed::discovery {

// Which of the listed processes this one is: `number` from 1. Without a list the genome is not
// divided. Errors: InvalidArgument CONFIG_INVALID naming discovery.shards or discovery.shard.
Result<cohort::Shard> ReadShard(std::span<const std::string> shards, std::int32_t number);

}  // namespace genofed::discovery
