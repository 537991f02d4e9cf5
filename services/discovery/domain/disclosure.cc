// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/disclosure.h"

namespace genofed::discovery {

Disclosed Disclose(std::int64_t matching, std::int64_t population, std::int64_t floor,
                   bool subject_level) {
  GF_CHECK(floor >= 1 && matching >= 0 && matching <= population);
  if (matching < floor) return {0, matching > 0};
  if (subject_level && population - matching < floor) return {population, matching < population};
  return {matching, false};
}

DisclosedAllele DiscloseAllele(const GenotypeCounts& counts, std::int64_t floor) {
  GF_CHECK(floor >= 1);
  if (counts.carriers < floor) return {{}, false, counts.carriers > 0};
  DisclosedAllele out{counts, true, false};
  auto small = [floor](std::int64_t people) { return people > 0 && people < floor; };
  if (small(counts.homozygotes) || small(counts.heterozygotes) || small(counts.hemizygotes)) {
    out.counts.homozygotes = out.counts.heterozygotes = out.counts.hemizygotes = 0;
    out.suppressed = true;
  }
  return out;
}

}  // namespace genofed::discovery
