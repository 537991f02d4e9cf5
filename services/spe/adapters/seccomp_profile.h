// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace genofed::spe {

// The `linux.seccomp` object of an OCI bundle: everything is refused (EPERM) that is not named, for
// the native architecture only. Named are the calls that programs for computing on files need;
// namespaces, mounts, tracing, keys, BPF, io_uring, modules and sockets other than local ones are
// not.
nlohmann::json SeccompProfile();

}  // namespace genofed::spe
