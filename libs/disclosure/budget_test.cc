// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/budget.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "libs/disclosure/mechanism.h"

namespace genofed::disclosure {
namespace {

// Tables of the normal distribution.
TEST(Budget, FollowsFromTheAreaUnderTheCurve) {
  EXPECT_NEAR(NormalCdf(1.96), 0.9750021, 1e-6);
  EXPECT_NEAR(NormalQuantile(0.55), 0.1256613, 1e-6);
  EXPECT_NEAR(BudgetOf(Policy()), 0.0157908, 1e-6);
}

TEST(Budget, ChargesByHand) {
  EXPECT_NEAR(Charge(50, 100, 0, 1), 0.25 / (2 * 25), 1e-12);       // p = 1/2: variance 25
  EXPECT_NEAR(Charge(10, 100, 7, 1), 0.81 / (2 * (9 + 7)), 1e-12);  // a carrier, p = 1/10
  EXPECT_NEAR(Charge(90, 100, 7, 1), 0.81 / (2 * (9 + 7)), 1e-12);  // who does not match
  EXPECT_NEAR(Charge(20, 200, 0, 2), 3.24 / (2 * 18.0), 1e-12);     // alleles
  EXPECT_NEAR(Charge(100, 100, 10, 1), 1.0 / 20, 1e-12);
  EXPECT_LT(WorstCharge(Policy(), true), BudgetOf(Policy()));
}

TEST(Budget, ChargesOfGroupsByHand) {
  // Whoever leaves takes both copies along; 100 people, p = 1/2: variance 50.
  EXPECT_NEAR(ChargeInGroup(100, 200, 7, 2), 4.0 / (2 * (50 + 7)), 1e-12);
  EXPECT_NEAR(ChargeInGroup(200, 200, 7, 2), Charge(200, 200, 7, 2), 1e-12);
  EXPECT_DOUBLE_EQ(WorstGroupCharge(Policy()), WorstCharge(Policy(), true) + WorstCharge(Policy()));
  EXPECT_TRUE(AllowsGroups(Policy()));
  Policy strict;
  strict.auc = NormalCdf(std::sqrt((WorstCharge(strict, true) + WorstGroupCharge(strict)) / 2));
  EXPECT_FALSE(AllowsGroups(strict));
  EXPECT_TRUE(AllowsGroups(NoControl()));
}

// What the numbers of a group and the copies in it tell together, for anybody who is in it: by the
// covariances of people who are in it with probability q, and have two copies with probability p
// each.
TEST(Budget, AGroupsNumberAndItsCopiesAreChargedForWhatTheyTellTogether) {
  const Policy policy;
  const double v_count = CountVariance(policy, 10), v_copies = FrequencyVariance(policy, 10);
  for (const double n : {200.0, 2'000.0, 40'000.0}) {
    for (double q = 0.05; q < 1; q += 0.05) {
      for (double p = 0.02; p < 1; p += 0.02) {
        const double in_group = n * q * (1 - q) + v_count;
        const double copies =
            n * (q * (2 * p * (1 - p) + 4 * p * p) - 4 * p * p * q * q) + v_copies;
        const double both = 2 * p * n * q * (1 - q);
        const double charged =
            Charge(n * q, n, v_count, 1) + ChargeInGroup(2 * p * n * q, 2 * n * q, v_copies, 2);
        for (const double own : {0.0, 1.0, 2.0}) {
          const double a = 1 - q, b = own - 2 * p * q;
          const double told = (a * a * copies - 2 * a * b * both + b * b * in_group) /
                              (2 * (in_group * copies - both * both));
          EXPECT_LE(told, charged * (1 + 1e-9)) << n << " " << q << " " << p << " " << own;
        }
      }
    }
  }
}

TEST(Budget, NoAnswerCostsMoreThanTheWorst) {
  for (const bool noisy : {true, false}) {
    Policy policy;
    if (!noisy) policy.epsilon = 0;
    const double variance = CountVariance(policy, static_cast<double>(policy.step));
    double most = 0;
    for (const double total : {1.0, 60.0, 1'000.0, 40'000.0}) {
      for (double count = 0; count <= total; count += std::max(1.0, total / 1'000))
        most = std::max(most, Charge(count, total, variance, 1));
    }
    EXPECT_DOUBLE_EQ(most, WorstCharge(policy)) << "of everybody";
    EXPECT_LE(RarestCharge(policy), most);
  }
}

TEST(Budget, TheVarianceOfNoiseIsThatOfItsDistribution) {
  const Policy policy;
  constexpr int kDraws = 100'000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto value = static_cast<double>(
        LaplaceQuantile((i + 0.5) / kDraws, 1 / policy.epsilon, policy.noise_bound));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0, 1e-3);
  // The whole numbers lie a little closer together than the continuous distribution, whose variance
  // is charged with.
  EXPECT_NEAR(squares / kDraws / CountVariance(policy, 1), 1, 0.03);
}

TEST(Budget, IsSpentWithinAWindowAndComesBackWithTheOldestDay) {
  const Time now = FromUnixSeconds(1'000 * 86'400 + 3600);
  const std::vector<Spent> spent = {{635, 0.5}, {636, 0.25}, {999, 0.125}, {1000, 0.125}};
  // Day 635 is outside of 365 days, 636 is the oldest within.
  EXPECT_TRUE(Admit(spent, 0.5, 1.0, 365, now).allowed);
  const Admission refused = Admit(spent, 0.6, 1.0, 365, now);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.retry_after, std::chrono::seconds(86'400 - 3600));
  EXPECT_EQ(Admit(spent, 0.8, 1.0, 365, now).retry_after,
            std::chrono::seconds(364 * 86'400 - 3600));
  EXPECT_TRUE(Admit({}, 1.0, 1.0, 365, now).allowed);
}

// In shares of a budget; everybody has 8.
TEST(Budget, SlicesAreOpenedWherePlentyIsLeft) {
  Policy policy;
  policy.everybody = 8;
  const double budget = BudgetOf(policy);
  EXPECT_DOUBLE_EQ(SliceFor(0.004), 0.005);
  EXPECT_DOUBLE_EQ(MostOpen(policy), 0.8 * budget);
  const Time now = FromUnixSeconds(1'000 * 86'400);
  const auto may = [&](double own, double everybody, double charge, double slice) {
    const std::vector<Spent> of_account = {{1000, own * budget}},
                             of_all = {{999, everybody * budget}};
    return MayOpen(of_account, of_all, charge * budget, slice * budget, policy, now);
  };
  // Of the account as much again must be left.
  EXPECT_TRUE(may(0.2, 0.2, 0.1, 0.3));
  EXPECT_FALSE(may(0.4, 0.4, 0.1, 0.3));
  EXPECT_FALSE(may(0.2, 0.2, 0.3, 0.3));
  // Of everybody's 8, 2.
  EXPECT_TRUE(may(0, 5.5, 0.1, 0.3));
  EXPECT_FALSE(may(0, 5.7, 0.1, 0.3));
  EXPECT_FALSE(may(0, 0, 0, 0)) << "no slice at all";
}

}  // namespace
}  // namespace genofed::disclosure
