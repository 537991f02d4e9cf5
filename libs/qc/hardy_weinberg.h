// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace genofed::qc {

// The exact test of Hardy-Weinberg equilibrium (Wigginton, Cutler, Abecasis 2005, "A note on exact
// tests of Hardy-Weinberg equilibrium", Am J Hum Genet 76:887): the probability of heterozygote
// counts as unlikely as this one or more so, given the allele counts. 1 without genotypes, 0 below
// 1e-30. Takes time in proportion to the spread of that distribution, not to the number of people.
double HardyWeinbergExact(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b);

// Pearson's statistic with one degree of freedom for the same question, in constant time.
double HardyWeinbergChiSquare(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b);

enum class HardyWeinberg : std::uint8_t { kFits, kTooManyHets, kTooFewHets };

inline constexpr double kHardyWeinbergOutlier = 1e-6;

// Whether the exact test is below kHardyWeinbergOutlier, and to which side. The exact test runs
// only where Pearson's statistic is above 10.8 (P < 0.001): at the tail of the exact distribution
// that matters here, all minor homozygotes missing, P is about e^-x for x of them expected, so that
// 1e-6 needs x > 13, and Pearson's statistic is never less than x.
HardyWeinberg JudgeHardyWeinberg(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b);

}  // namespace genofed::qc
