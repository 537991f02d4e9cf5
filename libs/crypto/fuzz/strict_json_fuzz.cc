// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "libs/core/status.h"
#include "libs/crypto/strict_json.h"

// What is accepted must survive printing and reading again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = genofed::crypto::ParseStrictJson(text);
  if (!parsed.ok()) return 0;
  const auto again = genofed::crypto::ParseStrictJson(parsed->dump(), {.max_bytes = 1U << 20});
  GF_CHECK(again.ok() && *again == *parsed);
  return 0;
}
