// SPDX-License-Identifier: Apache-2.0
//
// libFuzzer: request targets, queries, ranges and multipart bodies. Checks properties, not only crashes.
#include <cstdint>
#include <string_view>

#include "libs/http/multipart.h"
#include "libs/http/range.h"
#include "libs/http/uri.h"

namespace {

using namespace genofed::http;

void CheckTarget(std::string_view input) {
  const auto target = ParseTarget(input);
  if (!target.ok()) return;
  for (const std::string& segment : target->segments) {
    GF_CHECK(!segment.empty() && segment != "." && segment != "..");
    GF_CHECK(segment.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos);
    GF_CHECK(*PercentDecode(PercentEncode(segment)) == segment);
  }
}

void CheckMultipart(std::string_view input) {
  const auto parts = ParseMultipart("multipart/form-data; boundary=b", input);
  if (!parts.ok()) return;
  std::size_t total = 0;
  for (const MultipartPart& part : *parts) {
    GF_CHECK(!part.name.empty());
    GF_CHECK(!part.file_name || SafeRelativePath(*part.file_name).ok());
    total += part.body.size();
  }
  GF_CHECK(total <= input.size());
}

void CheckRange(std::string_view input) {
  const RangeDecision decision = ParseRange(input, 1000);
  if (decision.outcome == RangeOutcome::kPartial) {
    GF_CHECK(decision.range.first <= decision.range.last && decision.range.last < 1000);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0: CheckTarget(input); break;
    case 1: CheckMultipart(input); break;
    case 2: CheckRange(input); break;
    default: (void)ParseMultipart(input, input); break;
  }
  return 0;
}
