// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/cross_table.h"

#include <array>

#include "libs/beacon/aggregation.h"
#include "libs/cohort/people.h"

namespace genofed::discovery {
namespace {

using genomics::Sex;

// As those of the catalogue.
constexpr std::array<std::uint32_t, 5> kAgeBounds = {0, 18, 40, 65, cohort::kMaxAge + 1};
// "At least" of Beacon's filters, so that both are one question.
constexpr auto kOldest = static_cast<std::int32_t>(cohort::kMaxAge);

std::string NameOfBand(std::size_t band) {
  if (band == AgeBands()) return std::string(beacon::kUndefined);
  if (band + 1 == AgeBands()) return fmt::format("P{}Y-", kAgeBounds[band]);
  return fmt::format("P{}Y-P{}Y", kAgeBounds[band], kAgeBounds[band + 1] - 1);
}

}  // namespace

std::span<const std::uint32_t> AgeBounds() { return kAgeBounds; }
std::size_t AgeBands() { return kAgeBounds.size() - 1; }

std::vector<CrossCell> CellsOf(By by) {
  std::vector<std::optional<Sex>> sexes = {std::nullopt};
  if (by != By::kAge) sexes = {Sex::kFemale, Sex::kMale, Sex::kUnknown};
  std::vector<CrossCell> cells;
  for (const auto& sex : sexes) {
    if (by == By::kSex) {
      cells.push_back({sex, std::nullopt});
      continue;
    }
    for (std::size_t band = 0; band <= AgeBands(); ++band) cells.push_back({sex, band});
  }
  return cells;
}

std::vector<std::string> ValuesOf(const CrossCell& cell) {
  std::vector<std::string> values;
  if (cell.sex) values.emplace_back(genomics::SexTerm(*cell.sex));
  if (cell.band) values.push_back(NameOfBand(*cell.band));
  return values;
}

std::string CanonicalOf(const Query& query, const CrossCell& cell) {
  Query question = query;
  if (cell.sex) question = Narrowed(question, Filter{std::string(genomics::SexTerm(*cell.sex))});
  if (!cell.band) return Canonical(question);
  // There is no filter for an age that is not known.
  if (*cell.band == AgeBands()) return Canonical(question) + ":age unknown";
  const auto from = static_cast<std::int32_t>(kAgeBounds[*cell.band]);
  const std::int32_t to = *cell.band + 1 == AgeBands()
                              ? kOldest
                              : static_cast<std::int32_t>(kAgeBounds[*cell.band + 1]) - 1;
  return Canonical(Narrowed(question, Filter{"", true, std::pair(from, to)}));
}

}  // namespace genofed::discovery
