// SPDX-License-Identifier: Apache-2.0
//
// Slices of budgets, and the promise of app/budgets.h over random sequences of questions,
// settlements, lost replies, killed replicas and days: never is more told than charged, nor charged
// than the budget, and one replica refuses exactly what it would refuse if it charged each question
// by itself.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <random>
#include <thread>

#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "rapidcheck.h"
#include "services/discovery/app/budgets.h"

namespace genofed::discovery {
namespace {

using disclosure::DayOf;
using std::chrono::milliseconds;
using testing::IsOk;

constexpr double kRounding = 1e-12;  // nats: sums of doubles in different orders
constexpr char kEverybody[] = "*";
const Time kBeforeMidnight = FromUnixSeconds(20'454 * 86'400 - 20);

struct Budget {
  std::string account, dataset;
  auto operator<=>(const Budget&) const = default;
};
using Question = std::array<std::string, 3>;  // account, dataset, digest
using NatsByDay = std::map<std::int64_t, double>;

// What the SQL store keeps, in memory and shared by replicas. Thread-safe.
class ModelStore final : public BudgetStore {
 public:
  explicit ModelStore(const disclosure::Policy& policy) : policy_(policy) {}

  // Of the next call. kNoReply: it is done, but the caller does not hear of it.
  enum class Fault { kNone, kDown, kNoReply };

  Result<Charged> Charge(const Context&, const std::string& account,
                         const std::vector<Spending>& spendings,
                         const std::map<std::string, double>& slices, Time now) override {
    const Fault fault = Travel();
    MutexLock lock(mutex_);
    ++calls_;
    if (fault == Fault::kDown) return Down();
    std::map<std::string, std::vector<const Spending*>> fresh;
    for (const Spending& spending : spendings) {
      if (!asked_.contains({account, spending.dataset, spending.question}))
        fresh[spending.dataset].push_back(&spending);
    }
    Charged charged;
    for (const auto& [dataset, items] : fresh) {
      double worst = 0, nats = 0;
      for (const Spending* item : items) {
        worst = std::max(worst, item->worst);
        nats += item->nats;
      }
      const auto own = Days(account, dataset), all = Days(kEverybody, dataset);
      const double limit = disclosure::BudgetOf(policy_);
      const auto of_account = disclosure::Admit(own, worst, limit, policy_.budget_days, now);
      const auto of_all =
          disclosure::Admit(all, worst, limit * policy_.everybody, policy_.budget_days, now);
      if (!of_account.allowed || !of_all.allowed) {
        charged.refused[dataset] = std::max(of_account.retry_after, of_all.retry_after);
        if (!of_all.allowed) charged.everybodys.insert(dataset);
        continue;
      }
      for (const Spending* item : items)
        asked_.insert({{account, dataset, item->question}, DayOf(now)});
      const auto slice = slices.find(dataset);
      if (slice != slices.end() &&
          disclosure::MayOpen(own, all, nats, slice->second, policy_, now)) {
        charged.opened.push_back({++last_id_, account, dataset, DayOf(now), slice->second});
        slices_[last_id_] = charged.opened.back();
        nats += slice->second;
      }
      for (const std::string& payer : {account, std::string(kEverybody)})
        spent_[{payer, dataset}][DayOf(now)] += nats;
    }
    if (fault == Fault::kNoReply) return Down();
    return charged;
  }

  Status Settle(const Context&, const std::vector<Settlement>& settlements, Time) override {
    const Fault fault = Travel();
    MutexLock lock(mutex_);
    if (fault == Fault::kDown) return Down();
    for (const auto& [slice, told] : settlements) {
      if (slices_.erase(slice.id) == 0) continue;
      double left = slice.nats;
      for (const Spending& item : told) {
        const Question question{slice.account, slice.dataset, item.question};
        if (asked_.insert({question, slice.day}).second) left -= item.nats;
      }
      EXPECT_GE(left, -kRounding) << "more was told from a slice than it held";
      for (const std::string& payer : {slice.account, std::string(kEverybody)})
        spent_[{payer, slice.dataset}][slice.day] -= left;
    }
    return fault == Fault::kNoReply ? Down() : absl::OkStatus();
  }
  Status Forget(const Context&, Time) override { return absl::OkStatus(); }

