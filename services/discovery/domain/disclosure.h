// SPDX-License-Identifier: Apache-2.0
//
// Disclosure control: what may be said of a number of people. Applied to each dataset before
// anything is added up, so that no total depends on a number that was held back.
#pragma once

#include <cstdint>

#include "services/discovery/domain/query.h"

namespace genofed::discovery {

struct Disclosed {
  std::int64_t count = 0;   // 0, or at least the floor
  bool suppressed = false;  // differs from the truth
  bool exists() const { return count > 0; }
};

// `matching` of `population` people who permitted the query match it.
//   1. matching < floor: 0, which cannot be told from a true zero.
//   2. Subject-level queries only: fewer than `floor` people who do not match are as identifying as
//   few who do, so
//      all are reported to match. For alleles this does not hold: the frequency of an allele is
//      what people agreed to publish, and it is published to the last copy.
// Preconditions: 0 <= matching <= population, floor >= 1.
Disclosed Disclose(std::int64_t matching, std::int64_t population, std::int64_t floor,
                   bool subject_level);

// Genotypes of the carriers of one allele; people.
struct GenotypeCounts {
  std::int64_t allele_count = 0;
  std::int64_t allele_number = 0;
  std::int64_t carriers = 0;
  std::int64_t homozygotes = 0;
  std::int64_t heterozygotes = 0;
  std::int64_t hemizygotes = 0;
  bool operator==(const GenotypeCounts&) const = default;
};

struct DisclosedAllele {
  GenotypeCounts counts;
  bool disclosed = false;   // false: the allele is not mentioned at all
  bool suppressed = false;  // something was held back
};

// An allele is mentioned when at least `floor` people carry it. How the carriers divide into
// genotypes is said only when each group is empty or has at least `floor` people; otherwise no
// group is, and all of them are 0.
DisclosedAllele DiscloseAllele(const GenotypeCounts& counts, std::int64_t floor);

}  // namespace genofed::discovery
