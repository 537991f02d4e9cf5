// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/adapters/native_routes.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

// GET and POST /api/v1/discovery/stream/{entity}, entity g_variants or individuals, at the hub: a
// Beacon query whose answers come as server-sent events, as soon as each member of the network has
// given its own.
//   event: member   {"site", "state", "milliseconds", "beacon": <Beacon response of that member
//   alone>} event: summary  <Beacon response of the whole network>, the last event event: problem
//   {"status", "reason", "detail"}, the last event instead of a summary
// Every member is asked once, and the summary is of what the events say. Asking in parts costs an
// account what asking at once does.
void AddDiscoveryStream(Api& api, const SiteFacts& site, const UnaryCaller& caller);

}  // namespace genofed::gateway
