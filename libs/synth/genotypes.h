// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libs/synth/sites.h"

namespace genofed::synth {

enum class Sex : std::uint8_t { kFemale, kMale };

// Alleles of one person at one site.
struct Call {
  static constexpr std::int8_t kMissing = -1;  // not called; also a female on chrY
  static constexpr std::int8_t kNone = -2;     // second allele of a haploid call
  std::int8_t first = kMissing;
  std::int8_t second = kMissing;
};

// Stretches of consecutive sites without a call, for each person: 0.3 % of sites, in mean 15 sites
// long (1.5 kb). Asked for one site after the other.
class MissingRuns {
 public:
  MissingRuns(std::uint64_t seed, std::string_view country, std::uint32_t contig, std::uint32_t people);
  // Whether the call of `person` at this site is missing. Call with every site number, in order.
  bool Missing(std::uint32_t person, std::uint32_t site);

 private:
  struct Run {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint64_t state = 0;
  };
  std::vector<Run> runs_;
};

// Draws genotypes in Hardy-Weinberg proportions. A site's genotypes depend only on seed, country,
// sexes and the site itself, so they can be drawn again on their own.
class GenotypeDrawer {
 public:
  GenotypeDrawer(std::uint64_t seed, std::string_view country, std::vector<Sex> sexes);

  // Replaces `calls` by one call for each person. At least one person carries each ALT allele,
  // before missing calls are applied.
  void Draw(const Site& site, std::vector<Call>& calls) const;

 private:
  std::uint64_t seed_;
  std::uint64_t country_;
  std::vector<Sex> sexes_;
};

}  // namespace genofed::synth
