// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/adapters/api.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

// POST /api/v1/registries/{registry}/notify: where the Subscription of a national registry
// (hl7.org/fhir/R4/subscription.html, channel rest-hook) sends its notifications. The header X-Registry-Token says who
// notifies; the body is not read, since the node asks the registry itself for what changed.
void AddRegistryRoutes(Api& api, const UnaryCaller& caller);

}  // namespace genofed::gateway
