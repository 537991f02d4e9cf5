// SPDX-License-Identifier: Apache-2.0
//
// Copies of many alleles among the same people, published as one table for everybody.
//
// A count of one allele with Laplace noise of scale b tells about one person, who has up to two
// copies, at most 2 + b * (exp(-2/b) - 1) over b nats, which is below (2/b)^2 / 2; the chance by
// which a population has its frequencies is not counted in here, as it is for single answers, since
// a whole table gives it away. Charges add up over the alleles, whatever their linkage. So from
// what all versions of the table may tell (Policy::table_auc) and the number of alleles follows b.
#pragma once

#include <cstdint>
#include <optional>

#include "libs/disclosure/mechanism.h"

namespace genofed::disclosure {

struct TableNoise {
  double scale = 0;        // of the noise on copies; 0: none
  std::int64_t bound = 0;  // where it is cut
  // What is told is at least this, where there is noise; and an allele that is not told has, as far
  // as was told, fewer copies.
  std::int64_t least = 1;
  double nats = 0;  // at most, of the whole table
};

// `alleles`: how many have at least policy.floor carriers. Only their magnitude in base two counts,
// so that one allele more or less hardly ever shows in the noise of all others.
TableNoise NoiseOfTable(const Policy& policy, std::uint64_t alleles);

// Copies of one allele among `population` people who were all called: `copies` of them, carried by
// `carriers` people. Nothing when it is not told.
std::optional<std::int64_t> CopiesInTable(const Mechanism& mechanism, const TableNoise& noise,
                                          const Question& question, std::int64_t carriers,
                                          double copies, std::int64_t population);

}  // namespace genofed::disclosure
