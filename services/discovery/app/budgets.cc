// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/budgets.h"

#include <algorithm>

#include "libs/core/retry_after.h"

namespace genofed::discovery {
namespace {

std::string KeyOf(const std::string& account, const Spending& spending) {
  return account + '\n' + spending.dataset + '\n' + spending.question;
}

}  // namespace

Result<Refused> Budgets::Charge(const Context& ctx, const std::string& account,
                                const std::vector<Spending>& spendings) {
  std::vector<Spending> fresh;
  {
    MutexLock lock(mutex_);
    for (const Spending& spending : spendings) {
      if (!known_.contains(KeyOf(account, spending))) fresh.push_back(spending);
    }
  }
  Refused refused;
  if (fresh.empty()) return refused;
  auto charged = store_.Charge(ctx, account, fresh, clock_.Now());
  if (!charged.ok()) {
    return Error(StatusCode::kUnavailable, "BUDGET_UNKNOWN",
                 "it cannot be recorded just now what you are told");
  }
  refused = *std::move(charged);
  MutexLock lock(mutex_);
  if (known_.size() > kMaxKnown) known_.clear();
  for (const Spending& spending : fresh) {
    if (!refused.contains(spending.dataset)) known_.insert(KeyOf(account, spending));
  }
  return refused;
}

Result<Refused> Telling::Charge(const Context& ctx, const std::string& account,
                                const std::vector<Spending>& spendings,
                                const std::set<std::string>& held_back) const {
  Refused refused;
  if (budgets_ != nullptr) {
    GF_ASSIGN(refused, budgets_->Charge(ctx, account, spendings));
  }
  const Time now = clock_.Now();
  for (const Spending& spending : spendings) {
    const bool told = !refused.contains(spending.dataset);
    const char* outcome = !told                                  ? "refused"
                          : held_back.contains(spending.dataset) ? "held_back"
                                                                 : "told";
    audit_.Add(
        {now, account, spending.dataset, spending.question, outcome, told ? spending.nats : 0});
  }
  return refused;
}

Status BudgetSpent(const Refused& refused) {
  const auto soonest = std::ranges::min_element(refused, {}, &Refused::value_type::second);
  return WithRetryAfter(
      Error(StatusCode::kResourceExhausted, "BUDGET_SPENT",
            "this account was told as much of these datasets as it may be for now"),
      soonest == refused.end() ? std::chrono::seconds(0) : soonest->second);
}

}  // namespace genofed::discovery