  void Fail(Fault fault) {
    MutexLock lock(mutex_);
    fault_ = fault;
  }
  // What happens while the next call is on its way.
  void Meanwhile(std::function<void()> what) {
    MutexLock lock(mutex_);
    meanwhile_ = std::move(what);
  }
  std::map<Budget, NatsByDay> spent() const {
    MutexLock lock(mutex_);
    return spent_;
  }
  std::optional<std::int64_t> ChargedOn(const Question& question) const {
    MutexLock lock(mutex_);
    const auto found = asked_.find(question);
    return found == asked_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t slices() const {
    MutexLock lock(mutex_);
    return slices_.size();
  }
  double NatsOpen(const std::string& dataset) const {
    MutexLock lock(mutex_);
    double nats = 0;
    for (const auto& [id, slice] : slices_) nats += slice.dataset == dataset ? slice.nats : 0;
    return nats;
  }
  int calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }

 private:
  static Status Down() { return Error(StatusCode::kUnavailable, "SQL_UNAVAILABLE", "down"); }
  Fault Travel() {
    std::function<void()> meanwhile;
    Fault fault = Fault::kNone;
    {
      MutexLock lock(mutex_);
      meanwhile.swap(meanwhile_);
      fault = std::exchange(fault_, Fault::kNone);
    }
    if (meanwhile) meanwhile();
    return fault;
  }
  std::vector<disclosure::Spent> Days(const std::string& account, const std::string& dataset) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::vector<disclosure::Spent> days;
    if (const auto found = spent_.find({account, dataset}); found != spent_.end()) {
      for (const auto& [day, nats] : found->second) days.push_back({day, nats});
    }
    return days;
  }

  const disclosure::Policy policy_;
  mutable Mutex mutex_;
  std::function<void()> meanwhile_ ABSL_GUARDED_BY(mutex_);
  Fault fault_ ABSL_GUARDED_BY(mutex_) = Fault::kNone;
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Question, std::int64_t> asked_ ABSL_GUARDED_BY(mutex_);
  std::map<Budget, NatsByDay> spent_ ABSL_GUARDED_BY(mutex_);
  std::map<std::int64_t, Slice> slices_ ABSL_GUARDED_BY(mutex_);
};

// A window of four days, so that it slides within a test; everybody has 16 budgets.
disclosure::Policy ShortPolicy() {
  disclosure::Policy policy;
  policy.budget_days = 4;
  policy.everybody = 16;
  return policy;
}

// What a question costs follows from the question, as the answer does; most cost little.
Spending Asked(const disclosure::Policy& policy, const std::string& dataset, int question) {
  constexpr double kShares[] = {0, 0.001, 0.002, 0.005, 0.01, 0.05};
  const double worst = disclosure::WorstCharge(policy, question % 10 == 0);
  const double share = question % 25 == 7 ? 1 : question % 25 == 8 ? 0.4 : kShares[question % 6];
  return {dataset, std::to_string(question), share * worst, worst};
}

struct Step {
  enum What { kAsk, kSettle, kWait, kKill, kDown, kNoReply } what = kAsk;
  int replica = 0;
  std::string account;
  std::vector<std::string> datasets;
  int question = 0;
  milliseconds wait{0};
};

// Most are questions, and most of the account that asked before: few accounts about few datasets,
// close to each other.
class Steps {
 public:
  Steps(std::uint32_t seed, int replicas, bool with_kills)
      : random_(seed), replicas_(replicas), with_kills_(with_kills) {}

  int Count() { return 1 + Below(400); }
  Step Next() {
    using What = Step::What;
    Step step;
    const int what = Below(with_kills_ ? 33 : 30);
    step.what = what < 25   ? What::kAsk
                : what < 26 ? What::kSettle
                : what < 28 ? What::kWait
                : what < 29 ? What::kDown
                : what < 30 ? What::kNoReply
                            : What::kKill;
    step.replica = Below(replicas_);
    if (Below(6) == 0) account_ = Below(4);
    step.account = std::array{"ann", "bob", "cy", "anonymous"}[static_cast<std::size_t>(account_)];
    const int datasets = Below(8);
    if (datasets != 7) step.datasets.push_back("A");
    if (datasets >= 6) step.datasets.push_back("B");
    step.question = Below(200);
    step.wait = std::array{milliseconds(300), milliseconds(2'000), milliseconds(7'000),
                           milliseconds(24 * 3'600'000)}[static_cast<std::size_t>(Below(4))];
    return step;
  }

