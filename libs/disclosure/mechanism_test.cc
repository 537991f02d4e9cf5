// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/mechanism.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "libs/disclosure/budget.h"

namespace genofed::disclosure {
namespace {

const std::string kSecret(32, 's');

const Mechanism& Default() {
  static const Mechanism mechanism(Policy(), kSecret);
  return mechanism;
}

Policy FloorOnly() {
  Policy policy = NoControl();
  policy.floor = 5;
  return policy;
}

// Probabilities in proportion to exp(-|j|/scale), by summing them.
TEST(Laplace, IsTheInverseOfItsDistribution) {
  constexpr double kScale = 3;
  constexpr std::int64_t kBound = 7;
  std::map<std::int64_t, double> weight;
  double total = 0;
  for (std::int64_t j = -kBound; j <= kBound; ++j)
    total += weight[j] = std::exp(-std::abs(static_cast<double>(j)) / kScale);
  constexpr int kDraws = 200'000;
  std::map<std::int64_t, double> share;
  for (int i = 0; i < kDraws; ++i)
    share[LaplaceQuantile((i + 0.5) / kDraws, kScale, kBound)] += 1.0 / kDraws;
  ASSERT_EQ(share.size(), weight.size());
  for (const auto& [j, w] : weight) EXPECT_NEAR(share[j], w / total, 2e-5) << j;
  EXPECT_EQ(LaplaceQuantile(0, kScale, kBound), -kBound);
  EXPECT_EQ(LaplaceQuantile(std::nextafter(1.0, 0.0), kScale, kBound), kBound);
}

RC_GTEST_PROP(Mechanism, NeverSaysAnythingOfFewerThanTheFloor, (const std::string& canonical)) {
  const auto population = *rc::gen::inRange<std::int64_t>(0, 3000);
  const auto matching = *rc::gen::inRange<std::int64_t>(0, population + 1);
  const bool symmetric = *rc::gen::arbitrary<bool>();
  for (const Policy& policy : {Policy(), FloorOnly()}) {
    const Mechanism mechanism(policy, kSecret);
    const Shown shown = mechanism.Count({"state", canonical}, {matching, population}, symmetric);
    const bool all = symmetric && population - matching < policy.Threshold() + policy.noise_bound;
    if (matching < policy.floor) RC_ASSERT(!shown.exists());
    RC_ASSERT(shown.count == 0 || shown.count >= policy.floor);
    RC_ASSERT(shown.count % shown.adjusted_to == 0);
    // Nobody whose few others are told apart: either all of them, or so many that noise hides it.
    if (symmetric && shown.exists() && population - matching < policy.floor)
      RC_ASSERT(shown.count == mechanism.Everybody("state", population).count);
    const double error = std::abs(static_cast<double>(shown.count - matching));
    if (shown.exists() && !all)
      RC_ASSERT(error <=
                static_cast<double>(policy.noise_bound + shown.adjusted_to + policy.floor));
    RC_ASSERT(shown.charge >= 0 && shown.charge <= WorstCharge(policy) + 1e-12);
  }
}

RC_GTEST_PROP(Mechanism, TheSameQuestionHasTheSameAnswerAndAnotherStateAnother, ()) {
  const std::string canonical = *rc::gen::arbitrary<std::string>();
  const People people{500, 2000};
  const Mechanism replica(Policy(), kSecret);
  RC_ASSERT(Default().Count({"a", canonical}, people, false).count ==
            replica.Count({"a", canonical}, people, false).count);
}

TEST(Mechanism, DrawsAnewForEachStateQuestionAndSite) {
  std::set<std::int64_t> states, questions;
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i);
    states.insert(Default().Count({name, "q"}, {500, 2000}, false).count);
    questions.insert(Default().Count({"s", name}, {500, 2000}, false).count);
  }
  EXPECT_GE(states.size(), 3u);
  EXPECT_GE(questions.size(), 3u);
  EXPECT_NE(Default().State("A", 1, "x"), Default().State("A", 1, "y"));
  EXPECT_NE(Default().State("A", 1, "x"),
            Mechanism(Policy(), std::string(32, 't')).State("A", 1, "x"));
  EXPECT_NE(Default().Mac({"s", "q"}, "count"), Default().Mac({"s", "q"}, "alleles"));
}

// Fewer people permit questions than frequencies: how many fewer is not to be read off two
// published numbers.
TEST(Mechanism, TheTwoPopulationsHaveNoiseOfTheirOwn) {
  std::set<std::int64_t> differences;
  for (int i = 0; i < 50; ++i) {
    const std::string state = std::to_string(i);
    differences.insert(Default().Everybody(state, 2000, true).count -
                       Default().Everybody(state, 2000).count);
  }
  EXPECT_GE(differences.size(), 2u);
}

