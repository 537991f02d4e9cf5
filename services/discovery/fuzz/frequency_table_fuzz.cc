// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "services/discovery/domain/frequency_table.h"

// Whatever another site sends as a table, or as a page of one: refused, or the one form of itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::discovery;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto table = ParseTable(text); table.ok()) {
    GF_CHECK(FormatTable(*table) == text);
    GF_CHECK(table->Resolution() >= 0 && table->Resolution() <= 1);
  }
  TablePage page{"20", 0, 1, size, ""};
  for (page.sites = 1; page.sites <= 3; ++page.sites) {
    if (const auto sites = ParsePage(text, page, 1'000); sites.ok())
      GF_CHECK(FormatPage(*sites) == text && sites->size() == page.sites);
  }
  return 0;
}