 private:
  int Below(int n) { return std::uniform_int_distribution(0, n - 1)(random_); }

  std::mt19937 random_;
  const int replicas_;
  const bool with_kills_;
  int account_ = 0;
};

std::vector<Spending> SpendingsOf(const disclosure::Policy& policy, const Step& step) {
  std::vector<Spending> spendings;
  for (const std::string& dataset : step.datasets)
    spendings.push_back(Asked(policy, dataset, step.question));
  return spendings;
}

double Since(const NatsByDay& nats, std::int64_t day) {
  double sum = 0;
  for (auto it = nats.lower_bound(day); it != nats.end(); ++it) sum += it->second;
  return sum;
}

// What was told for the first time, by day. What was charged before, and not told because the reply
// was lost, counts on that day.
class Told {
 public:
  void Add(const std::string& account, const Spending& spending, const ModelStore& store,
           Time now) {
    const Question question{account, spending.dataset, spending.question};
    if (!seen_.insert(question).second) return;
    const std::int64_t day = std::min(DayOf(now), store.ChargedOn(question).value_or(DayOf(now)));
    nats_[{account, spending.dataset}][day] += spending.nats;
    nats_[{kEverybody, spending.dataset}][day] += spending.nats;
  }
  // Whatever the window, what was told in it is charged in it, and that is within the budget.
  void Check(const ModelStore& store, const disclosure::Policy& policy, Time now) const {
    const auto spent = store.spent();
    for (const auto& [budget, told] : nats_) {
      const auto found = spent.find(budget);
      RC_ASSERT(found != spent.end());
      for (const auto& [day, nats] : told)
        RC_ASSERT(Since(told, day) <= Since(found->second, day) + kRounding);
    }
    for (const auto& [budget, days] : spent) {
      const double limit =
          disclosure::BudgetOf(policy) * (budget.account == kEverybody ? policy.everybody : 1);
      for (const auto& [day, nats] : days) RC_ASSERT(nats >= -kRounding);
      RC_ASSERT(Since(days, DayOf(now) - policy.budget_days + 1) <= limit + kRounding);
    }
  }

 private:
  std::set<Question> seen_;
  std::map<Budget, NatsByDay> nats_;
};

class BudgetSlicesTest : public ::testing::Test {
 protected:
  // In shares of the worst that a question could cost, of which the budget holds 4.1.
  bool Ask(const std::string& account, const std::string& question, double share) {
    return Ask(budgets_, account, question, share);
  }
  bool Ask(Budgets& budgets, const std::string& account, const std::string& question,
           double share) {
    refused_ = budgets.Charge(ctx_, account, {{"A", question, share * worst_, worst_}});
    return refused_.ok() && refused_->empty();
  }
  double Spent(const std::string& account, Time when) {
    return store_.spent()[Budget{account, "A"}][DayOf(when)] / worst_;
  }
  // How often the store was asked since the last time.
  int Calls() { return store_.calls() - std::exchange(calls_, store_.calls()); }

  const Context ctx_ = Context::Background();
  disclosure::Policy policy_ = [] {
    disclosure::Policy policy;
    policy.everybody = 40;  // 164 worst questions, of which slices hold 16.4: 13 slices
    return policy;
  }();
  const double worst_ = disclosure::WorstCharge(policy_);
  ModelStore store_{policy_};
  testing::FakeClock clock_;
  Budgets budgets_{store_, clock_, disclosure::MostOpen(policy_)};
  Result<Refused> refused_ = Refused();
  int calls_ = 0;
};

TEST_F(BudgetSlicesTest, WhatFollowsTheFirstQuestionIsToldWithoutTheStore) {
  EXPECT_TRUE(Ask("ann", "first", 0.5));
  EXPECT_EQ(Calls(), 1);
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.5 + 1.25, 1e-9) << "a quarter more than the worst";
  EXPECT_NEAR(Spent(kEverybody, clock_.Now()), 0.5 + 1.25, 1e-9);
  store_.Fail(ModelStore::Fault::kDown);
  for (const char* question : {"first", "second", "third", "second"})
    EXPECT_TRUE(Ask("ann", question, 0.1)) << question;
  EXPECT_EQ(Calls(), 0);
  store_.Fail(ModelStore::Fault::kNone);
  clock_.Advance(Budgets::kSliceLife - milliseconds(1));
  ASSERT_THAT(budgets_.Settle(ctx_), IsOk());
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.5 + 1.25, 1e-9) << "its time is not over";
  clock_.Advance(milliseconds(1));
  ASSERT_THAT(budgets_.Settle(ctx_), IsOk());
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.5 + 0.1 + 0.1, 1e-9);
  EXPECT_NEAR(Spent(kEverybody, clock_.Now()), 0.5 + 0.1 + 0.1, 1e-9);
  // Who starts anew finds what was told.
  Budgets restarted(store_, clock_);
  EXPECT_TRUE(Ask(restarted, "ann", "third", 0.1));
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.5 + 0.1 + 0.1, 1e-9);
}

