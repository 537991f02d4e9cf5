// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/budget.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace genofed::disclosure {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;

double Rounding(double step) { return step > 1 ? step * step / 12 : 0; }

// Of Laplace noise with this scale, cut at +-bound.
double LaplaceVariance(double scale, double bound) {
  if (scale <= 0) return 0;
  const double x = bound / scale;
  const double tail = std::exp(-x);
  return scale * scale * (2 - (x * x + 2 * x + 2) * tail) / (1 - tail);
}

// Never below a variance of one: an exact answer about everybody or nobody would cost infinitely
// much.
double Divergence(double moved, double variance) {
  return moved * moved / (2 * std::max(variance, 1.0));
}

// The sum of the charges is compared with the budget, so a little less than the quotient.
double CountsIn(const Policy& policy) {
  return BudgetOf(policy) / WorstCharge(policy) * (1 - 1e-9);
}

}  // namespace

double NormalCdf(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

double NormalQuantile(double probability) {
  // Bisection: the callers are start-up and tests.
  double low = -10, high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (NormalCdf(middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

double BudgetOf(const Policy& policy) {
  const double quantile = NormalQuantile(policy.auc);
  return quantile * quantile;
}

double CountVariance(const Policy& policy, double step) {
  const double scale = policy.epsilon > 0 ? 1 / policy.epsilon : 0;
  return LaplaceVariance(scale, static_cast<double>(policy.noise_bound)) + Rounding(step);
}

double FrequencyVariance(const Policy& policy, double step) {
  const double scale = policy.frequency_epsilon > 0 ? 2 / policy.frequency_epsilon : 0;
  return LaplaceVariance(scale, 2 * static_cast<double>(policy.noise_bound)) + Rounding(step);
}

double Charge(double count, double total, double variance, int copies) {
  if (total <= 0) return 0;
  const double p = std::clamp(count / total, 0.0, 1.0);
  return Divergence(copies * std::max(p, 1 - p), total * p * (1 - p) + variance);
}

// Without somebody who has c copies, and of whose kind the group with its share q of all people is,
// there would be 2pq + 2pb(1-q) - c more copies than expected from the noisy number of the group,
// where b in [0, 1] is what the noise left of that number: between -c and 2 - c. And they would
// vary no less than with the exact number of the group.
double ChargeInGroup(double count, double total, double variance, int copies) {
  if (total <= 0) return 0;
  const double p = std::clamp(count / total, 0.0, 1.0);
  return Divergence(copies, total * p * (1 - p) + variance);
}

double RarestCharge(const Policy& policy) {
  constexpr double kSoMany = 1e12;
  return Charge(static_cast<double>(policy.Threshold()), kSoMany,
                CountVariance(policy, static_cast<double>(policy.step)), 1);
}

double WorstCharge(const Policy& policy, bool with_frequency) {
  // Of everybody: then only the noise hides who is in the dataset.
  const auto step = static_cast<double>(policy.step);
  double worst = Charge(1, 1, CountVariance(policy, step), 1);
  if (with_frequency) {
    worst += Charge(1, 1, FrequencyVariance(policy, step), 2);
    if (policy.genotypes) worst += 2 * Charge(1, 1, CountVariance(policy, step), 1);
  }
  return worst;
}

double WorstGroupCharge(const Policy& policy) {
  return WorstCharge(policy, true) + WorstCharge(policy);
}

bool AllowsGroups(const Policy& policy) {
  return !policy.HasBudget() || WorstGroupCharge(policy) <= BudgetOf(policy);
}

std::int64_t MostAtOnce(const Policy& policy) {
  if (!policy.HasBudget()) return INT64_MAX;
  return static_cast<std::int64_t>(CountsIn(policy));
}

bool FitsAtOnce(const Policy& policy, std::size_t counts) {
  return !policy.HasBudget() ||
         static_cast<double>(counts) <= (1 - kCatalogueShare) * CountsIn(policy);
}

Admission Admit(std::span<const Spent> spent, double worst, double limit, std::int32_t days,
                Time now) {
  const std::int64_t today = DayOf(now);
  double total = 0;
  for (const Spent& day : spent) total += day.day > today - days ? day.nats : 0;
  if (total + worst <= limit) return {true, {}};
  for (const Spent& day : spent) {
    if (day.day <= today - days) continue;
    total -= day.nats;
    if (total + worst <= limit) {
      return {false, std::chrono::seconds((day.day + days) * kDaySeconds - UnixSeconds(now))};
    }
  }
  return {false, std::chrono::seconds(days * kDaySeconds)};
}

double SliceFor(double worst) { return 1.25 * worst; }

double MostOpen(const Policy& policy) { return BudgetOf(policy) * policy.everybody / 10; }

bool MayOpen(std::span<const Spent> own, std::span<const Spent> everybody, double charge,
             double slice, const Policy& policy, Time now) {
  const double limit = BudgetOf(policy), all = limit * policy.everybody;
  return slice > 0 && Admit(own, charge + 2 * slice, limit, policy.budget_days, now).allowed &&
         Admit(everybody, charge + slice + std::max(slice, all / 4), all, policy.budget_days, now)
             .allowed;
}

std::int64_t DayOf(Time time) { return UnixSeconds(time) / kDaySeconds; }

}  // namespace genofed::disclosure
