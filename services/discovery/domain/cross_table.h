// SPDX-License-Identifier: Apache-2.0
//
// The cells of a distribution, which are the same for all cohorts, and each a question that can be
// asked by itself with filters: so both have one answer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/genomics/individuals.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// Ages of band i are [kAgeBounds[i], kAgeBounds[i + 1]) in completed years.
std::span<const std::uint32_t> AgeBounds();
std::size_t AgeBands();

struct CrossCell {
  std::optional<genomics::Sex> sex;  // none: all
  // Number of the band, AgeBands() of those whose age is not known; none: all.
  std::optional<std::size_t> band;
};
// Everybody is in exactly one of them.
std::vector<CrossCell> CellsOf(By by);
// "NCIT:C16576", "P18Y-P39Y"; "undefined" for ages that are not known.
std::vector<std::string> ValuesOf(const CrossCell& cell);
// The question for the people of the cell, among those who match the query.
std::string CanonicalOf(const Query& query, const CrossCell& cell);

}  // namespace genofed::discovery