TEST_F(BudgetSlicesTest, ASliceWithoutRoomForTheWorstMakesWayForANewOne) {
  EXPECT_TRUE(Ask("ann", "a", 0.01));
  EXPECT_TRUE(Ask("ann", "b", 0.3));  // 0.95 are left
  EXPECT_EQ(Calls(), 1);
  EXPECT_TRUE(Ask("ann", "c", 0.01));
  EXPECT_EQ(Calls(), 1);
  EXPECT_EQ(store_.slices(), 2U);
  EXPECT_TRUE(Ask("ann", "d", 0.01));
  EXPECT_EQ(Calls(), 0);
  ASSERT_THAT(budgets_.Settle(ctx_), IsOk());
  EXPECT_EQ(store_.slices(), 1U) << "what is full need not wait for its time";
}

TEST_F(BudgetSlicesTest, WithoutTheStoreASliceEndsWithItsTime) {
  EXPECT_TRUE(Ask("ann", "first", 0.1));
  clock_.Advance(Budgets::kSliceLife);
  store_.Fail(ModelStore::Fault::kDown);
  EXPECT_FALSE(Ask("ann", "second", 0.1));
  EXPECT_THAT(refused_, testing::HasReason("BUDGET_UNKNOWN"));
  EXPECT_TRUE(Ask("ann", "first", 0.1));
}

TEST_F(BudgetSlicesTest, WhatIsToldOnADayIsChargedOnThatDay) {
  clock_.Set(FromUnixSeconds(20'454 * 86'400 - 1));
  const Time today = clock_.Now(), tomorrow = today + std::chrono::seconds(2);
  EXPECT_TRUE(Ask("ann", "a", 0.1));
  EXPECT_TRUE(Ask("ann", "b", 0.1));
  clock_.Set(tomorrow);
  EXPECT_TRUE(Ask("ann", "c", 0.1));
  EXPECT_EQ(Calls(), 2);
  ASSERT_THAT(budgets_.Settle(ctx_, true), IsOk());
  EXPECT_NEAR(Spent("ann", today), 0.2, 1e-9);
  EXPECT_NEAR(Spent("ann", tomorrow), 0.1, 1e-9);
}

TEST_F(BudgetSlicesTest, NearTheLimitEachQuestionIsChargedByItself) {
  // Of 4.1 times the worst 2.8 are told, which leaves less than two slices.
  for (const char* question : {"a", "b", "c", "d"}) EXPECT_TRUE(Ask("ann", question, 0.7));
  ASSERT_THAT(budgets_.Settle(ctx_, true), IsOk());
  Calls();
  EXPECT_TRUE(Ask("ann", "e", 0.01));
  EXPECT_TRUE(Ask("ann", "f", 0.01));
  EXPECT_EQ(Calls(), 2);
  EXPECT_EQ(store_.slices(), 0U);
}

TEST_F(BudgetSlicesTest, OpenSlicesAreFew) {
  for (int account = 0; account < 50; ++account)
    EXPECT_TRUE(Ask("account " + std::to_string(account), "q", 0.01));
  EXPECT_EQ(store_.slices(), 13U);
  EXPECT_TRUE(Ask(std::string(kCatalogueAccount), "q", 0.01));
  clock_.Advance(Budgets::kSliceLife);
  ASSERT_THAT(budgets_.Settle(ctx_), IsOk());
  EXPECT_EQ(store_.slices(), 0U);
  EXPECT_TRUE(Ask(std::string(kCatalogueAccount), "r", 0.01));
  EXPECT_EQ(store_.slices(), 0U) << "it asks once";
}

