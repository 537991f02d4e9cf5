// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/genomics/hgvs.h"

// What can be read is written the same way.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::genomics;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = ParseHgvs(text);
  if (parsed.ok()) GF_CHECK(FormatHgvs(*parsed, Assembly::kGrch38) == text);
  return 0;
}
