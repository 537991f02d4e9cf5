// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "libs/rpc/channel.h"
#include "services/discovery/app/frequency_ports.h"

namespace genofed::discovery {

std::unique_ptr<FrequencyHub> MakeFrequencyHub(rpc::ChannelSource hub_discovery);

}  // namespace genofed::discovery
