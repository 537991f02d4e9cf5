// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: records with some of the alleles of another record, or the same in
// another order. Splitting, taking apart and swapping alleles are all this.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/norm_record.h"

namespace genofed::genomics {

// How a record gets its values from an older one. Alleles are indexes into {REF, ALT...}.
struct AlleleProjection {
  // For each new allele the old one whose values it takes; -1: none, its values are missing.
  std::vector<int> from;
  // For each old allele what a genotype says instead; -1: missing.
  std::vector<int> genotype;
  // For each new allele the old ones whose values are added up, in the fields named below.
  std::vector<std::vector<int>> pooled;
};

struct ProjectionRules {
  const FieldShapes* shapes = nullptr;        // borrowed
  std::set<std::string, std::less<>> pooled;  // Number=R fields of whole numbers, such as AD
};

// `record` with `alleles` instead of its own. Vectors of Number=A, R and G keep the values of the
// alleles that remain; a missing number vector stays a vector ("." becomes ".,." for two alleles).
// Other fields are copied. Errors with line and field: VECTOR_LENGTH for a vector with another
// number of values than the record has alleles or genotypes, ALLELE_INDEX, MALFORMED_RECORD.
Result<NormRecord> ProjectRecord(const NormRecord& record, const AlleleProjection& projection,
                                 std::vector<std::string> alleles, const ProjectionRules& rules);

}  // namespace genofed::genomics