// What somebody learns who knows everybody in a count but one: the answers with and without that
// person come from distributions that differ by exp(epsilon) at most, but for the two ends, which
// are rare.
TEST(Mechanism, OnePersonMoreChangesTheOddsByEpsilonAtMost) {
  const Policy policy;
  constexpr int kDraws = 400'000;
  std::map<std::int64_t, double> with, without;
  for (int i = 0; i < kDraws; ++i) {
    const auto noise = LaplaceQuantile((i + 0.5) / kDraws, 1 / policy.epsilon, policy.noise_bound);
    with[101 + noise] += 1;
    without[100 + noise] += 1;
  }
  double beyond = 0;
  for (const auto& [value, n] : with) {
    if (!without.contains(value)) {
      beyond += n / kDraws;
    } else {
      EXPECT_LE(std::abs(std::log(n / without[value])), policy.epsilon * 1.05) << value;
    }
  }
  EXPECT_LT(beyond, 0.003);
}

TEST(Mechanism, NoneAndTooFewLookTheSame) {
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i);
    const Shown none = Default().Count({"s", name}, {0, 2000}, true);
    const Shown four = Default().Count({"s", name}, {4, 2000}, true);
    EXPECT_EQ(none.count, 0);
    EXPECT_EQ(four.count, 0);
    EXPECT_EQ(none.precision, four.precision);
    EXPECT_EQ(none.adjusted_to, four.adjusted_to);
    EXPECT_FALSE(Default().Frequency({"s", name}, {4, 4000, 4, 0, 4, 0}, 2000).disclosed);
  }
}

TEST(Mechanism, FrequenciesAreNearTheTruthAndConsistent) {
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i);
    Policy policy;
    policy.genotypes = i % 2 == 0;
    const Mechanism mechanism(policy, kSecret);
    // 2000 people, of whom 1900 were called: 400 heterozygous, 100 homozygous.
    const ShownAllele shown = mechanism.Frequency({"s", name}, {600, 3800, 500, 100, 400, 0}, 2000);
    ASSERT_TRUE(shown.disclosed);
    EXPECT_EQ(shown.allele_number, 2 * mechanism.Everybody("s", 2000, true).count);
    EXPECT_NEAR(static_cast<double>(shown.allele_count) / static_cast<double>(shown.allele_number),
                600.0 / 3800, 0.04);
    EXPECT_LE(2 * shown.homozygotes + shown.heterozygotes, shown.allele_count);
    EXPECT_EQ(shown.homozygotes > 0, policy.genotypes);
    EXPECT_GT(shown.charge, 0);
  }
}

TEST(Mechanism, EachStateLeavesOutOthers) {
  Policy policy;
  policy.batch = 20;
  const Mechanism mechanism(policy, kSecret);
  std::vector<int> chosen(100);
  std::vector<std::uint64_t> before;
  int states = 0, close = 0;
  for (; states < 2000; ++states) {
    const auto left_out = mechanism.LeftOut(std::to_string(states), "a", 100);
    ASSERT_EQ(left_out.size(), 20u);
    ASSERT_TRUE(std::adjacent_find(left_out.begin(), left_out.end(), std::greater_equal()) ==
                left_out.end());
    for (const std::uint64_t person : left_out) ++chosen.at(person);
    EXPECT_EQ(mechanism.LeftOut(std::to_string(states), "a", 100), left_out);
    EXPECT_NE(mechanism.LeftOut(std::to_string(states), "b", 100), left_out);
    std::vector<std::uint64_t> changed;
    std::set_symmetric_difference(before.begin(), before.end(), left_out.begin(), left_out.end(),
                                  std::back_inserter(changed));
    close += changed.size() < 20;
    before = left_out;
  }
  // Two draws of 20 among 100 have more than 10 in common once in 12,500 (hypergeometric).
  EXPECT_LE(close, 2);
  // 400 each; the standard deviation is 18.
  for (const int times : chosen) EXPECT_NEAR(times, 400, 90);
  EXPECT_EQ(mechanism.LeftOut("s", "a", 7).size(), 3u);
  EXPECT_TRUE(mechanism.LeftOut("s", "a", 0).empty());
  EXPECT_TRUE(Mechanism(NoControl(), "").LeftOut("s", "a", 100).empty());
  EXPECT_NE(Mechanism(policy, std::string(32, 't')).LeftOut("1", "a", 100),
            mechanism.LeftOut("1", "a", 100));
}

