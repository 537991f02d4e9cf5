// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/allele_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "libs/disclosure/budget.h"

namespace genofed::disclosure {
namespace {

constexpr std::int64_t kPeople = 2'000;

Policy Published(double auc) {
  Policy policy;
  policy.table = true;
  policy.table_auc = auc;
  policy.table_versions = 2;
  return policy;
}

Mechanism Of(const Policy& policy) { return {policy, std::string(32, 'k')}; }

TEST(AlleleTable, NoiseFollowsFromThePromiseAndTheNumberOfAlleles) {
  // Phi^-1(0.75)^2 = 0.454937; two versions; 1,024 alleles: 2 * sqrt(1024 / 0.454937) = 94.8865.
  const TableNoise noise = NoiseOfTable(Published(0.75), 1'024);
  EXPECT_NEAR(noise.nats, 0.2274683, 1e-6);
  EXPECT_NEAR(noise.scale, 94.8865, 0.001);
  EXPECT_EQ(noise.bound, 285);
  EXPECT_EQ(noise.least, 295);
  // Only the magnitude shows.
  EXPECT_EQ(NoiseOfTable(Published(0.75), 513).scale, noise.scale);
  EXPECT_NEAR(NoiseOfTable(Published(0.75), 1'025).scale, noise.scale * std::sqrt(2.0), 1e-9);
  // What a person can change of one allele costs no more than its share.
  const double x = 2 / noise.scale;
  EXPECT_LE(1'024 * (x + std::exp(-x) - 1), noise.nats);
}

TEST(AlleleTable, FewerCarriersThanTheFloorAreNeverTold) {
  const Mechanism mechanism = Of(Published(0.99));
  const TableNoise noise = NoiseOfTable(mechanism.policy(), 1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string question = std::to_string(i);
    // Even if all of them are homozygous, and by the floor's own rule alone.
    EXPECT_FALSE(CopiesInTable(mechanism, noise, {"state", question}, 4, 8, kPeople));
    const auto told = CopiesInTable(mechanism, noise, {"state", question}, 5, 10, kPeople);
    EXPECT_TRUE(!told || *told >= noise.least);
  }
}

TEST(AlleleTable, WithoutNoiseCopiesAboveTheFloorAreExact) {
  Policy policy = NoControl();
  policy.floor = 5;
  const Mechanism mechanism(policy, "");
  const TableNoise noise = NoiseOfTable(policy, 12);
  EXPECT_EQ(noise.scale, 0);
  EXPECT_EQ(noise.least, 10);
  EXPECT_EQ(CopiesInTable(mechanism, noise, {"s", "q"}, 5, 5, 100), 5);
  EXPECT_EQ(CopiesInTable(mechanism, noise, {"s", "q"}, 5, 6.4, 100), 6);
  EXPECT_EQ(CopiesInTable(mechanism, noise, {"s", "q"}, 4, 8, 100), std::nullopt);
}

TEST(AlleleTable, AnotherStateHasOtherNoise) {
  const Mechanism mechanism = Of(Published(0.75));
  const TableNoise noise = NoiseOfTable(mechanism.policy(), 64);
  int same = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string question = std::to_string(i);
    const auto before = CopiesInTable(mechanism, noise, {"before", question}, 900, 1'000, kPeople);
    EXPECT_EQ(before, CopiesInTable(mechanism, noise, {"before", question}, 900, 1'000, kPeople));
    same += before == CopiesInTable(mechanism, noise, {"after", question}, 900, 1'000, kPeople);
  }
  EXPECT_LT(same, 20);
}

// Both versions of a table with the target in half of the datasets; the attacker knows everybody
// else's genomes, the best there is, and compares with the likelihood of the noise.
TEST(AlleleTable, KnowingAllOthersMembershipIsToldNoBetterThanPromised) {
  constexpr int kAlleles = 64, kTrials = 1'500;
  const Policy policy = Published(0.75);
  const TableNoise noise = NoiseOfTable(policy, kAlleles);
  std::mt19937 random(11);
  std::vector<std::pair<double, bool>> scores;
  for (int trial = 0; trial < kTrials; ++trial) {
    const bool in = trial % 2 == 0;
    const Mechanism mechanism(policy,
                              "secret of trial " + std::to_string(trial) + std::string(32, 'k'));
    double score = 0;
    for (int version = 0; version < policy.table_versions; ++version) {
      for (int allele = 0; allele < kAlleles; ++allele) {
        const std::int64_t others = 1'000 + static_cast<std::int64_t>(random() % 1'000);
        const std::string state = std::to_string(version), question = std::to_string(allele);
        // Homozygous everywhere: nobody is told apart more easily.
        const auto told = CopiesInTable(mechanism, noise, {state, question}, 900,
                                        static_cast<double>(others + (in ? 2 : 0)), kPeople);
        if (!told) continue;
        score += (std::abs(static_cast<double>(*told - others)) -
                  std::abs(static_cast<double>(*told - others - 2))) /
                 noise.scale;
      }
    }
    scores.emplace_back(score, in);
  }
  double wins = 0, pairs = 0;
  for (const auto& [a, a_in] : scores) {
    for (const auto& [b, b_in] : scores) {
      if (!a_in || b_in) continue;
      ++pairs;
      wins += a > b ? 1 : a == b ? 0.5 : 0;
    }
  }
  const double auc = wins / pairs;
  EXPECT_LT(auc, policy.table_auc + 0.03);
  EXPECT_GT(auc, 0.65) << "the attack should work as well as it may";
}

}  // namespace
}  // namespace genofed::disclosure
