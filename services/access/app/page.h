// SPDX-License-Identifier: Apache-2.0
//
// Pages of lists that come newest first, by identifiers that grow.
#pragma once

#include <string>
#include <vector>

#include "libs/core/status.h"

namespace genofed::access {

struct Page {
  static constexpr int kMaxSize = 200;

  std::string before;  // only identifiers below this one; empty: from the newest on
  int size = kMaxSize;

  // Of a request. A size of 0 or above kMaxSize is kMaxSize. InvalidArgument PAGE_TOKEN_INVALID.
  static Result<Page> Of(int size, const std::string& token);
};

template <typename Item>
struct Listed {
  std::vector<Item> items;
  std::string next;  // token of the next page; empty: there is none
};

}  // namespace genofed::access
