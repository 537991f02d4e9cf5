// SPDX-License-Identifier: Apache-2.0
//
// What leaves of a variant's record. The rules are the caller's; this knows where in a record things stand.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::beacon {

// One population of frequencyInPopulations, all in alleles (Genome of Europe: AC = Hom + Het + Hemi).
struct PopulationCounts {
  std::string population;
  std::int64_t allele_count = 0;
  std::int64_t allele_number = 0;
  std::optional<std::int64_t> homozygous, heterozygous, hemizygous;
};

// The counts that may leave, the optional ones perhaps without; none: the population is not mentioned.
using PopulationRule = std::function<std::optional<PopulationCounts>(const PopulationCounts&)>;

// Without the people who carry it, and with the frequencies that `rule` lets through. Where one population of a source
// is held back, only its "Total" stays: the others would give it away.
std::string PublicVariant(std::string_view record, const PopulationRule& rule);
// With those entries of caseLevelData alone whose place is set in `keep`.
std::string WithCases(std::string_view record, const std::vector<bool>& keep);
// The largest allele count of any population; 0: none is said.
std::int64_t LargestAlleleCount(std::string_view record);

}  // namespace genofed::beacon
