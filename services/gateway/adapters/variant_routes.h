// SPDX-License-Identifier: Apache-2.0
//
// Clinicians' files of variants, as far as the native rows cannot say it: the list as a stream, and
// a small file described in one request.
#pragma once

#include "services/gateway/adapters/api.h"
#include "services/gateway/adapters/unary_call.h"

namespace genofed::gateway {

// Longer files are sent in pieces.
inline constexpr std::size_t kMaxDescribedAtOnce = std::size_t{15} << 20;

void AddVariantRoutes(Api& api, UnaryCaller caller);

}  // namespace genofed::gateway