TEST_F(BudgetSlicesTest, SlicesThatAreBeingSettledAreStillOpen) {
  int account = 0;
  const auto ask_many = [&] {
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(Ask("account " + std::to_string(++account), "q", 0));
  };
  ask_many();
  EXPECT_EQ(store_.slices(), 13U);
  clock_.Advance(Budgets::kSliceLife);
  store_.Fail(ModelStore::Fault::kDown);
  EXPECT_FALSE(budgets_.Settle(ctx_).ok());
  ask_many();
  EXPECT_EQ(store_.slices(), 13U) << "the store was away, and holds the old ones";
  store_.Meanwhile(ask_many);
  ASSERT_THAT(budgets_.Settle(ctx_), IsOk());
  EXPECT_EQ(store_.slices(), 0U) << "all were still there when others asked";
  ask_many();
  EXPECT_EQ(store_.slices(), 13U);
}

TEST_F(BudgetSlicesTest, SlicesOfAllDatasetsAreCounted) {
  policy_.everybody = 1e6;
  ModelStore store(policy_);
  Budgets budgets(store, clock_, disclosure::MostOpen(policy_));
  int account = 0;
  const auto ask_many = [&](int n) {
    for (int i = 0; i < n; ++i)
      EXPECT_TRUE(Ask(budgets, "account " + std::to_string(++account), "q", 0));
  };
  ask_many(4'100);
  EXPECT_EQ(store.slices(), 4'096U);
  clock_.Advance(Budgets::kSliceLife);
  store.Fail(ModelStore::Fault::kDown);
  EXPECT_FALSE(budgets.Settle(ctx_).ok());
  ask_many(10);
  EXPECT_EQ(store.slices(), 4'096U) << "none of them is settled";
}

// Before somebody is refused because all have been told enough, what others hold is given back.
TEST_F(BudgetSlicesTest, NobodyIsRefusedForWhatTheReplicaItselfHolds) {
  policy_.everybody = 4;  // 16.4 worst questions, of which slices hold 1.64: one
  ModelStore store(policy_);
  Budgets budgets(store, clock_, disclosure::MostOpen(policy_));
  EXPECT_TRUE(Ask(budgets, "ann", "q", 0.01));
  EXPECT_EQ(store.slices(), 1U);
  int told = 0;
  for (const char* account : {"b", "c", "d", "e"}) {
    for (const char* question : {"1", "2", "3", "4"}) told += Ask(budgets, account, question, 1);
  }
  EXPECT_EQ(told, 16) << "with the slice these are more than all may be told";
  EXPECT_EQ(store.slices(), 0U);
}

TEST_F(BudgetSlicesTest, AQuestionThatTwoReplicasToldIsChargedOnce) {
  Budgets other(store_, clock_, disclosure::MostOpen(policy_));
  EXPECT_TRUE(Ask("ann", "a", 0.1));
  EXPECT_TRUE(Ask(other, "ann", "b", 0.1));
  EXPECT_TRUE(Ask("ann", "c", 0.2));
  EXPECT_TRUE(Ask(other, "ann", "c", 0.2));
  ASSERT_THAT(budgets_.Settle(ctx_, true), IsOk());
  ASSERT_THAT(other.Settle(ctx_, true), IsOk());
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.1 + 0.1 + 0.2, 1e-9);
}

TEST_F(BudgetSlicesTest, ASettlementThatWasNotHeardOfIsNotMadeTwice) {
  EXPECT_TRUE(Ask("ann", "a", 0.1));
  EXPECT_TRUE(Ask("ann", "b", 0.1));
  store_.Fail(ModelStore::Fault::kNoReply);
  EXPECT_FALSE(budgets_.Settle(ctx_, true).ok());
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.2, 1e-9);
  ASSERT_THAT(budgets_.Settle(ctx_, true), IsOk());
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.2, 1e-9);
}

