// SPDX-License-Identifier: Apache-2.0
//
// What a country lets be said about the people in its datasets, as data: a JSON file that explains
// itself
// (`genofed privacy explain`). docs/security/privacy.md derives every number of the default.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::disclosure {

struct Policy {
  std::string name = "genofed default";

  // Nothing is said of fewer people than this, whatever noise does. At least 1.
  std::int64_t floor = 5;

  // Counts of people carry Laplace noise of scale 1/epsilon, cut at +-noise_bound, and are then
  // rounded. 0: none.
  double epsilon = 0.1;
  std::int64_t noise_bound = 30;
  // Counts are rounded to multiples of `step`, larger ones to 1, 2 or 5 times a power of ten that
  // is at most `relative_step` of the count. 1 and 0: not rounded.
  std::int64_t step = 10;
  double relative_step = 0.1;

  // Copies of an allele carry noise of scale 2/epsilon, for a person has two.
  double frequency_epsilon = 0.1;
  // Whether carriers are also divided into homozygotes and heterozygotes, each noised as a count
  // is.
  bool genotypes = false;

  // Within any `budget_days` nobody who has somebody's genome can tell from one account's answers
  // whether that person is in a dataset, better than with this area under the ROC curve. 0.5 is
  // tossing a coin; 1: no budget.
  double auc = 0.55;
  std::int32_t budget_days = 365;
  // All accounts together spend at most so many budgets on a dataset: a hub that invents accounts
  // runs into this.
  double everybody = 100;

  // People who join a dataset are counted once so many have joined, and so many at random are not
  // counted in any one state of it, others in each: who leaves is one of many (Mechanism::LeftOut).
  std::int64_t batch = 20;

  // Whether a table of all alleles' frequencies is given to the network (allele_table.h). It is
  // told to everybody, so it has a promise of its own beside the budget: within `budget_days` all
  // tables together, at most `table_versions` of them, let nobody tell membership better than with
  // `table_auc`. 1: exact copies above the floor.
  bool table = false;
  double table_auc = 0.55;
  std::int32_t table_versions = 4;

  // Answers take a multiple of this long before they are accounted for, so that a hit takes as long
  // as a miss.
  std::int32_t answer_microseconds = 100;

  bool HasNoise() const { return epsilon > 0; }
  bool HasBudget() const { return auc < 1; }
  // A count is shown when it and its noise reach this: never for fewer people than the floor.
  std::int64_t Threshold() const { return floor + (HasNoise() ? noise_bound : 0); }

  bool operator==(const Policy&) const = default;
};

// Everything is said, exactly: discovery.disclosure_control = off.
Policy NoControl();

// Reads {"format": "genofed-privacy-policy", "version": 1, ...}; members that are absent have the
// defaults. InvalidArgument POLICY_INVALID names the member. A policy that cannot keep its own
// promise, because a single answer tells more than the whole budget, is refused.
Result<Policy> ParsePolicy(std::string_view json);
std::string WritePolicy(const Policy& policy);

// What the policy means, in plain language, a paragraph a line; and the same with its figures as
// JSON.
std::string Explain(const Policy& policy);
std::string ExplainJson(const Policy& policy);

}  // namespace genofed::disclosure
