// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/adapters/api.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

// GET /api/v1/me/data at a node: everything that consent holds about the person, as one JSON file.
// It comes in as many pieces as there are; who sees no end of the document has not got all of it.
void AddMyDataRoute(Api& api, UnaryCaller caller);

}  // namespace genofed::gateway
