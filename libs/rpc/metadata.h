// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace genofed::rpc {

// Keys of call metadata.
constexpr char kTraceparentKey[] = "traceparent";
constexpr char kAuthorizationKey[] = "authorization";  // "Bearer <access token of the user>"
// The calling service. Believed on in-process channels only: over TLS the certificate says who
// calls.
constexpr char kCallerKey[] = "x-genofed-caller";
// Proves that a call comes from this very process: a random value that never leaves it.
constexpr char kInProcessKey[] = "x-genofed-in-process";

// The value for kInProcessKey: 256 random bits in hex, made at first use.
const std::string& InProcessSecret();

}  // namespace genofed::rpc
