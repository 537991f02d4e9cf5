// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/account_tokens.h"

#include <algorithm>
#include <utility>

namespace genofed::discovery {
namespace {

constexpr std::chrono::seconds kPauseAfterFailure{10};  // before another renewal is tried

}  // namespace

Result<AccountTokenCache::Shared> AccountTokenCache::Of(const Context& ctx,
                                                        const std::string& account) {
  const Context limited = ctx.WithTimeout(patience_);
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto found = entries_.find(account);
    if (found == entries_.end()) {
      MakeRoom();
      break;
    }
    const Entry& entry = found->second;
    const Time now = clock_.Now();
    if (entry.Counts(now) && (entry.asking || now < entry.renew)) return entry.tokens;
    if (!entry.asking) break;
    GF_TRY(limited.Alive());
    changed_.wait_until(lock, limited.deadline());
  }
  entries_[account].asking = true;  // keeps its place until Take
  const Time asked = clock_.Now();
  lock.unlock();
  auto issued = broker_.Issue(limited);
  return Take(account, std::move(issued), asked);
}

Result<AccountTokenCache::Shared> AccountTokenCache::Take(const std::string& account,
                                                          Result<Broker::Issued> issued,
                                                          Time asked) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(account);
  Entry& entry = found->second;
  entry.asking = false;
  changed_.notify_all();
  if (issued.ok()) {
    entry.tokens = std::make_shared<const AccountTokens>(std::move(issued->tokens));
    entry.renew = asked + issued->lifetime * 4 / 5;
    entry.end = asked + issued->lifetime;
    return entry.tokens;
  }
  const Time now = clock_.Now();
  if (entry.Counts(now)) {
    entry.renew = now + kPauseAfterFailure;
    return entry.tokens;
  }
  entries_.erase(found);
  return issued.status();
}

// Those that ended go first, then that which ends soonest.
void AccountTokenCache::MakeRoom() {
  if (entries_.size() < max_accounts_) return;
  const Time now = clock_.Now();
  std::erase_if(entries_,
                [&](const auto& one) { return !one.second.asking && !one.second.Counts(now); });
  if (entries_.size() < max_accounts_) return;
  auto soonest = entries_.end();
  for (auto one = entries_.begin(); one != entries_.end(); ++one) {
    if (one->second.asking) continue;
    if (soonest == entries_.end() || one->second.end < soonest->second.end) soonest = one;
  }
  if (soonest != entries_.end()) entries_.erase(soonest);
}

}  // namespace genofed::discovery
