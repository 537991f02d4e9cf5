// SPDX-License-Identifier: Apache-2.0
//
// What answers tell about one person, in nats, and how much one account may be told.
//
// An answer is a count c of n people, seen through the chance that a population with the same
// frequency p = c/n gives and through noise of variance v. If somebody who is in the count were not
// in the dataset, it would be expected (1-p) lower. The divergence between the two is
//     (1-p)^2 / (2 (n p (1-p) + v)),
// which is the expected log-likelihood ratio of the best test that knows the person's genome and
// the population's frequencies (Shringarpure & Bustamante 2015; Raisaro et al. 2017, JAMIA 24:799,
// charge as much for an answer as it was unlikely). For somebody who is not in the count it has p^2
// in place of (1-p)^2; the larger of the two is charged. Charges add up, and a test that was told D
// nats in all has an area under its ROC curve of Phi(sqrt(D)).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "libs/core/clock.h"
#include "libs/disclosure/policy.h"

namespace genofed::disclosure {

// Phi and its inverse: the normal distribution.
double NormalCdf(double x);
double NormalQuantile(double probability);

// Nats that one account may be told of one dataset within policy.budget_days:
// NormalQuantile(auc)^2.
double BudgetOf(const Policy& policy);
// The largest charge of one count, and of one count with one allele's frequency: what must be left
// before a question is answered, so that a refusal never depends on the answer.
double WorstCharge(const Policy& policy, bool with_frequency = false);
// The largest charge of a count of people in a group, of how many the group has, and of one
// allele's frequency in it; and whether a budget allows as much at all.
double WorstGroupCharge(const Policy& policy);
bool AllowsGroups(const Policy& policy);
// How many counts one budget allows at all when they are told together; and whether so many are
// beside what the catalogue told everybody of the dataset.
std::int64_t MostAtOnce(const Policy& policy);
bool FitsAtOnce(const Policy& policy, std::size_t counts);
// What the catalogue tells takes at most so much of a budget.
inline constexpr double kCatalogueShare = 0.25;
// Of the smallest count that is shown, among so many that it is rare.
double RarestCharge(const Policy& policy);

// Variance of the noise on a count, with rounding to multiples of `step`.
double CountVariance(const Policy& policy, double step);
double FrequencyVariance(const Policy& policy, double step);
// The charge above. `copies` is 1 for people, 2 for alleles (a homozygous person moves the sum by
// two).
double Charge(double count, double total, double variance, int copies);
// The same of copies among people whose number is known through noise alone: whoever were not in
// the group would take all of theirs away, and not only what they have more than the others. Comes
// on top of the charge of the group's number.
double ChargeInGroup(double count, double total, double variance, int copies);

// What was spent on one day (days since 1970, UTC).
struct Spent {
  std::int64_t day = 0;
  double nats = 0;
};
struct Admission {
  bool allowed = false;
  std::chrono::seconds retry_after{0};  // when it is not
};
// Whether `worst` more may be spent under `limit` within any `days`. `spent` has the days in
// ascending order.
Admission Admit(std::span<const Spent> spent, double worst, double limit, std::int32_t days,
                Time now);
std::int64_t DayOf(Time time);

// A slice: a part of an account's budget, and as much of everybody's, that is charged before it is
// told, so that the questions that follow need not be charged one by one. As large as it must be to
// admit any question that could cost `worst`, and a quarter more to be spent.
double SliceFor(double worst);
// Nats that the open slices of one replica may hold of a dataset: a tenth of everybody's budget.
double MostOpen(const Policy& policy);
// Whether `slice` may be charged on top of `charge`. Only where plenty is left after it, so that it
// keeps nobody from asking: as much again of the account's budget, and a quarter of everybody's.
bool MayOpen(std::span<const Spent> own, std::span<const Spent> everybody, double charge,
             double slice, const Policy& policy, Time now);

}  // namespace genofed::disclosure
