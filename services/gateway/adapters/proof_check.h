// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "libs/auth/dpop.h"
#include "services/gateway/adapters/api.h"

namespace genofed::gateway {

// Checks the DPoP header of requests (RFC 9449 section 4.3) for the address people use, whatever this process listens on.
// Reasons: DPOP_PROOF_MISSING unless there is exactly one, DPOP_PROOF_INVALID, DPOP_BUSY. Clock and cache are borrowed.
ProofCheck ProofsWith(const Clock& clock, auth::DpopReplayCache& seen, std::string public_url);

}  // namespace genofed::gateway
