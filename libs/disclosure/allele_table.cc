// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/allele_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "libs/disclosure/budget.h"

namespace genofed::disclosure {
namespace {

constexpr double kCut = 3;  // of the noise, in scales: as that of counts at default settings
constexpr double kCopies = 2;
constexpr double kMaxScale = 1e9;  // of more nothing is told anyway

}  // namespace

TableNoise NoiseOfTable(const Policy& policy, std::uint64_t alleles) {
  TableNoise noise;
  noise.least = 2 * policy.floor;
  if (policy.table_auc >= 1) return noise;
  const auto magnitude =
      static_cast<double>(std::bit_ceil(std::clamp<std::uint64_t>(alleles, 1, 1ULL << 40)));
  const double quantile = NormalQuantile(policy.table_auc);
  noise.nats = quantile * quantile / policy.table_versions;
  noise.scale = std::min(kCopies * std::sqrt(magnitude / (2 * noise.nats)), kMaxScale);
  noise.bound = static_cast<std::int64_t>(std::ceil(kCut * noise.scale));
  // Noise never lifts what fewer people than the floor carry over this.
  noise.least += noise.bound;
  return noise;
}

std::optional<std::int64_t> CopiesInTable(const Mechanism& mechanism, const TableNoise& noise,
                                          const Question& question, std::int64_t carriers,
                                          double copies, std::int64_t population) {
  if (carriers < mechanism.policy().floor) return std::nullopt;
  std::int64_t told = std::llround(copies);
  if (noise.scale > 0) {
    told += mechanism.Noise(question, "copies in the table", noise.scale, noise.bound);
    if (told < noise.least) return std::nullopt;
  }
  return std::clamp<std::int64_t>(told, 1, 2 * population);
}

}  // namespace genofed::disclosure
