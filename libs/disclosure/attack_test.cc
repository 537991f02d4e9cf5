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

}  // namespace
}  // namespace genofed::disclosure
