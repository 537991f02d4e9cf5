// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/consent/app/ledger.h"
#include "services/consent/app/rules.h"

namespace genofed::consent {

// At start: a policy other than the last one is logged (entry of kind "policy") and begins a new epoch, so that nobody
// goes on with answers of the old one.
Status ApplyPolicy(const Context& ctx, Ledger& ledger, const Rules& rules);

}  // namespace genofed::consent