// 900 of 2,000 people are in the group; 850 of them were called, 200 heterozygous and 50
// homozygous.
TEST(Mechanism, FrequenciesInAGroupAreNearTheTruthAndSayNoMoreOfItThanItsCount) {
  std::set<std::int64_t> numbers;
  for (int i = 0; i < 200; ++i) {
    const std::string state = std::to_string(i);
    const Question question{state, "A and B"}, group{state, "B"};
    const ShownAllele shown =
        Default().FrequencyInGroup(question, {300, 1700, 250, 50, 200, 0}, group, 900, 2000);
    ASSERT_TRUE(shown.disclosed);
    EXPECT_EQ(shown.allele_number, 2 * Default().Count(group, {900, 2000}, true).count);
    EXPECT_NEAR(static_cast<double>(shown.allele_count) / static_cast<double>(shown.allele_number),
                300.0 / 1700, 0.08);
    EXPECT_GE(shown.allele_count, 10);
    EXPECT_EQ(shown.homozygotes + shown.heterozygotes, 0);
    EXPECT_GT(shown.charge, 0);
    EXPECT_LE(shown.charge, WorstGroupCharge(Policy()) - 2 * WorstCharge(Policy()) + 1e-12);
    numbers.insert(shown.allele_number);
  }
  EXPECT_GE(numbers.size(), 2u);  // never the exact one
}

TEST(Mechanism, OfAGroupWithFewInItOrFewOutsideNoFrequencyIsTold) {
  const Mechanism exact(FloorOnly(), "");
  const auto told = [&](std::int64_t carriers, std::int64_t in_group, std::int64_t population) {
    return exact
        .FrequencyInGroup({"s", "A and B"}, {carriers, 2 * in_group, carriers, 0, carriers, 0},
                          {"s", "B"}, in_group, population)
        .disclosed;
  };
  EXPECT_TRUE(told(5, 10, 15));
  EXPECT_FALSE(told(4, 10, 15));  // few carriers
  EXPECT_FALSE(told(5, 10, 14));  // few outside of the group
  EXPECT_FALSE(told(5, 10, 10));  // nobody: not to be told apart from few
  for (int i = 0; i < 100; ++i) {
    const std::string state = std::to_string(i);
    EXPECT_FALSE(
        Default()
            .FrequencyInGroup({state, "A and B"}, {4, 200, 4, 0, 4, 0}, {state, "B"}, 100, 2000)
            .disclosed);
    EXPECT_FALSE(
        Default()
            .FrequencyInGroup({state, "A and B"}, {80, 240, 80, 0, 80, 0}, {state, "B"}, 120, 124)
            .disclosed);
  }
}

TEST(Mechanism, FrequenciesInAGroupAreExactWhereCountsAreAndNoisyWhereCountsAre) {
  const Genotypes genotypes{12, 38, 10, 2, 8, 0};
  const ShownAllele exact =
      Mechanism(FloorOnly(), "").FrequencyInGroup({"s", "A"}, genotypes, {"s", "B"}, 20, 40);
  EXPECT_EQ(exact.allele_count, 12);
  EXPECT_EQ(exact.allele_number, 38);
  // Exact frequencies of everybody are not exact ones of groups whose counts carry noise.
  Policy policy;
  policy.frequency_epsilon = 0;
  policy.auc = 1;
  const Mechanism noisy(policy, kSecret);
  std::set<std::int64_t> copies;
  for (int i = 0; i < 50; ++i) {
    const std::string state = std::to_string(i);
    copies.insert(
        noisy.FrequencyInGroup({state, "A"}, {300, 1800, 250, 50, 200, 0}, {state, "B"}, 900, 2000)
            .allele_count);
  }
  EXPECT_GE(copies.size(), 3u);
}

// With exact groups, one that is held back would follow from the others.
TEST(Mechanism, WithoutNoiseASmallGroupHidesTheOthers) {
  const Mechanism exact(FloorOnly(), "");
  const ShownAllele small = exact.Frequency({"s", "q"}, {14, 40, 12, 2, 10, 0}, 20);
  EXPECT_EQ(small.allele_count, 14);
  EXPECT_EQ(small.heterozygotes, 0);
  const ShownAllele whole = exact.Frequency({"s", "q"}, {10, 40, 10, 0, 10, 0}, 20);
  EXPECT_EQ(whole.heterozygotes, 10);
}

TEST(Mechanism, WithoutControlEverythingIsExact) {
  const Mechanism open(NoControl(), "");
  const Shown one = open.Count({"s", "q"}, {1, 20}, true);
  EXPECT_EQ(one.count, 1);
  EXPECT_EQ(one.precision, Precision::kExact);
  EXPECT_EQ(open.Count({"s", "q"}, {19, 20}, true).count, 19);
  const ShownAllele allele = open.Frequency({"s", "q"}, {3, 38, 2, 1, 1, 0}, 20);
  EXPECT_EQ(allele.allele_count, 3);
  EXPECT_EQ(allele.allele_number, 38);
  EXPECT_EQ(allele.homozygotes, 1);
}

}  // namespace
}  // namespace genofed::disclosure
