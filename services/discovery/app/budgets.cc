// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/budgets.h"

namespace genofed::discovery {
namespace {

std::string KeyOf(const std::string& account, const Spending& spending) {
  return account + '\n' + spending.dataset + '\n' + spending.question;
}

}  // namespace

Result<std::map<std::string, std::chrono::seconds>> Budgets::Charge(
    const Context& ctx, const std::string& account, const std::vector<Spending>& spendings) {
  std::vector<Spending> fresh;
  {
    MutexLock lock(mutex_);
    for (const Spending& spending : spendings) {
      if (!known_.contains(KeyOf(account, spending))) fresh.push_back(spending);
    }
  }
  std::map<std::string, std::chrono::seconds> refused;
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

}  // namespace genofed::discovery