TEST_F(BudgetSlicesTest, WhoIsKilledLeavesMoreChargedThanTold) {
  {
    Budgets killed(store_, clock_, disclosure::MostOpen(policy_));
    EXPECT_TRUE(Ask(killed, "ann", "a", 0.1));
    EXPECT_TRUE(Ask(killed, "ann", "b", 0.1));
  }
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.1 + 1.25, 1e-9);
  Budgets restarted(store_, clock_);
  EXPECT_TRUE(Ask(restarted, "ann", "a", 0.1)) << "was charged by itself";
  EXPECT_TRUE(Ask(restarted, "ann", "b", 0.1)) << "is charged again";
  EXPECT_NEAR(Spent("ann", clock_.Now()), 0.1 + 1.25 + 0.1, 1e-9);
}

TEST(BudgetsProperty, NeverIsMoreToldThanChargedNorChargedThanTheBudget) {
  const Context ctx = Context::Background();
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    Steps steps(seed, 3, true);
    const disclosure::Policy policy = ShortPolicy();
    ModelStore store(policy);
    testing::FakeClock clock(kBeforeMidnight);
    auto start = [&] {
      return std::make_unique<Budgets>(store, clock, disclosure::MostOpen(policy));
    };
    std::vector<std::unique_ptr<Budgets>> replicas;
    for (int i = 0; i < 3; ++i) replicas.push_back(start());
    Told told;
    for (int left = steps.Count(); left > 0; --left) {
      const Step step = steps.Next();
      auto& replica = replicas[static_cast<std::size_t>(step.replica)];
      switch (step.what) {
        case Step::kAsk: {
          const auto spendings = SpendingsOf(policy, step);
          const auto refused = replica->Charge(ctx, step.account, spendings);
          for (const Spending& spending : spendings) {
            if (refused.ok() && !refused->contains(spending.dataset))
              told.Add(step.account, spending, store, clock.Now());
          }
          break;
        }
        case Step::kSettle:
          (void)replica->Settle(ctx);
          break;
        case Step::kWait:
          clock.Advance(step.wait);
          break;
        case Step::kKill:
          replica = start();
          break;
        case Step::kDown:
          store.Fail(ModelStore::Fault::kDown);
          break;
        case Step::kNoReply:
          store.Fail(ModelStore::Fault::kNoReply);
          break;
      }
      told.Check(store, policy, clock.Now());
    }
  }));
}

// The other one charges each question by itself, as if there were no slices. Settlements may fail
// or not be heard of; then a question is asked again.
TEST(BudgetsProperty, OneReplicaTellsRefusesAndChargesAsWithoutSlices) {
  const Context ctx = Context::Background();
  int asked = 0, sliced_calls = 0, exact_calls = 0;
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    Steps steps(seed, 1, false);
    const disclosure::Policy policy = ShortPolicy();
    ModelStore store(policy), exact_store(policy);
    testing::FakeClock clock(kBeforeMidnight);
    Budgets budgets(store, clock, disclosure::MostOpen(policy)), exact(exact_store, clock);
    for (int left = steps.Count(); left > 0; --left) {
      const Step step = steps.Next();
      if (step.what == Step::kAsk) {
        const auto spendings = SpendingsOf(policy, step);
        const auto refused = budgets.Charge(ctx, step.account, spendings);
        const auto expected = exact.Charge(ctx, step.account, spendings);
        RC_ASSERT(refused.ok() && expected.ok());
        RC_ASSERT(*refused == *expected);
        ++asked;
      } else if (step.what == Step::kWait) {
        clock.Advance(step.wait);
      } else {
        if (step.what == Step::kDown) store.Fail(ModelStore::Fault::kDown);
        if (step.what == Step::kNoReply) store.Fail(ModelStore::Fault::kNoReply);
        (void)budgets.Settle(ctx);
        store.Fail(ModelStore::Fault::kNone);
      }
    }
    RC_ASSERT(budgets.Settle(ctx, true).ok());
    const auto spent = store.spent();
    for (const auto& [budget, days] : exact_store.spent()) {
      for (const auto& [day, nats] : days)
        RC_ASSERT(std::abs(spent.at(budget).at(day) - nats) < kRounding);
    }
    sliced_calls += store.calls();
    exact_calls += exact_store.calls();
  }));
  std::printf("  %d questions: %d went to the store, without slices %d\n", asked, sliced_calls,
              exact_calls);
  EXPECT_LT(sliced_calls, exact_calls);
}

