// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/disclosure/policy.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Whether an account may be told an answer, and what it was told already. A question whose answer
// an account has been given costs nothing when it comes again. Thread-safe.
class Budgets {
 public:
  Budgets(BudgetStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  // Charges for all `spendings` that are new, of each dataset or of none of it, durably before it
  // returns. Those datasets that are refused, with the time after which asking makes sense again.
  // Unavailable BUDGET_UNKNOWN when the store is away and something is new: what cannot be charged
  // is not told.
  Result<std::map<std::string, std::chrono::seconds>> Charge(
      const Context& ctx, const std::string& account, const std::vector<Spending>& spendings);

 private:
  static constexpr std::size_t kMaxKnown = 200'000;

  BudgetStore& store_;
  const Clock& clock_;
  Mutex mutex_;
  // Accounts, datasets and questions that are in the store: a cache, emptied when it is full.
  std::unordered_set<std::string> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
