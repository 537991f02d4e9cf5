// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/hardy_weinberg.h"

#include <algorithm>
#include <cmath>  // with lgamma_r, which is POSIX

namespace genofed::qc {
namespace {

// Terms this much less likely than the most likely one change no digit of the sum.
constexpr double kNegligible = 1e-30;

double LogFactorial(double n) {
  int sign = 0;  // lgamma itself writes a global
  return ::lgamma_r(n + 1, &sign);
}

}  // namespace

double HardyWeinbergExact(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b) {
  const auto n = static_cast<double>(het + hom_a + hom_b);
  const auto minor_hom = static_cast<double>(std::min(hom_a, hom_b));
  const auto observed = static_cast<double>(het);
  const double minor = 2 * minor_hom + observed;  // copies of the rarer allele
  if (minor == 0) return 1;

  // The most likely number of heterozygotes has the parity of `minor`.
  double mode = std::floor(minor * (2 * n - minor) / (2 * n));
  if (std::fmod(mode, 2) != std::fmod(minor, 2)) mode += mode < minor ? 1 : -1;
  const auto log_weight = [&](double hets) {
    const double rare = (minor - hets) / 2;
    return hets * std::log(2.0) - LogFactorial(hets) - LogFactorial(rare) -
           LogFactorial(n - hets - rare);
  };
  // Relative to the mode; a little slack keeps the equally likely count on the other side.
  const double limit = std::exp(log_weight(observed) - log_weight(mode)) * (1 + 1e-8);

  double total = 1;
  double tail = limit >= 1 ? 1 : 0;
  const auto add = [&](double weight) {
    total += weight;
    if (weight <= limit) tail += weight;
  };
  double weight = 1;
  for (double k = mode; k >= 2 && weight > kNegligible; k -= 2) {
    const double rare = (minor - k) / 2;
    weight *= k * (k - 1) / (4 * (rare + 1) * (n - k - rare + 1));
    add(weight);
  }
  weight = 1;
  for (double k = mode; k + 2 <= minor && weight > kNegligible; k += 2) {
    const double rare = (minor - k) / 2;
    weight *= 4 * rare * (n - k - rare) / ((k + 2) * (k + 1));
    add(weight);
  }
  return std::min(1.0, tail / total);
}

double HardyWeinbergChiSquare(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b) {
  const auto n = static_cast<double>(het + hom_a + hom_b);
  if (n == 0) return 0;
  const double p = (2 * static_cast<double>(hom_a) + static_cast<double>(het)) / (2 * n);
  const double expected = 2 * n * p * (1 - p);
  if (expected == 0) return 0;
  // All three deviations are that of the heterozygotes or half of it, so the sum has a closed form:
  // n F^2 with F = 1 - observed / expected.
  const double f = 1 - static_cast<double>(het) / expected;
  return n * f * f;
}

HardyWeinberg JudgeHardyWeinberg(std::uint64_t het, std::uint64_t hom_a, std::uint64_t hom_b) {
  if (HardyWeinbergChiSquare(het, hom_a, hom_b) < 10.8) return HardyWeinberg::kFits;
  if (HardyWeinbergExact(het, hom_a, hom_b) >= kHardyWeinbergOutlier) return HardyWeinberg::kFits;
  const auto n = static_cast<double>(het + hom_a + hom_b);
  const double p = (2 * static_cast<double>(hom_a) + static_cast<double>(het)) / (2 * n);
  return static_cast<double>(het) > 2 * n * p * (1 - p) ? HardyWeinberg::kTooManyHets
                                                        : HardyWeinberg::kTooFewHets;
}

}  // namespace genofed::qc
