// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "libs/disclosure/allele_table.h"
#include "libs/disclosure/budget.h"
#include "libs/disclosure/policy.h"

namespace genofed::disclosure {
namespace {

using nlohmann::ordered_json;

// How many answers of one kind fit into a budget.
std::int64_t AnswersOf(const Policy& policy, double people, double total, bool frequency) {
  const double relative = policy.relative_step * people;
  const double step =
      std::max(static_cast<double>(policy.step), relative * 0.6);  // 1-2-5 steps are 0.4 to 1 of it
  double charge = Charge(people, total, CountVariance(policy, step), 1);
  if (frequency) charge += Charge(2 * people, 2 * total, FrequencyVariance(policy, step), 2);
  const double usable = BudgetOf(policy) - WorstCharge(policy, frequency);
  return usable <= 0 ? 0 : static_cast<std::int64_t>(usable / charge) + 1;
}

std::string Floor(const Policy& policy) {
  if (policy.floor == 1) return "Floor: none. A single person is told of.";
  return fmt::format(
      "Floor: nothing is said of fewer than {} people. \"None\" and \"too few\" look the same.",
      policy.floor);
}

std::string Noise(const Policy& policy) {
  if (!policy.HasNoise()) {
    return policy.step > 1 || policy.relative_step > 0
               ? fmt::format(
                     "Noise: none. Counts are rounded to multiples of {}, larger ones to {:.0f}% "
                     "of them.",
                     policy.step, 100 * policy.relative_step)
               : "Noise: none. Counts are exact, and two of them can be subtracted.";
  }
  return fmt::format(
      "Noise: each count is off by chance, typically by {:.0f} people and never by more than {} "
      "before rounding "
      "(epsilon {} for an answer); then it is rounded to a multiple of {}, larger ones to {:.0f}% "
      "of them. So a count is "
      "shown from about {} people on. The same question has the same answer, for everybody, until "
      "who may be counted "
      "changes.",
      1 / policy.epsilon, policy.noise_bound, policy.epsilon, policy.step,
      100 * policy.relative_step, policy.Threshold());
}

std::string Frequencies(const Policy& policy) {
  const char* genotypes = policy.genotypes ? "Homozygotes and heterozygotes are told apart."
                                           : "Homozygotes and heterozygotes are not told apart.";
  if (policy.frequency_epsilon == 0)
    return fmt::format("Frequencies: exact, where carriers are counted at all. {}", genotypes);
  return fmt::format(
      "Frequencies: differentially private with epsilon {} for each answer (typically {:.0f} "
      "copies off). {}",
      policy.frequency_epsilon, 2 / policy.frequency_epsilon, genotypes);
}

std::string Budget(const Policy& policy) {
  if (!policy.HasBudget()) {
    return "Budget: none. Who asks long enough can find out with certainty whether somebody whose "
           "genome they have is "
           "in a dataset.";
  }
  return fmt::format(
      "Budget: within {} days one account is told so little of a dataset that nobody who has a "
      "person's genome can tell "
      "whether that person is in it, but with an area under the ROC curve of {:.2f} (0.5 is "
      "tossing a coin). People of one "
      "organisation, and all who did not sign in, share an account. Repeating a question is free. "
      "When the budget is "
      "spent, questions are refused (429) until old ones have fallen out of the window. All "
      "accounts together have {} "
      "budgets.",
      policy.budget_days, policy.auc, policy.everybody);
}

std::string Table(const Policy& policy) {
  if (!policy.table) return "Frequency table: none is given to the network.";
  if (policy.table_auc >= 1)
    return fmt::format(
        "Frequency table: the network is told exact copies of each allele that at least {} people "
        "carry. Who has a person's genome can tell from it whether that person is counted.",
        policy.floor);
  const TableNoise million = NoiseOfTable(policy, 1'000'000);
  const TableNoise thousand = NoiseOfTable(policy, 1'000);
  return fmt::format(
      "Frequency table: the network is told copies of alleles, at most {} times in {} days, with "
      "so "
      "much noise that nobody who has a person's genome can tell whether that person is counted, "
      "but with an area under the ROC curve of {:.2f}; what one account is told comes on top. Of a "
      "thousand alleles each is typically {:.0f} copies off and told from {} copies on, of a "
      "million {:.0f} and {}.",
      policy.table_versions, policy.budget_days, policy.table_auc, thousand.scale, thousand.least,
      million.scale, million.least);
}

struct Example {
  const char* what;
  double people;
  double total;
  bool frequency;
};
constexpr Example kExamples[] = {
    {"a group of 50 in a dataset of 1,000", 50, 1'000, false},
    {"a group of 300 in a dataset of 1,000", 300, 1'000, false},
    {"a group of 1,000 in a dataset of 40,000", 1'000, 40'000, false},
    {"a group of 12,000 in a dataset of 40,000", 12'000, 40'000, false},
    {"the frequency of an allele that 12,000 of 40,000 carry", 12'000, 40'000, true},
};

}  // namespace

std::string Explain(const Policy& policy) {
  std::string out = fmt::format("{}\n\n{}\n{}\n{}\n{}\n", policy.name, Floor(policy), Noise(policy),
                                Frequencies(policy), Budget(policy));
  if (policy.HasBudget()) {
    out += "  One account may ask, for example, one of:\n";
    for (const Example& example : kExamples) {
      out += fmt::format("    {:>7} questions like {}\n",
                         AnswersOf(policy, example.people, example.total, example.frequency),
                         example.what);
    }
  }
  out += policy.batch > 1
             ? fmt::format("Joining: people who join a dataset are counted once {} have joined.\n"
                           "Company: {} people at random (never more than half) are not counted, and "
                           "others after each change of anybody's permissions, so that who joins or "
                           "leaves is one of many.\n",
                           policy.batch, policy.batch)
             : "Joining: a person who joins is counted at once, so counts before and after tell of "
               "that person.\n";
  out += policy.HasNoise() ? "Leaving: who withdraws is out of the next answer; then all noise is "
                             "drawn anew, which hides who it was.\n"
                           : "Leaving: who withdraws is out of the next answer, and counts before "
                             "and after tell of that person.\n";
  out += Table(policy) + "\n";
  return out;
}

std::string ExplainJson(const Policy& policy) {
  ordered_json document = {{"policy", ordered_json::parse(WritePolicy(policy))},
                           {"shownFrom", policy.Threshold()},
                           {"floor", Floor(policy)},
                           {"noise", Noise(policy)},
                           {"frequencies", Frequencies(policy)},
                           {"budget", Budget(policy)},
                           {"frequencyTable", Table(policy)}};
  if (policy.HasBudget()) {
    document["budgetNats"] = BudgetOf(policy);
    document["worstAnswerNats"] = WorstCharge(policy, true);
    for (const Example& example : kExamples) {
      document["answersInOneBudget"].push_back(
          {{"question", example.what},
           {"answers", AnswersOf(policy, example.people, example.total, example.frequency)}});
    }
  }
  return document.dump(2) + "\n";
}

}  // namespace genofed::disclosure
