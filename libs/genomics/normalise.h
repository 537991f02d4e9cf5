// SPDX-License-Identifier: Apache-2.0
//
// One spelling for each variant: alleles trimmed and left-aligned (Tan, Abecasis, Kang 2015,
// "Unified representation of genetic variants").
#pragma once

#include <cstdint>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// Left-alignment never moves a variant further than this; repeats of that length do not occur in
// practice.
inline constexpr std::int64_t kMaxShift = 100'000;

// Trims the common suffix, then the common prefix, keeping one base of each allele. With a
// reference the variant is also moved as far left as it goes. `variant` has kBases alleles. Without
// the contig in the reference, only trims. Errors of the reference are passed on.
Status NormaliseVariant(Variant& variant, Reference* reference);

// Who carries one allele, as ascending rows. A row in none of the lists has two called alleles,
// none of them this one. Alleles are counted on the original record: in 1/2 both alleles are
// called, so the row is `het` for each of them, and the other is not turned into reference.
struct CarrierSets {
  std::vector<std::uint32_t> het;     // allele count 1 of 2 called
  std::vector<std::uint32_t> hom;     // 2 of 2
  std::vector<std::uint32_t> hemi;    // 1 of 1: haploid call, or half-missing as in ./1
  std::vector<std::uint32_t> single;  // 0 of 1: haploid or half-missing call of another allele
  std::vector<std::uint32_t> nocall;  // 0 of 0

  bool operator==(const CarrierSets&) const = default;
};

}  // namespace genofed::genomics
