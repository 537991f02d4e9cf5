// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/objects/s3_xml.h"

// Whatever is accepted keeps to the limits, and ends with its root.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto elements = genofed::objects::ParseXml({reinterpret_cast<const char*>(data), size});
  if (!elements.ok()) return 0;
  GF_CHECK(!elements->empty() && elements->size() <= 20'000);
  GF_CHECK(elements->back().path.find('/') == std::string::npos);
  for (const auto& element : *elements)
    GF_CHECK(element.text.size() <= 4096 && !element.path.empty());
  return 0;
}
