// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string_view>

#include "libs/consent/policy.h"

// Whatever the bytes are: a policy that can be explained, or a refusal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = genofed::consent::ParsePolicy({reinterpret_cast<const char*>(data), size});
  if (policy.ok() && genofed::consent::Explain(*policy).empty()) __builtin_trap();
  return 0;
}
