// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/budgets.h"

#include <algorithm>

#include "libs/core/retry_after.h"
#include "libs/disclosure/budget.h"

namespace genofed::discovery {
namespace {

std::string KeyOf(const std::string& account, const Spending& spending) {
  return account + '\n' + spending.dataset + '\n' + spending.question;
}

std::map<std::string, double> WorstByDataset(const std::vector<Spending>& spendings) {
  std::map<std::string, double> worst;
  for (const Spending& spending : spendings) {
    double& most = worst[spending.dataset];
    most = std::max(most, spending.worst);
  }
  return worst;
}

Status Unknown() {
  return Error(StatusCode::kUnavailable, "BUDGET_UNKNOWN",
               "it cannot be recorded just now what you are told");
}

}  // namespace

Result<Refused> Budgets::Charge(const Context& ctx, const std::string& account,
                                const std::vector<Spending>& spendings) {
  const Time now = clock_.Now();
  std::vector<Spending> fresh = TakeFromSlices(account, spendings, now);
  if (fresh.empty()) return Refused();
  std::uint64_t settled_before = 0;
  {
    MutexLock lock(mutex_);
    settled_before = settled_;
  }
  GF_ASSIGN(Charged charged, ChargeStore(ctx, account, fresh, true, now));
  if (charged.refused.empty()) return Refused();
  // What is refused is refused by exact figures, not for what was held here.
  const auto given_back = GiveBack(ctx, account, charged, settled_before);
  if (!given_back.ok()) return Unknown();
  if (!*given_back) return std::move(charged.refused);
  std::erase_if(fresh, [&](const Spending& s) { return !charged.refused.contains(s.dataset); });
  GF_ASSIGN(charged, ChargeStore(ctx, account, fresh, false, now));
  return std::move(charged.refused);
}

std::vector<Spending> Budgets::TakeFromSlices(const std::string& account,
                                              const std::vector<Spending>& spendings, Time now) {
  MutexLock lock(mutex_);
  std::map<std::string_view, std::vector<const Spending*>> fresh;
  std::set<std::string> seen;  // what is asked twice is one question
  for (const Spending& spending : spendings) {
    const std::string key = KeyOf(account, spending);
    if (!known_.contains(key) && seen.insert(key).second)
      fresh[spending.dataset].push_back(&spending);
  }
  std::vector<Spending> rest;
  for (const auto& [dataset, items] : fresh) {
    if (Take(account, items, now)) continue;
    for (const Spending* item : items) rest.push_back(*item);
  }
  return rest;
}

// `worst` must be left, whatever the answer; that `nats` are, too, is what the promise stands on.
bool Budgets::Take(const std::string& account, const std::vector<const Spending*>& fresh,
                   Time now) {
  const auto slice = open_.find({account, fresh.front()->dataset});
  if (slice == open_.end()) return false;
  Open& open = slice->second;
  double worst = 0, nats = 0;
  for (const Spending* item : fresh) {
    worst = std::max(worst, item->worst);
    nats += item->nats;
  }
  if (!Usable(open, now) || std::max(worst, nats) > open.left ||
      open.so_far.told.size() + fresh.size() > kMaxTold) {
    Close(slice);
    return false;
  }
  open.left -= nats;
  for (const Spending* item : fresh) {
    open.so_far.told.push_back(*item);
    Remember(account, *item);
  }
  return true;
}

bool Budgets::Usable(const Open& open, Time now) {
  return open.opened <= now && now < open.opened + kSliceLife &&
         disclosure::DayOf(now) == open.so_far.slice.day;
}

Result<Charged> Budgets::ChargeStore(const Context& ctx, const std::string& account,
                                     const std::vector<Spending>& fresh, bool with_slices,
                                     Time now) {
  const auto wanted = with_slices ? WantSlices(account, fresh) : std::map<std::string, double>();
  auto charged = store_.Charge(ctx, account, fresh, wanted, now);
  MutexLock lock(mutex_);
  for (const auto& [dataset, nats] : wanted) opening_.erase({account, dataset});
  if (!charged.ok()) return Unknown();
  for (const Slice& slice : charged->opened)
    open_[{account, slice.dataset}] = {{slice, {}}, slice.nats, now};
  for (const Spending& spending : fresh) {
    if (!charged->refused.contains(spending.dataset)) Remember(account, spending);
  }
  return charged;
}

std::map<std::string, double> Budgets::WantSlices(const std::string& account,
                                                  const std::vector<Spending>& fresh) {
  std::map<std::string, double> wanted;
  // The catalogue has a budget of its own, and asks once for each version.
  if (account == kCatalogueAccount) return wanted;
  MutexLock lock(mutex_);
  for (const auto& [dataset, worst] : WorstByDataset(fresh)) {
    const Key key{account, dataset};
    const double nats = disclosure::SliceFor(worst);
    if (open_.size() + opening_.size() + closing_.size() >= kMaxSlices) break;
    if (nats <= 0 || open_.contains(key) || opening_.contains(key)) continue;
    if (Held(dataset) + nats > most_open_) continue;
    opening_[key] = nats;
    wanted[dataset] = nats;
  }
  return wanted;
}

double Budgets::Held(const std::string& dataset) const {
  double held = 0;
  for (const auto& [key, open] : open_) held += key.second == dataset ? open.so_far.slice.nats : 0;
  for (const auto& [key, nats] : opening_) held += key.second == dataset ? nats : 0;
  for (const auto& [id, closing] : closing_)
    held += closing.slice.dataset == dataset ? closing.slice.nats : 0;
  return held;
}

Budgets::SlicesByKey::iterator Budgets::Close(SlicesByKey::iterator slice) {
  Settlement& so_far = slice->second.so_far;
  closing_[so_far.slice.id] = std::move(so_far);
  return open_.erase(slice);
}

Result<bool> Budgets::GiveBack(const Context& ctx, const std::string& account,
                               const Charged& charged, std::uint64_t settled_before) {
  std::vector<Settlement> settlements;
  bool settled = false;
  {
    MutexLock lock(mutex_);
    const auto concerned = [&](const Slice& slice) {
      return charged.refused.contains(slice.dataset) &&
             (slice.account == account || charged.everybodys.contains(slice.dataset));
    };
    for (auto slice = open_.begin(); slice != open_.end();)
      slice = concerned(slice->second.so_far.slice) ? Close(slice) : std::next(slice);
    for (const auto& [id, closing] : closing_) {
      if (concerned(closing.slice)) settlements.push_back(closing);
    }
    settled = settled_ != settled_before;
  }
  if (settlements.empty()) return settled;
  GF_TRY(SettleThese(ctx, settlements));
  return true;
}

Status Budgets::Settle(const Context& ctx, bool all) {
  const Time now = clock_.Now();
  std::vector<Settlement> settlements;
  {
    MutexLock lock(mutex_);
    for (auto slice = open_.begin(); slice != open_.end();)
      slice = all || !Usable(slice->second, now) ? Close(slice) : std::next(slice);
    for (const auto& [id, closing] : closing_) settlements.push_back(closing);
  }
  return settlements.empty() ? absl::OkStatus() : SettleThese(ctx, settlements);
}

Status Budgets::SettleThese(const Context& ctx, const std::vector<Settlement>& settlements) {
  GF_TRY(store_.Settle(ctx, settlements, clock_.Now()));
  MutexLock lock(mutex_);
  for (const Settlement& settlement : settlements) closing_.erase(settlement.slice.id);
  ++settled_;
  return absl::OkStatus();
}

void Budgets::Remember(const std::string& account, const Spending& spending) {
  // What was told from a slice and is forgotten here is charged again, and given back when the
  // slice is settled.
  if (known_.size() > kMaxKnown) known_.clear();
  known_.insert(KeyOf(account, spending));
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
  Status status = Error(StatusCode::kResourceExhausted, "BUDGET_SPENT",
                        "this account was told as much of these datasets as it may be for now");
  for (const auto& [dataset, after] : refused)
    status = WithField(std::move(status), "datasets", dataset);
  return WithRetryAfter(std::move(status),
                        soonest == refused.end() ? std::chrono::seconds(0) : soonest->second);
}

Status TooMuchAtOnce(const disclosure::Policy& policy, std::string_view things) {
  return Error(StatusCode::kInvalidArgument, "TOO_MUCH_AT_ONCE",
               "this would tell of more {} than one account may be told of together: ask for at "
               "most {}",
               things, disclosure::MostAtOnce(policy));
}

}  // namespace genofed::discovery
