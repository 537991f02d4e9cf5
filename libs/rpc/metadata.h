// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace genofed::rpc {

// Keys of call metadata.
constexpr char kTraceparentKey[] = "traceparent";
constexpr char kAuthorizationKey[] = "authorization";  // "Bearer <access token of the user>"
// The calling service. Believed on in-process channels only: over TLS the certificate says who calls.
constexpr char kCallerKey[] = "x-genofed-caller";

}  // namespace genofed::rpc
