// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/disclosure/policy.h"

// What is accepted is written as the same policy, and can be explained.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::disclosure;
  const auto policy = ParsePolicy({reinterpret_cast<const char*>(data), size});
  if (!policy.ok()) return 0;
  const auto again = ParsePolicy(WritePolicy(*policy));
  GF_CHECK(again.ok() && *again == *policy);
  GF_CHECK(!Explain(*policy).empty() && !ExplainJson(*policy).empty());
  return 0;
}
