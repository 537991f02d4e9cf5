// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/disclosure/policy.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Datasets that an account is not told of now, and the time after which asking makes sense again.
using Refused = std::map<std::string, std::chrono::seconds>;

// Whether an account may be told an answer, and what it was told already. A question whose answer
// an account has been given costs nothing when it comes again. Thread-safe.
class Budgets {
 public:
  Budgets(BudgetStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  // Charges for all `spendings` that are new, of each dataset or of none of it, durably before it
  // returns. Those datasets that are refused, with the time after which asking makes sense again.
  // Unavailable BUDGET_UNKNOWN when the store is away and something is new: what cannot be charged
  // is not told.
  Result<Refused> Charge(const Context& ctx, const std::string& account,
                         const std::vector<Spending>& spendings);

 private:
  static constexpr std::size_t kMaxKnown = 200'000;

  BudgetStore& store_;
  const Clock& clock_;
  Mutex mutex_;
  // Accounts, datasets and questions that are in the store: a cache, emptied when it is full.
  std::unordered_set<std::string> known_ ABSL_GUARDED_BY(mutex_);
};

// The one way to tell an account something: charged first, and recorded whatever comes of it.
// Borrows all; `budgets` is null where the policy has none, and then everything may be told.
class Telling {
 public:
  Telling(Budgets* budgets, DisclosureAudit& audit, const Clock& clock)
      : budgets_(budgets), audit_(audit), clock_(clock) {}

  // As Budgets::Charge. `held_back`: datasets of which something is not shown, for the record.
  Result<Refused> Charge(const Context& ctx, const std::string& account,
                         const std::vector<Spending>& spendings,
                         const std::set<std::string>& held_back = {}) const;

 private:
  Budgets* const budgets_;
  DisclosureAudit& audit_;
  const Clock& clock_;
};

// ResourceExhausted BUDGET_SPENT with RetryAfter: the soonest of them.
Status BudgetSpent(const Refused& refused);

// Moves what was refused from the answer's datasets to those it withholds. BUDGET_SPENT when
// nothing else is left.
template <typename AnswerOfDatasets>
Status Withhold(const Refused& refused, AnswerOfDatasets& answer) {
  std::erase_if(answer.datasets,
                [&](const auto& dataset) { return refused.contains(dataset.dataset); });
  for (const auto& [dataset, after] : refused) answer.withheld.push_back({dataset, after.count()});
  if (answer.datasets.empty() && !refused.empty()) return BudgetSpent(refused);
  return absl::OkStatus();
}

}  // namespace genofed::discovery
