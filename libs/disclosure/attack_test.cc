// SPDX-License-Identifier: Apache-2.0
//
// Attacks on the mechanism, in their strongest form: the attacker has the target's genome, knows
// the population's frequencies and the node's policy, and asks the best questions that a year's
// budget buys. Half of the datasets hold the target. Success is the area under the ROC curve of the
// likelihood ratio (Shringarpure & Bustamante 2015).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "libs/disclosure/budget.h"
#include "libs/disclosure/mechanism.h"

namespace genofed::disclosure {
namespace {

const std::string kSecret(32, 's');

double LogDensity(double x, double mean, double variance) {
  return -((x - mean) * (x - mean) / variance + std::log(variance)) / 2;
}

// Whether an answer is shown at all: count with normal approximation, noise by its variance.
double LogHidden(double mean, double variance, double threshold) {
  return std::log(std::max(NormalCdf((threshold - mean) / std::sqrt(variance)), 1e-300));
}

// The attacker's evidence from one answer about a target who carries the allele.
double Evidence(const Policy& policy, const Shown& shown, double people, double p) {
  const double own = std::max(people * p * (1 - p), 1e-9);
  const double step = static_cast<double>(shown.adjusted_to);
  const double variance = own + CountVariance(policy, shown.exists() ? step : 1);
  const double in = (people - 1) * p + 1, out = people * p;
  if (!shown.exists()) {
    const auto threshold = static_cast<double>(policy.Threshold());
    return LogHidden(in, variance, threshold) - LogHidden(out, variance, threshold);
  }
  const auto count = static_cast<double>(shown.count);
  return LogDensity(count, in, variance) - LogDensity(count, out, variance);
}

double AreaUnderCurve(std::vector<double> in, std::vector<double> out) {
  std::sort(out.begin(), out.end());
  double area = 0;
  for (double score : in) {
    const auto range = std::equal_range(out.begin(), out.end(), score);
    area += static_cast<double>(range.first - out.begin()) +
            static_cast<double>(range.second - range.first) / 2;
  }
  return area / static_cast<double>(in.size()) / static_cast<double>(out.size());
}

struct Attack {
  const char* name;
  std::int64_t people;
  double least, most;  // frequencies, in people, of the alleles that are asked for
};

// Asks until the budget is spent, or `most_questions`.
double Play(const Policy& policy, const Attack& attack, int trials, int most_questions,
            double* questions = nullptr) {
  std::mt19937_64 random(20261129);
  std::uniform_real_distribution<double> frequency(attack.least, attack.most);
  std::vector<double> in, out;
  double asked = 0;
  const double limit = BudgetOf(policy), worst = WorstCharge(policy);
  const Mechanism mechanism(policy, kSecret);
  for (int trial = 0; trial < 2 * trials; ++trial) {
    const bool member = trial % 2 == 0;
    const std::string state = std::to_string(trial);
    double evidence = 0, spent = 0;
    for (int q = 0; q < most_questions && (!policy.HasBudget() || spent + worst <= limit);
         ++q, asked += 1) {
      const double p = frequency(random);
      std::binomial_distribution<std::int64_t> others(attack.people - (member ? 1 : 0), p);
      const std::int64_t count = others(random) + (member ? 1 : 0);
      const Shown shown =
          mechanism.Count({state, std::to_string(q)}, {count, attack.people}, false);
      spent += shown.charge;
      evidence += Evidence(policy, shown, static_cast<double>(attack.people), p);
    }
    (member ? in : out).push_back(evidence);
  }
  if (questions != nullptr) *questions = asked / (2 * trials);
  return AreaUnderCurve(std::move(in), std::move(out));
}

constexpr Attack kAttacks[] = {
    {"common alleles, 200 people", 200, 0.2, 0.8},
    {"common alleles, 2,000 people", 2'000, 0.05, 0.5},
    {"alleles at the threshold, 2,000 people", 2'000, 0.012, 0.025},
    {"alleles that are mostly not shown, 2,000 people", 2'000, 0.004, 0.012},
    {"rare alleles, 40,000 people", 40'000, 0.0002, 0.002},
};

class MembershipTest : public ::testing::TestWithParam<Attack> {};

// A hundred times the budget's promise shows that the attack works and what it is measured by.
TEST_P(MembershipTest, AYearsDefaultBudgetTellsNoMoreThanPromised) {
  double questions = 0;
  constexpr int kTrials = 4000;  // the standard error of the area is 0.0065
  const double area = Play(Policy(), GetParam(), kTrials, 3000, &questions);
  RecordProperty("auc", std::to_string(area));
  std::printf("  %-50s AUC %.3f with %.0f questions\n", GetParam().name, area, questions);
  EXPECT_LE(area, 0.55 + 2 * 0.0065);
}
INSTANTIATE_TEST_SUITE_P(Attacks, MembershipTest, ::testing::ValuesIn(kAttacks));

// The same attack against exact counts above a floor, which is what other beacons do at best.
TEST(Membership, AFloorAloneDoesNotStopIt) {
  Policy floor_only = NoControl();
  floor_only.floor = 5;
  EXPECT_GT(Play(floor_only, {"", 2'000, 0.05, 0.5}, 200, 4000), 0.95);
}

// Two answers about groups that differ by one person, of which the attacker knows all others.
TEST(Differencing, TheDifferenceOfTwoAnswersHardlyShowsOnePerson) {
  const Mechanism mechanism(Policy(), kSecret);
  std::vector<double> in, out;
  for (int trial = 0; trial < 8000; ++trial) {
    const bool member = trial % 2 == 0;
    const std::string state = std::to_string(trial);
    const auto all = mechanism.Count({state, "A"}, {300 + (member ? 1 : 0), 2'000}, true).count;
    const auto without = mechanism.Count({state, "A and B"}, {300, 2'000}, true).count;
    (member ? in : out).push_back(static_cast<double>(all - without));
  }
  EXPECT_LE(AreaUnderCurve(in, out), 0.55);
}

// Before and after somebody's withdrawal: the state changes, and with it all noise.
TEST(Update, AWithdrawalOrANewPersonIsHiddenByNewNoise) {
  const Mechanism mechanism(Policy(), kSecret);
  std::vector<double> in, out;
  for (int trial = 0; trial < 8000; ++trial) {
    const bool matched = trial % 2 == 0;
    const std::string bits = std::to_string(trial);
    const auto before =
        mechanism.Count({mechanism.State("A", 1, bits), "q"}, {300, 2'000}, true).count;
    const auto after = mechanism
                           .Count({mechanism.State("A", 1, bits + "-"), "q"},
                                  {300 - (matched ? 1 : 0), 1'999}, true)
                           .count;
    (matched ? in : out).push_back(static_cast<double>(before - after));
  }
  EXPECT_LE(AreaUnderCurve(in, out), 0.55);
}

// The sum of copies in two halves against the whole, and a frequency against the count of carriers.
TEST(Frequency, NeitherFrequenciesNorCarriersGiveAwayTheOther) {
  const Mechanism mechanism(Policy(), kSecret);
  std::vector<double> in, out;
  for (int trial = 0; trial < 8000; ++trial) {
    const bool homozygous = trial % 2 == 0;  // one of 300 carriers has two copies
    const std::string state = std::to_string(trial);
    const Question question{state, "q"};
    const auto carriers = mechanism.Count(question, {300, 2'000}, false).count;
    const auto copies =
        mechanism
            .Frequency(question,
                       {300 + (homozygous ? 1 : 0), 4'000, 300, homozygous ? 1 : 0, 299, 0}, 2'000)
            .allele_count;
    (homozygous ? in : out).push_back(static_cast<double>(copies - carriers));
  }
  EXPECT_LE(AreaUnderCurve(in, out), 0.55);
}

// Solves a * x = b; `a` is symmetric and positive definite.
std::vector<double> Solve(std::vector<std::vector<double>> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t row = i + 1; row < n; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = i; column < n; ++column) a[row][column] -= factor * a[i][column];
      b[row] -= factor * b[i];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t column = i + 1; column < n; ++column) b[i] -= a[i][column] * b[column];
    b[i] /= a[i][i];
  }
  return b;
}

// A homozygous target in a group: how many the group has, and of each of several alleles how many
// carry it there and how many copies there are, all as told, weighed as well as can be.
double PlayGroup(const Policy& policy, double of_people, int trials, int most_questions,
                 double* questions = nullptr) {
  constexpr double kShare = 0.4;
  const Mechanism mechanism(policy, kSecret);
  const double limit = BudgetOf(policy), worst = WorstGroupCharge(policy);
  std::mt19937_64 random(20261130);
  std::uniform_real_distribution<double> frequency(0.3, 0.6);
  std::vector<double> in, out;
  double asked = 0;
  for (int trial = 0; trial < 2 * trials; ++trial) {
    const bool member = trial % 2 == 0;
    const std::string state = std::to_string(trial);
    const Question group{state, "B"};
    const auto population = static_cast<std::int64_t>(of_people);
    std::binomial_distribution<std::int64_t> others(population - (member ? 1 : 0), kShare);
    const std::int64_t in_group = others(random) + (member ? 1 : 0);
    const Shown people = mechanism.Count(group, {in_group, population}, true);
    double spent = people.charge;
    const double spread = of_people * kShare * (1 - kShare);
    // By number: what was told, less what is expected, what the target moves, and how it varies.
    std::vector<double> told = {static_cast<double>(people.count) - of_people * kShare};
    std::vector<double> moved = {1 - kShare}, per_person = {1};
    std::vector<double> own = {CountVariance(policy, static_cast<double>(people.adjusted_to))};
    std::vector<double> carried = {0};  // the covariance of carriers and copies of one allele
    for (int q = 0; q < most_questions && (!policy.HasBudget() || spent + worst <= limit);
         ++q, asked += 1) {
      const double p = frequency(random), carrier = 1 - (1 - p) * (1 - p);
      std::binomial_distribution<std::int64_t> carrying(in_group - (member ? 1 : 0), carrier);
      const std::int64_t carriers = carrying(random) + (member ? 1 : 0);
      std::binomial_distribution<std::int64_t> twice(carriers - (member ? 1 : 0), p * p / carrier);
      const std::int64_t homozygotes = twice(random) + (member ? 1 : 0);
      const std::string name = "A" + std::to_string(q);
      const Question question{state, name};
      const Shown count = mechanism.Count(question, {carriers, population}, true);
      const ShownAllele allele = mechanism.FrequencyInGroup(
          question,
          {carriers + homozygotes, 2 * in_group, carriers, homozygotes, carriers - homozygotes, 0},
          group, in_group, population);
      GF_CHECK(allele.disclosed);
      spent += count.charge + allele.charge;
      const double n = of_people * kShare;
      told.push_back(static_cast<double>(count.count) - n * carrier);
      moved.push_back(1 - kShare * carrier);
      per_person.push_back(carrier);
      own.push_back(n * carrier * (1 - carrier) +
                    CountVariance(policy, static_cast<double>(count.adjusted_to)));
      told.push_back(static_cast<double>(allele.allele_count) - n * 2 * p);
      moved.push_back(2 - kShare * 2 * p);
      per_person.push_back(2 * p);
      own.push_back(n * 2 * p * (1 - p) +
                    FrequencyVariance(policy, static_cast<double>(policy.step)));
      carried.push_back(0);
      carried.push_back(n * 2 * p * (1 - carrier));
    }
    std::vector<std::vector<double>> covariance(told.size(), std::vector<double>(told.size()));
    for (std::size_t i = 0; i < told.size(); ++i) {
      for (std::size_t j = 0; j < told.size(); ++j)
        covariance[i][j] = spread * per_person[i] * per_person[j] + (i == j ? own[i] : 0);
      if (i % 2 == 0 && i > 0) {
        covariance[i][i - 1] += carried[i];
        covariance[i - 1][i] += carried[i];
      }
    }
    const std::vector<double> weights = Solve(covariance, moved);
    double evidence = 0;
    for (std::size_t i = 0; i < told.size(); ++i) evidence += weights[i] * (told[i] - moved[i] / 2);
    (member ? in : out).push_back(evidence);
  }
  if (questions != nullptr) *questions = asked / (2 * trials);
  return AreaUnderCurve(std::move(in), std::move(out));
}

TEST(Frequency, WhatIsToldOfAGroupTogetherStaysWithinTheBudget) {
  double questions = 0;
  const double area = PlayGroup(Policy(), 2'000, 4000, 3000, &questions);
  std::printf("  %-50s AUC %.3f with %.0f questions\n", "frequencies in a group, 2,000 people",
              area, questions);
  EXPECT_LE(area, 0.55 + 2 * 0.0065);
  // The same attack against exact numbers.
  Policy floor_only = NoControl();
  floor_only.floor = 5;
  EXPECT_GT(PlayGroup(floor_only, 200, 200, 60), 0.75);
}

}  // namespace
}  // namespace genofed::disclosure
