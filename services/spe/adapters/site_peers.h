// SPDX-License-Identifier: Apache-2.0
//
// The other services of the node, as spe needs them.
#pragma once

#include <memory>

#include "libs/auth/trust_source.h"
#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "libs/objects/object_store.h"
#include "libs/rpc/channel.h"
#include "services/spe/app/ports.h"

namespace genofed::spe {

// Asks consent for the permitted rows and the key service for headers re-encrypted to a key that
// exists only during the call, with an approval that access made for this service at that moment,
// decrypts on the fly and keeps only the permitted people's columns and lines. The whole file never
// lies decrypted anywhere. `bodies` has the encrypted objects; `random` makes task keys. Borrows
// both.
std::unique_ptr<CohortSource> MakeCohortSource(rpc::ChannelSource consent,
                                               rpc::ChannelSource onboarding,
                                               rpc::ChannelSource access,
                                               objects::ObjectStore& bodies, Random& random);

// Writes an entry of kind "release" into the node's ledger. Borrows `clock`.
std::unique_ptr<ReleaseLedger> MakeReleaseLedger(rpc::ChannelSource consent, const Clock& clock);

// Verifies approval tokens against the trust store, for this node and country. Borrows `trust` and
// `clock`.
std::unique_ptr<ApprovalCheck> MakeApprovalCheck(const auth::TrustSource& trust, const Clock& clock,
                                                 std::string audience, std::string country);

}  // namespace genofed::spe
