// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace genofed::rpc {

// Switches off the search for deadlocks in the packaged Abseil, which is built for debugging: each
// lock that gRPC takes is entered into one graph of the whole process, under one lock, and a cycle
// would end the process. Before any gRPC object; a tenth of what a small call costs.
void SkipLockChecks();

}  // namespace genofed::rpc
