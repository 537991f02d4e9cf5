// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/aggregation.h"

#include <algorithm>

namespace genofed::beacon {

const AggregationTerm* FindAggregationTerm(std::string_view id) {
  const auto found = std::find_if(kAggregationTerms.begin(), kAggregationTerms.end(),
                                  [&](const AggregationTerm& term) { return term.id == id; });
  return found == kAggregationTerms.end() ? nullptr : &*found;
}

std::map<std::string, genomics::Bitmap> Distribute(const Collection& collection,
                                                   const AggregationTerm& term,
                                                   const genomics::Bitmap& people) {
  constexpr std::string_view kScope = "individual.";
  std::map<std::string, genomics::Bitmap> out;
  genomics::Bitmap without = people;
  for (auto& [value, rows] :
       collection.Values(EntryType::kIndividual, term.property.substr(kScope.size()))) {
    genomics::Bitmap those = people;
    those.And(rows);
    if (those.Count() == 0) continue;
    without.AndNot(those);
    out.emplace(value, std::move(those));
  }
  if (without.Count() > 0) out.emplace(kUndefined, std::move(without));
  return out;
}

}  // namespace genofed::beacon
