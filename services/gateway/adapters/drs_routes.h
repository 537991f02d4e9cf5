// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/onboarding/v1/onboarding.pb.h"
#include "services/gateway/adapters/native_routes.h"

namespace genofed::gateway {

// GA4GH DRS 1.5 below /ga4gh/drs/v1 of a node: holders see what this node keeps of their datasets.
// It has no access methods, because no bytes leave a node this way.
void AddDrsRoutes(Api& api, const SiteFacts& site, const UnaryCaller& caller);

// A DrsObject of a Crypt4GH body (its header is held by the key service): size and checksum are
// those of the body.
std::string RenderDrsObject(const SiteFacts& site, const onboarding::v1::Object& object,
                            std::int32_t version);

}  // namespace genofed::gateway
