// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/dispatcher/app/node_ports.h"

namespace genofed::dispatcher {

// Takes over parts and wishes from the hub; returns how many parts were new. Parts that the hub
// gave up are canceled here too.
Result<int> FetchWork(const Context& ctx, HubDesk& hub, PartStore& store, Time now);

}  // namespace genofed::dispatcher