// What one replica holds open in the store, of one dataset, is at most a tenth of everybody's
// budget, whatever fails or happens while the store is asked. (A slice of which the replica never
// heard is as one of a killed replica, so charges always come back here.)
TEST(BudgetsProperty, NeverIsMoreHeldOpenThanATenth) {
  const Context ctx = Context::Background();
  double most_seen = 0, smallest = 0;
  EXPECT_TRUE(rc::check([&](std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto below = [&](int n) { return std::uniform_int_distribution(0, n - 1)(random); };
    const disclosure::Policy policy = ShortPolicy();
    const double most = disclosure::MostOpen(policy);
    smallest = disclosure::SliceFor(disclosure::WorstCharge(policy)) / most;
    ModelStore store(policy);
    testing::FakeClock clock(kBeforeMidnight);
    Budgets budgets(store, clock, most);
    const auto ask = [&] {
      const std::string dataset = below(3) == 0 ? "B" : "A";
      const auto refused = budgets.Charge(ctx, "account " + std::to_string(below(40)),
                                          {Asked(policy, dataset, below(200))});
      RC_ASSERT(refused.ok());
    };
    const auto check = [&] {
      for (const char* dataset : {"A", "B"}) {
        RC_ASSERT(store.NatsOpen(dataset) <= most + kRounding);
        most_seen = std::max(most_seen, store.NatsOpen(dataset) / most);
      }
    };
    for (int left = 1 + below(200); left > 0; --left) {
      const int what = below(20);
      if (below(4) == 0) {
        store.Meanwhile([&] {
          for (int asked = below(8); asked > 0; --asked) ask();
          check();
        });
      }
      if (what < 15) {
        ask();
      } else if (what < 17) {
        clock.Advance(milliseconds(2'000));
      } else {
        if (what == 18) store.Fail(ModelStore::Fault::kDown);
        if (what == 19) store.Fail(ModelStore::Fault::kNoReply);
        (void)budgets.Settle(ctx);
        store.Fail(ModelStore::Fault::kNone);
      }
      check();
    }
  }));
  EXPECT_GT(most_seen + smallest, 1) << "the bound was never reached";
}

// Threads of two replicas, of which one is settled all the time.
TEST(BudgetsProperty, ThreadsTogetherAreToldNoMoreThanIsCharged) {
  const Context ctx = Context::Background();
  const disclosure::Policy policy;
  ModelStore store(policy);
  testing::FakeClock clock;
  Budgets one(store, clock, disclosure::MostOpen(policy)),
      other(store, clock, disclosure::MostOpen(policy));
  Mutex mutex;
  std::map<std::string, double> told;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 500; ++i) {
          // Each question is asked by two threads, of one replica or of both.
          const double worst = disclosure::WorstCharge(policy);
          const Spending spending{"A", std::to_string(i + 500 * (thread / 2)),
                                  0.005 * (1 + i % 2) * worst, worst};
          Budgets& budgets = (thread + i / 100) % 2 == 0 ? one : other;
          const auto refused = budgets.Charge(ctx, "ann", {spending});
          ASSERT_THAT(refused, IsOk());
          if (!refused->empty()) continue;
          MutexLock lock(mutex);
          told[spending.question] = spending.nats;
        }
      });
    }
    threads.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) ASSERT_THAT(one.Settle(ctx, true), IsOk());
    });
    for (int thread = 0; thread < 4; ++thread) threads[static_cast<std::size_t>(thread)].join();
  }
  double sum = 0;
  for (const auto& [question, nats] : told) sum += nats;
  EXPECT_GT(told.size(), 100U);
  const auto spent = [&](const std::string& account) {
    return store.spent()[Budget{account, "A"}][DayOf(clock.Now())];
  };
  EXPECT_LE(sum, spent("ann") + kRounding);
  ASSERT_THAT(one.Settle(ctx, true), IsOk());
  ASSERT_THAT(other.Settle(ctx, true), IsOk());
  EXPECT_NEAR(spent("ann"), sum, kRounding) << "each question once";
  EXPECT_NEAR(spent(kEverybody), sum, kRounding);
}

}  // namespace
}  // namespace genofed::discovery
