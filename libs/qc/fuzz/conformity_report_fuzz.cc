// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/core/strings.h"
#include "libs/qc/report.h"

// What is accepted can be shown, and has one spelling.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::qc;
  const auto report = ParseReport({reinterpret_cast<const char*>(data), size});
  if (!report.ok()) return 0;
  GF_CHECK(genofed::IsUtf8(RenderHtml(*report)));
  const std::string json = CanonicalJson(*report);
  const auto again = ParseReport(json);
  GF_CHECK(again.ok() && CanonicalJson(*again) == json);
  return 0;
}
