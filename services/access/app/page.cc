// SPDX-License-Identifier: Apache-2.0
#include "services/access/app/page.h"

#include <algorithm>

namespace genofed::access {

Result<Page> Page::Of(int size, const std::string& token) {
  constexpr std::size_t kMaxToken = 100;
  const bool plain =
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (token.size() > kMaxToken || !plain)
    return InvalidField("page_token", "PAGE_TOKEN_INVALID", "not one that was given out");
  return Page{token, size <= 0 ? kMaxSize : std::min(size, kMaxSize)};
}

}  // namespace genofed::access
