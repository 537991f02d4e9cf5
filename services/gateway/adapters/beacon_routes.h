// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/adapters/beacon_request.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// GA4GH Beacon v2.2 below /beacon/v2. At the hub the answers come from all nodes.
void AddBeaconRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller);

}  // namespace genofed::gateway
