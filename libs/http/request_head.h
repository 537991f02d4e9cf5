// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/core/status.h"
#include "libs/http/message.h"

namespace genofed::http {

// What must hold for a request's header beyond its syntax: one Host (RFC 9112 section 3.2), no framing that a proxy
// in front could read differently (section 6.1, request smuggling), no unknown expectation. Internal to the library.
Status CheckFraming(const Headers& headers, bool http11);

}  // namespace genofed::http
