// SPDX-License-Identifier: Apache-2.0
//
// What a server says in links, dates and outcomes. A link never leads out of the server's own
// origin unnoticed.
#include <cstdint>
#include <string_view>

#include "libs/fhir/transport.h"
#include "libs/fhir/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const genofed::fhir::Url base{"https://fhir.example", "/r4"};
  if (const auto url = genofed::fhir::Resolve(base, text); url.ok()) {
    GF_CHECK(url->target.starts_with('/'));
    GF_CHECK(url->target.find_first_of(" \r\n") == std::string::npos);
    // Written out and read again, it is the same.
    const auto again = genofed::fhir::ParseUrl(url->origin + url->target);
    GF_CHECK(again.ok() && *again == *url);
  }
  (void)genofed::fhir::ParseHttpDate(text);
  (void)genofed::fhir::OutcomeCodes(text);
  return 0;
}
