// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "libs/disclosure/mechanism.h"
#include "libs/genomics/bitmap.h"

namespace genofed::discovery {

// Takes those out of `counted` who are left out in this state of a dataset, so that nobody joins or
// leaves alone (disclosure::Mechanism::LeftOut).
inline void LeaveOut(const disclosure::Mechanism& mechanism, std::string_view state,
                     std::string_view what, genomics::Bitmap& counted) {
  const std::vector<std::uint64_t> left_out = mechanism.LeftOut(state, what, counted.Count());
  auto next = left_out.begin();
  std::uint64_t number = 0;
  std::vector<std::uint32_t> rows;
  counted.ForEach([&](std::uint32_t row) {
    if (next != left_out.end() && *next == number++) {
      rows.push_back(row);
      ++next;
    }
  });
  for (const std::uint32_t row : rows) counted.Clear(row);
}

}  // namespace genofed::discovery
