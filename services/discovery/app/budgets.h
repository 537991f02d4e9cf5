// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/disclosure/policy.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// Datasets that an account is not told of now, and the time after which asking makes sense again.
using Refused = std::map<std::string, std::chrono::seconds>;

// Whether an account may be told an answer, and what it was told already. A question whose answer
// an account has been given costs nothing when it comes again. Thread-safe; no lock is held while
// the store is asked.
//
// The first new question of an account about a dataset is charged in the store, and with it a slice
// (libs/disclosure/budget.h), from which this replica tells further ones without asking the store,
// while the worst that a question could cost is left in the slice. A slice lives for kSliceLife,
// on one day, and is then settled: what was told from it is written, and the rest given back.
//
// At each moment, for any number of replicas and whatever ends: what an account, and all of them
// together, were told since the beginning of any day is at most what is charged to them in the
// store since then. For a question is told
//  - when the store has charged it, on that day (or before, if the reply was lost); or
//  - from an open slice, of which never more is told than its nats, all on the day on which the
//    store charged these in full. They are taken back only by its settlement, once, in the
//    transaction that writes what was told, when nothing more can be told from it: less what was
//    told and is not charged already; or
//  - again, which is no news.
// A replica that is killed, or a settlement that is never made, leaves the whole slice charged, and
// what was told from it is charged again when it comes again: more is charged than told. What the
// store may lose when its own machine is lost is for the store to say.
class Budgets {
 public:
  // Slices are settled when they are this old. A refusal may be early by as much, because of what
  // other replicas hold open; one's own slices are given back before anything is refused.
  static constexpr std::chrono::seconds kSliceLife{5};

  // `most_open`: nats that slices may hold open of one dataset (disclosure::MostOpen). 0: each new
  // question is charged in the store.
  Budgets(BudgetStore& store, const Clock& clock, double most_open = 0)
      : store_(store), clock_(clock), most_open_(most_open) {}

  // Charges for all `spendings` that are new, of each dataset or of none of it, durably before it
  // returns. Those datasets that are refused, with the time after which asking makes sense again.
  // Unavailable BUDGET_UNKNOWN when the store is away and is needed: what cannot be charged is not
  // told.
  Result<Refused> Charge(const Context& ctx, const std::string& account,
                         const std::vector<Spending>& spendings);

  // Settles slices whose time is over; all of them before this replica ends. What fails is tried
  // again by the next call.
  Status Settle(const Context& ctx, bool all = false);

 private:
  static constexpr std::size_t kMaxKnown = 200'000;
  static constexpr std::size_t kMaxSlices = 4'096;
  static constexpr std::size_t kMaxTold = 2'000;  // from one slice

  using Key = std::pair<std::string, std::string>;  // account, dataset
  struct Open {
    Settlement so_far;
    double left = 0;
    Time opened;
  };
  using SlicesByKey = std::map<Key, Open>;

  // Tells from slices what they admit; the rest, which is for the store.
  std::vector<Spending> TakeFromSlices(const std::string& account,
                                       const std::vector<Spending>& spendings, Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool Take(const std::string& account, const std::vector<const Spending*>& fresh, Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static bool Usable(const Open& open, Time now);
  // Slices to be opened with a charge: by dataset, in nats. They are `opening_` from now on.
  std::map<std::string, double> WantSlices(const std::string& account,
                                           const std::vector<Spending>& fresh)
      ABSL_LOCKS_EXCLUDED(mutex_);
  SlicesByKey::iterator Close(SlicesByKey::iterator slice) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result<Charged> ChargeStore(const Context& ctx, const std::string& account,
                              const std::vector<Spending>& fresh, bool with_slices, Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives back what may be why something was refused. False when there was nothing of the kind.
  Result<bool> GiveBack(const Context& ctx, const std::string& account, const Charged& charged,
                        std::uint64_t settled_before) ABSL_LOCKS_EXCLUDED(mutex_);
  Status SettleThese(const Context& ctx, const std::vector<Settlement>& settlements)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Nats of the slices of a dataset that count as open in the store.
  double Held(const std::string& dataset) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remember(const std::string& account, const Spending& spending)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  BudgetStore& store_;
  const Clock& clock_;
  const double most_open_;
  Mutex mutex_;
  // Accounts, datasets and questions that were charged: a cache, emptied when it is full.
  std::unordered_set<std::string> known_ ABSL_GUARDED_BY(mutex_);
  SlicesByKey open_ ABSL_GUARDED_BY(mutex_);
  std::map<Key, double> opening_ ABSL_GUARDED_BY(mutex_);  // in the store just now
  // By id: nothing more is told from them, but the store may not know yet.
  std::map<std::int64_t, Settlement> closing_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t settled_ ABSL_GUARDED_BY(mutex_) = 0;  // times that something was settled
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

// ResourceExhausted BUDGET_SPENT with RetryAfter, the soonest of them, and a field for each
// dataset.
Status BudgetSpent(const Refused& refused);

// InvalidArgument TOO_MUCH_AT_ONCE: no budget would ever allow what is told together of so many
// `things`; and how many it allows.
Status TooMuchAtOnce(const disclosure::Policy& policy, std::string_view things);

// Moves what was refused from the answer's datasets to those it withholds.
template <typename AnswerOfDatasets>
void Withhold(const Refused& refused, AnswerOfDatasets& answer) {
  std::erase_if(answer.datasets,
                [&](const auto& dataset) { return refused.contains(dataset.dataset); });
  for (const auto& [dataset, after] : refused) answer.withheld.push_back({dataset, after.count()});
}

// BUDGET_SPENT when an answer withholds everything.
template <typename AnswerOfDatasets>
Status CheckTold(const AnswerOfDatasets& answer) {
  if (!answer.datasets.empty() || answer.withheld.empty()) return absl::OkStatus();
  Refused refused;
  for (const auto& one : answer.withheld)
    refused.emplace(one.dataset, std::chrono::seconds(one.retry_after_seconds));
  return BudgetSpent(refused);
}

}  // namespace genofed::discovery
