// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/hub_discovery.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "libs/core/retry_after.h"
#include "libs/core/strings.h"
#include "services/discovery/adapters/proto_mapping.h"
#include "services/discovery/adapters/worker_pool.h"

namespace genofed::discovery {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

using Done = NodeClient::Done<Answer>;

// Holds back what is told until it is opened.
class Gate {
 public:
  void Pass(std::function<void()> tell) {
    {
      std::lock_guard lock(mutex_);
      if (!open_) return held_.push_back(std::move(tell));
    }
    tell();
  }
  void Open() {
    std::vector<std::function<void()>> held;
    {
      std::lock_guard lock(mutex_);
      open_ = true;
      held.swap(held_);
    }
    for (const auto& tell : held) tell();
  }

 private:
  std::mutex mutex_;
  bool open_ = false;
  std::vector<std::function<void()>> held_;
};

// With a gate it ignores its deadline altogether.
class FakeNode final : public NodeClient {
 public:
  FakeNode(std::string site, Status status, Gate* gate = nullptr)
      : site_(std::move(site)), status_(std::move(status)), gate_(gate) {}
  const std::string& site() const override { return site_; }
  void Ask(const Context&, const Query&, Done<Answer> done) override {
    if (gate_ == nullptr) return done(Say());
    gate_->Pass([done = std::move(done), answer = Say()] { done(answer); });
  }
  void Terms(const Context&, Done<std::vector<FilteringTerm>> done) override {
    if (!status_.ok()) return done(status_);
    done(std::vector<FilteringTerm>{{"HP:0001250", "a node's own words"}, {"HP:" + site_, ""}});
  }

 private:
  Result<Answer> Say() const {
    if (!status_.ok()) return status_;
    Answer answer;
    answer.minimum_count = 5;
    std::string country = {static_cast<char>(site_[0] - 32), static_cast<char>(site_[1] - 32)};
    answer.datasets = {{"GOE-" + country + "-A-1", 1, country, true, 10, {}}};
    return answer;
  }

  std::string site_;
  Status status_;
  Gate* gate_;
};

std::unique_ptr<NodeClient> MakeNode(std::string site, Status status, Gate* gate = nullptr) {
  return std::make_unique<FakeNode>(std::move(site), std::move(status), gate);
}

// No hedges, no memory: each test says what it needs.
HubDiscovery::Options Patient() {
  HubDiscovery::Options options;
  options.node_deadline = std::chrono::seconds(10);
  options.hedge_after = options.cache_lifetime = milliseconds(0);
  options.breaker_failures = 1000;
  options.floor = 5;
  return options;
}
HubDiscovery::Options Brief() {
  HubDiscovery::Options options = Patient();
  options.node_deadline = milliseconds(50);
  return options;
}

Query Counting() {
  Query query;
  query.granularity = Granularity::kCount;
  return query;
}

TEST(HubDiscovery, TellsHowEveryNodeFared) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(MakeNode("es", absl::OkStatus()));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  nodes.push_back(MakeNode("pt", Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "x")));
  nodes.push_back(MakeNode("se", Error(StatusCode::kUnavailable, "CONSENT_STALE", "x")));
  nodes.push_back(MakeNode("si", Error(StatusCode::kDeadlineExceeded, "X", "x")));
  HubDiscovery hub(std::move(nodes), Patient());
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.count, 20);
  ASSERT_EQ(answer.members.size(), 5u);
  const MemberState expected[] = {MemberState::kAnswered, MemberState::kAnswered,
                                  MemberState::kUnreachable, MemberState::kRefused,
                                  MemberState::kTimedOut};
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(answer.members[i].state, expected[i]) << answer.members[i].site;
  const std::vector<FilteringTerm> terms = {
      {"HP:0001250", "Seizure"}, {"HP:es", ""}, {"HP:fi", ""}};
  EXPECT_EQ(hub.Terms(Context::Background()), terms);
}

TEST(HubDiscovery, AHangingNodeDelaysNobodyBeyondTheDeadlineHoweverOftenItIsAsked) {
  Gate gate;
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(MakeNode("es", absl::OkStatus(), &gate));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  HubDiscovery hub(std::move(nodes), Brief());
  for (int i = 0; i < 5; ++i) {
    const auto start = steady_clock::now();
    const Answer answer = *hub.Run(Context::Background(), Counting());
    EXPECT_LT(steady_clock::now() - start, milliseconds(1000));
    EXPECT_EQ(answer.count, 10);
    EXPECT_EQ(answer.members[0].state, MemberState::kTimedOut);
    EXPECT_GE(answer.members[0].milliseconds, 50);
    EXPECT_EQ(answer.members[1].state, MemberState::kAnswered);
  }
  gate.Open();
}

// Does what a script says, and counts how often it was asked.
class ScriptedNode final : public NodeClient {
 public:
  using Script = std::function<void(const Context& ctx, int nth, Done<Answer> done)>;
  ScriptedNode(std::string site, Script script, std::atomic<int>* asked)
      : site_(std::move(site)), script_(std::move(script)), asked_(asked) {}
  const std::string& site() const override { return site_; }
  void Ask(const Context& ctx, const Query&, Done<Answer> done) override {
    script_(ctx, ++*asked_, std::move(done));
  }
  void Terms(const Context&, Done<std::vector<FilteringTerm>> done) override {
    done(std::vector<FilteringTerm>());
  }

 private:
  const std::string site_;
  const Script script_;
  std::atomic<int>* const asked_;
};

Answer Fourteen(std::int64_t epoch = 1) {
  Answer answer;
  answer.minimum_count = 5;
  answer.epoch = epoch;
  answer.datasets = {{"GOE-FI-A-1", 1, "FI", true, 14, {}}};
  return answer;
}

std::vector<std::unique_ptr<NodeClient>> Scripted(ScriptedNode::Script script,
                                                  std::atomic<int>* asked) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(std::make_unique<ScriptedNode>("fi", std::move(script), asked));
  return nodes;
}

TEST(HubDiscovery, ASlowNodeIsAskedTwiceAndTheFirstAnswerCounts) {
  Gate gate;
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Patient();
  options.hedge_after = milliseconds(20);
  {
    HubDiscovery hub(Scripted(
                         [&](const Context&, int nth, Done done) {
                           if (nth > 1) return done(Fourteen());
                           gate.Pass([done] { done(Fourteen()); });
                         },
                         &asked),
                     options);
    const Answer answer = *hub.Run(Context::Background(), Counting());
    EXPECT_EQ(answer.count, 14);
    EXPECT_EQ(answer.members[0].state, MemberState::kAnswered);
    EXPECT_EQ(asked, 2);
    gate.Open();
  }
}

// Whichever of the two it is; and what the other says then is no failure either.
TEST(HubDiscovery, OfTwoAnswersOneCounts) {
  for (const int first : {1, 2}) {
    std::vector<Done> held(1);
    std::atomic<int> asked = 0;
    HubDiscovery::Options options = Patient();
    options.hedge_after = milliseconds(5);
    options.breaker_failures = 1;
    HubDiscovery hub(Scripted(
                         [&](const Context&, int nth, Done done) {
                           held.push_back(std::move(done));
                           if (nth != 2) return;
                           held.at(static_cast<std::size_t>(first))(Fourteen());
                           Answer other = Fourteen();
                           other.datasets[0].count = 99;
                           held.at(static_cast<std::size_t>(3 - first))(other);
                         },
                         &asked),
                     options);
    for (int i = 0; i < 2; ++i) {
      asked = 0;
      held.resize(1);
      const Answer answer = *hub.Run(Context::Background(), Counting());
      EXPECT_EQ(answer.count, 14);
      EXPECT_EQ(answer.members[0].state, MemberState::kAnswered);
      EXPECT_EQ(asked, 2);
    }
  }
}

TEST(HubDiscovery, AFailureAfterAnAnswerIsNone) {
  Done loser;
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Patient();
  options.hedge_after = milliseconds(5);
  options.breaker_failures = 1;
  options.breaker_pause = milliseconds(600'000);
  HubDiscovery hub(Scripted(
                       [&](const Context&, int nth, Done done) {
                         if (nth == 1) return void(loser = std::move(done));
                         done(Fourteen());
                         if (nth == 2) loser(Error(StatusCode::kInternal, "BROKEN", "x"));
                       },
                       &asked),
                   options);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(hub.Run(Context::Background(), Counting())->members[0].state, MemberState::kAnswered);
  EXPECT_EQ(asked, 3);
}

TEST(HubDiscovery, ALateAnswerIsNobodysAndTheNextOneCounts) {
  Gate gate;
  std::atomic<int> asked = 0;
  HubDiscovery hub(Scripted(
                       [&](const Context&, int nth, Done done) {
                         Answer answer = Fourteen();
                         answer.datasets[0].count = nth == 1 ? 99 : 14;
                         gate.Pass([done, answer] { done(answer); });
                       },
                       &asked),
                   Brief());
  EXPECT_EQ(hub.Run(Context::Background(), Counting())->members[0].state, MemberState::kTimedOut);
  std::jthread late([&] { gate.Open(); });
  late.join();
  EXPECT_EQ(hub.Run(Context::Background(), Counting())->count, 14);
}

TEST(HubDiscovery, ItsEndWaitsForCallsThatAreUnderWay) {
  Done held;
  std::atomic<int> asked = 0;
  std::atomic<bool> told = false;
  auto hub = std::make_unique<HubDiscovery>(
      Scripted([&](const Context&, int, Done done) { held = std::move(done); }, &asked), Brief());
  EXPECT_EQ(hub->Run(Context::Background(), Counting())->members[0].state, MemberState::kTimedOut);
  std::jthread late([&] {
    std::this_thread::sleep_for(milliseconds(50));
    told = true;
    held(Fourteen());
  });
  hub.reset();
  EXPECT_TRUE(told);
}

// Says nothing until nobody waits for it any more.
struct UntilCancelled {
  UntilCancelled(const Context& ctx, Done done, std::atomic<int>* cancelled)
      : stop(ctx.stop(), [done = std::move(done), cancelled] {
          ++*cancelled;
          done(Error(StatusCode::kCancelled, "CANCELLED", "x"));
        }) {}
  std::stop_callback<std::function<void()>> stop;
};

TEST(HubDiscovery, WhatNobodyWaitsForIsCancelled) {
  std::vector<std::unique_ptr<UntilCancelled>> waiting;
  std::atomic<int> asked = 0, cancelled = 0;
  std::atomic<bool> up = false;
  HubDiscovery::Options options = Patient();
  options.hedge_after = milliseconds(20);
  HubDiscovery hub(
      Scripted(
          [&](const Context& ctx, int nth, Done done) {
            if (up && nth % 2 == 0) return done(Fourteen());
            waiting.push_back(std::make_unique<UntilCancelled>(ctx, std::move(done), &cancelled));
          },
          &asked),
      options);
  // After the deadline: both attempts.
  const Context hurried = Context::Background().WithTimeout(milliseconds(60));
  EXPECT_EQ(hub.Run(hurried, Counting())->members[0].state, MemberState::kTimedOut);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(cancelled, 2);
  // When the other one has answered.
  up = true;
  EXPECT_EQ(hub.Run(Context::Background(), Counting())->count, 14);
  EXPECT_EQ(asked, 4);
  EXPECT_EQ(cancelled, 3);
  // When whoever asked breaks off.
  up = false;
  std::stop_source stop;
  std::jthread breaks_off([&] {
    while (asked < 5) std::this_thread::yield();
    stop.request_stop();
  });
  ASSERT_TRUE(hub.Run(Context::Background().WithStop(stop.get_token()), Counting()).ok());
  EXPECT_EQ(cancelled, asked - 1);
}

// A member that hangs, and hears no cancellation either, has so many calls and no more.
TEST(HubDiscovery, CallsOfOneMemberDoNotPileUp) {
  Gate gate;
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Patient();
  options.max_calls = 2;
  HubDiscovery hub(
      Scripted([&](const Context&, int, Done done) { gate.Pass([done] { done(Fourteen()); }); },
               &asked),
      options);
  for (int i = 0; i < 2; ++i) {
    const Context hurried = Context::Background().WithTimeout(milliseconds(20));
    EXPECT_EQ(hub.Run(hurried, Counting())->members[0].state, MemberState::kTimedOut);
  }
  // Without a wait for its deadline, which is not near.
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.members[0].state, MemberState::kTimedOut);
  EXPECT_EQ(answer.members[0].milliseconds, 0);
  EXPECT_EQ(asked, 2);
  gate.Open();
  EXPECT_EQ(hub.Run(Context::Background(), Counting())->count, 14);
  EXPECT_EQ(asked, 3);
}

TEST(HubDiscovery, WhoFailsAgainAndAgainIsLeftInPeaceAndTriedOnceAfterAPause) {
  std::atomic<int> asked = 0;
  std::atomic<bool> up = false;
  HubDiscovery::Options options = Patient();
  options.breaker_failures = 3;
  options.breaker_pause = milliseconds(60'000);
  HubDiscovery hub(Scripted(
                       [&](const Context&, int, Done done) {
                         if (up) return done(Fourteen());
                         done(Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "x"));
                       },
                       &asked),
                   options);
  for (int i = 0; i < 10; ++i) {
    const Answer answer = *hub.Run(Context::Background(), Counting());
    EXPECT_EQ(answer.members[0].state, MemberState::kUnreachable);
  }
  EXPECT_EQ(asked, 9) << "each time twice more";
}

// By whoever asked: the thread on which a member answers is not kept for a call or a pause.
TEST(HubDiscovery, WhoIsNotReachedIsAskedAgain) {
  std::atomic<int> asked = 0;
  const auto workers = MakeWorkerPool(1, 4);
  const auto asking = std::this_thread::get_id();
  HubDiscovery hub(
      Scripted(
          [&](const Context&, int nth, Done done) {
            EXPECT_EQ(std::this_thread::get_id(), asking);
            workers->Submit([nth, done = std::move(done)] {
              if (nth > 2) return done(Fourteen());
              done(Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "a lost connection"));
            });
          },
          &asked),
      Patient());
  EXPECT_EQ(hub.Run(Context::Background(), Counting())->count, 14);
  EXPECT_EQ(asked, 3);
}

// Says nothing until it is told to give up, and then that it gave up.
Result<Answer> UntilTheDeadline(const Context& ctx) {
  while (ctx.Alive().ok()) std::this_thread::sleep_for(milliseconds(1));
  return ctx.Alive();
}

class HangingNode final : public NodeClient {
 public:
  HangingNode(std::atomic<bool>* up, std::atomic<int>* asked) : up_(up), asked_(asked) {}
  const std::string& site() const override { return site_; }
  void Ask(const Context& ctx, const Query&, Done<Answer> done) override {
    ++*asked_;
    if (*up_) return done(Fourteen());
    workers_->Submit([ctx, done = std::move(done)] { done(UntilTheDeadline(ctx)); });
  }
  void Terms(const Context&, Done<std::vector<FilteringTerm>> done) override {
    done(std::vector<FilteringTerm>());
  }

 private:
  const std::string site_ = "fi";
  std::atomic<bool>* const up_;
  std::atomic<int>* const asked_;
  const std::unique_ptr<WorkerPool> workers_ = MakeWorkerPool(4, 16);
};

std::vector<std::unique_ptr<NodeClient>> Hanging(std::atomic<bool>* up, std::atomic<int>* asked) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(std::make_unique<HangingNode>(up, asked));
  return nodes;
}

TEST(HubDiscovery, AQuestionIsOneFailureHoweverOftenTheMemberWasAsked) {
  std::atomic<bool> up = false;
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Brief();
  options.hedge_after = milliseconds(10);
  options.breaker_failures = 3;
  options.breaker_pause = milliseconds(600'000);
  HubDiscovery hub(Hanging(&up, &asked), options);
  for (int i = 0; i < 3; ++i) {
    const Answer answer = *hub.Run(Context::Background(), Counting());
    EXPECT_EQ(answer.members[0].state, MemberState::kTimedOut) << i;
  }
  EXPECT_EQ(asked, 6);
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.members[0].state, MemberState::kUnreachable);
  EXPECT_EQ(asked, 6);
}

// Anybody may ask with a deadline of a millisecond, or break off: that says nothing about members.
TEST(HubDiscovery, WhoIsInAHurryOrBreaksOffOpensNoBreaker) {
  std::atomic<bool> up = false;
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Patient();
  options.hedge_after = milliseconds(5);
  options.breaker_failures = 1;
  options.breaker_pause = milliseconds(600'000);
  HubDiscovery hub(Hanging(&up, &asked), options);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(hub.Run(Context::Background().WithTimeout(milliseconds(10)), Counting()).ok());
    std::stop_source stop;
    std::jthread breaks_off([&] {
      while (asked < 3 * (i + 1)) std::this_thread::yield();
      stop.request_stop();
    });
    EXPECT_TRUE(hub.Run(Context::Background().WithStop(stop.get_token()), Counting()).ok());
  }
  up = true;
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.members[0].state, MemberState::kAnswered);
}

// One honest member among five in trouble: bounded, right about what exists, and everybody named.
TEST(HubDiscovery, HangingSlowFailingBabblingAndTaciturnMembersSpoilNothing) {
  Gate gate;
  std::atomic<int> ignored = 0;
  const auto workers = MakeWorkerPool(2, 4);
  auto scripted = [&](std::string site, ScriptedNode::Script script) {
    return std::make_unique<ScriptedNode>(std::move(site), std::move(script), &ignored);
  };
  auto answer = [](const std::string& country, bool exists, std::int64_t count) {
    Answer out;
    out.minimum_count = 5;
    out.datasets = {{"GOE-" + country + "-A-1", 1, country, exists, count, {}}};
    return out;
  };
  {
    std::vector<std::unique_ptr<NodeClient>> nodes;
    nodes.push_back(scripted("at", [&](const Context&, int, Done done) {  // whatever its deadline
      gate.Pass([done, late = answer("AT", true, 500)] { done(late); });
    }));
    nodes.push_back(scripted("be", [&](const Context&, int, Done done) {
      workers->Submit([done, slow = answer("BE", true, 10)] {
        std::this_thread::sleep_for(milliseconds(60));
        done(slow);
      });
    }));
    nodes.push_back(scripted("cz", [](const Context&, int, Done done) {
      done(Error(StatusCode::kInternal, "BROKEN", "x"));
    }));
    auto says = [](const Answer& one) {
      return [one](const Context&, int, const Done& done) { done(one); };
    };
    nodes.push_back(scripted("de", says(answer("DE", false, -7))));
    nodes.push_back(scripted("ee", says(answer("EE", true, 0))));  // only says yes
    nodes.push_back(scripted("fi", says(answer("FI", false, 0))));
    HubDiscovery::Options options = Patient();
    options.node_deadline = milliseconds(400);
    options.hedge_after = milliseconds(100);
    HubDiscovery hub(std::move(nodes), options);
    const auto start = steady_clock::now();
    const Answer merged = *hub.Run(Context::Background(), Counting());
    EXPECT_LT(steady_clock::now() - start, std::chrono::seconds(5));
    EXPECT_TRUE(merged.exists);
    EXPECT_EQ(merged.count, 10);
    std::map<std::string, MemberState> states;
    for (const Member& member : merged.members) states[member.site] = member.state;
    const std::map<std::string, MemberState> expected = {
        {"at", MemberState::kTimedOut}, {"be", MemberState::kAnswered},
        {"cz", MemberState::kRefused},  {"de", MemberState::kRefused},
        {"ee", MemberState::kAnswered}, {"fi", MemberState::kAnswered}};
    EXPECT_EQ(states, expected);
    gate.Open();
  }
}

// For the thread sanitizer: askers that break off, members that answer on other threads, twice as
// often as needed, late, or never.
TEST(HubDiscovery, ManyAskAtTheSameTime) {
  std::mutex mutex;
  std::vector<std::unique_ptr<UntilCancelled>> waiting;
  std::atomic<int> asked = 0, cancelled = 0, answered = 0;
  const auto workers = MakeWorkerPool(3, 10'000);
  const auto later = [&](Done done, bool there = true) {
    ASSERT_TRUE(workers->Submit([done = std::move(done), there] {
      if (there) return done(Fourteen());
      done(Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "x"));
    }));
  };
  std::vector<std::unique_ptr<NodeClient>> nodes;
  const auto add = [&](const char* site, ScriptedNode::Script script) {
    nodes.push_back(std::make_unique<ScriptedNode>(site, std::move(script), &asked));
  };
  add("fi", [&](const Context&, int, Done done) { later(std::move(done)); });
  add("se", [&](const Context&, int nth, Done done) { later(std::move(done), nth % 3 == 0); });
  add("si", [&](const Context& ctx, int nth, Done done) {
    if (nth % 2 == 0) return later(std::move(done));
    std::lock_guard lock(mutex);
    waiting.push_back(std::make_unique<UntilCancelled>(ctx, std::move(done), &cancelled));
  });
  HubDiscovery::Options options = Patient();
  options.node_deadline = milliseconds(20);
  options.hedge_after = milliseconds(1);
  options.max_calls = 6;
  HubDiscovery hub(std::move(nodes), options);
  {
    std::vector<std::jthread> askers;
    for (int asker = 0; asker < 4; ++asker) {
      askers.emplace_back([&] {
        for (int i = 0; i < 25; ++i) {
          std::stop_source stop;
          std::jthread breaks_off;
          if (i % 5 == 0) breaks_off = std::jthread([&] { stop.request_stop(); });
          const auto answer = hub.Run(Context::Background().WithStop(stop.get_token()), Counting());
          ASSERT_TRUE(answer.ok());
          ASSERT_EQ(answer->members.size(), 3u);
          if (answer->members[0].state == MemberState::kAnswered) ++answered;
        }
      });
    }
  }
  EXPECT_GT(answered, 0);
}

TEST(Breaker, IsHalfOpenForOneProbe) {
  Breaker breaker(2, milliseconds(100));
  const Breaker::Time start{};
  EXPECT_TRUE(breaker.Allow(start));
  breaker.Failed(start);
  breaker.Failed(start);
  EXPECT_FALSE(breaker.Allow(start + milliseconds(99)));
  EXPECT_TRUE(breaker.Allow(start + milliseconds(100)));
  EXPECT_FALSE(breaker.Allow(start + milliseconds(150)));  // the probe is under way
  breaker.Failed(start + milliseconds(160));
  EXPECT_FALSE(breaker.Allow(start + milliseconds(250)));
  EXPECT_TRUE(breaker.Allow(start + milliseconds(260)));
  breaker.Succeeded();
  EXPECT_TRUE(breaker.Allow(start + milliseconds(261)));
  EXPECT_TRUE(breaker.Allow(start + milliseconds(261)));
}

// A budget that is spent, or a question that a node refuses, is no sign of trouble.
TEST(HubDiscovery, RefusalsDoNotOpenTheBreaker) {
  std::atomic<int> asked = 0;
  HubDiscovery::Options options = Patient();
  options.breaker_failures = 1;
  HubDiscovery hub(
      Scripted(
          [](const Context&, int, Done done) {
            done(WithRetryAfter(Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "x"),
                                std::chrono::seconds(77)));
          },
          &asked),
      options);
  for (int i = 0; i < 3; ++i) {
    auto answer = hub.Run(Context::Background(), Counting());
    EXPECT_EQ(Reason(answer.status()), "BUDGET_SPENT");
    EXPECT_EQ(RetryAfter(answer.status()), std::chrono::seconds(77));
  }
  EXPECT_EQ(asked, 3);
}

TEST(HubDiscovery, ASpentBudgetAtOneNodeIsNamedAndTheOthersAnswer) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(
      MakeNode("es", WithRetryAfter(Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "x"),
                                    std::chrono::seconds(77))));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  HubDiscovery hub(std::move(nodes), Patient());
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.count, 10);
  EXPECT_EQ(answer.members[0].state, MemberState::kBudgetSpent);
  EXPECT_EQ(answer.members[0].retry_after_seconds, 77);
}

// A node of an earlier version, one that would have to mix assemblies, and a Beacon without words for it.
TEST(HubDiscovery, WhoCannotBeAskedIsNamedWithTheReason) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(MakeNode("es", InvalidField("filters[0]", "FILTER_INVALID", "must be a term")));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  nodes.push_back(MakeNode("pt", Error(StatusCode::kFailedPrecondition, "QUERY_UNSUPPORTED", "x")));
  nodes.push_back(MakeNode("se", Error(StatusCode::kFailedPrecondition, "PEER_REFUSED", "x")));
  HubDiscovery hub(std::move(nodes), Patient());
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.count, 10);
  const MemberState expected[] = {MemberState::kNotAsked, MemberState::kAnswered,
                                  MemberState::kNotAsked, MemberState::kRefused};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(answer.members[i].state, expected[i]) << answer.members[i].site;
  ASSERT_EQ(answer.not_asked.size(), 2u);
  EXPECT_EQ(answer.not_asked[0].site, "es");
  EXPECT_EQ(answer.not_asked[0].reason, "FILTER_INVALID");
  EXPECT_NE(answer.not_asked[0].detail.find("must be a term"), std::string::npos);
  EXPECT_EQ(answer.not_asked[1], (NotAsked{"pt", "", "QUERY_UNSUPPORTED", "x"}));
  // Asked one by one and combined it is the same.
  std::vector<NodeReply> replies;
  for (const std::string& site : hub.Sites()) {
    Query alone = Counting();
    alone.sites = {site};
    replies.push_back(*ReplyOf(ToProto(*hub.Run(Context::Background(), alone))));
  }
  EXPECT_EQ(hub.Combine(Counting(), std::move(replies))->not_asked, answer.not_asked);
}

TEST(HubDiscovery, AnswersAreKeptForAnAccountUntilTheNodesEpochMoves) {
  std::atomic<int> asked = 0;
  std::atomic<std::int64_t> epoch = 1;
  HubDiscovery::Options options = Patient();
  options.cache_lifetime = std::chrono::hours(1);
  HubDiscovery hub(Scripted([&](const Context&, int, Done done) { done(Fourteen(epoch)); }, &asked),
                   options);
  Query query = Counting();
  query.account = "finder";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(hub.Run(Context::Background(), query)->count, 14);
  EXPECT_EQ(asked, 1);
  Query other = query;
  other.account = "another";  // is to be charged itself
  ASSERT_TRUE(hub.Run(Context::Background(), other).ok());
  EXPECT_EQ(asked, 2);
  epoch = 2;
  other.filters = {{Filter{"HP:1"}}};
  ASSERT_TRUE(hub.Run(Context::Background(), other).ok());  // brings the news
  EXPECT_EQ(asked, 3);
  ASSERT_TRUE(hub.Run(Context::Background(), query).ok());
  EXPECT_EQ(asked, 4);
  // Of people and of their alleles there is one number, but alleles are told to the latter alone.
  Query carriers = query;
  carriers.variant =
      VariantPattern{VariantPattern::Form::kExact, std::nullopt, "20", 9, 10, "A", "T"};
  carriers.filters = {{Filter{"HP:1"}}};
  for (const Entity entity : {Entity::kIndividual, Entity::kVariant}) {
    carriers.entity = entity;
    ASSERT_TRUE(hub.Run(Context::Background(), carriers).ok());
  }
  EXPECT_EQ(asked, 6);
}

TEST(HubDiscovery, AsksTheMembersThatAreNamed) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  nodes.push_back(MakeNode("es", absl::OkStatus()));
  HubDiscovery hub(std::move(nodes), Patient());
  EXPECT_EQ(hub.Sites(), (std::vector<std::string>{"es", "fi"}));
  Query query = Counting();
  query.sites = {"fi"};
  const Answer answer = *hub.Run(Context::Background(), query);
  EXPECT_EQ(answer.count, 10);
  ASSERT_EQ(answer.members.size(), 1u);
  query.sites = {"xx"};
  EXPECT_EQ(Reason(hub.Run(Context::Background(), query).status()), "SITE_UNKNOWN");
}

// Says no more than it is asked, by a floor of its own.
class ObedientNode final : public NodeClient {
 public:
  ObedientNode(std::string site, std::int32_t floor, std::int64_t people)
      : site_(std::move(site)), floor_(floor), people_(people) {}
  const std::string& site() const override { return site_; }
  void Ask(const Context&, const Query& query, Done<Answer> done) override {
    const std::string country = ToUpper(site_);
    const bool exists = people_ >= floor_;
    const bool counted = exists && query.granularity >= Granularity::kCount;
    Answer answer;
    answer.minimum_count = floor_;
    answer.datasets = {{"GOE-" + country + "-A-1", 1, country, exists, counted ? people_ : 0, {}}};
    done(answer);
  }
  void Terms(const Context&, Done<std::vector<FilteringTerm>> done) override {
    done(std::vector<FilteringTerm>());
  }

 private:
  const std::string site_;
  const std::int32_t floor_;
  const std::int64_t people_;
};

TEST(HubDiscovery, TheHighestFloorHoldsInEveryGranularity) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(std::make_unique<ObedientNode>("es", 10, 3));
  nodes.push_back(std::make_unique<ObedientNode>("fi", 5, 7));
  HubDiscovery hub(std::move(nodes), Patient());
  Query query = Counting();
  EXPECT_FALSE(hub.Run(Context::Background(), query)->exists);
  query.granularity = Granularity::kBoolean;
  EXPECT_FALSE(hub.Run(Context::Background(), query)->exists);
}

// Asked one by one, members say together what they say when they are asked at once.
TEST(HubDiscovery, CombinesWhatMembersSaidAlone) {
  std::vector<std::unique_ptr<NodeClient>> nodes;
  nodes.push_back(std::make_unique<ObedientNode>("es", 10, 30));
  nodes.push_back(std::make_unique<ObedientNode>("fi", 5, 7));
  nodes.push_back(MakeNode("se", Error(StatusCode::kUnavailable, "CONSENT_STALE", "x")));
  HubDiscovery hub(std::move(nodes), Patient());
  Query query = Counting();
  std::vector<NodeReply> replies;
  for (const std::string& site : hub.Sites()) {
    Query alone = query;
    alone.sites = {site};
    auto reply = ReplyOf(ToProto(*hub.Run(Context::Background(), alone)));
    ASSERT_TRUE(reply.ok());
    replies.push_back(*std::move(reply));
  }
  const auto whole = hub.Run(Context::Background(), query);
  auto combined = hub.Combine(query, replies);
  ASSERT_TRUE(combined.ok());
  for (std::size_t i = 0; i < 3; ++i)
    combined->members[i].milliseconds = whole->members[i].milliseconds;
  EXPECT_EQ(ToProto(*combined).SerializeAsString(), ToProto(*whole).SerializeAsString());
  EXPECT_EQ(combined->count, 30) << "Finland's seven are less than Spain's floor";
  query.granularity = Granularity::kBoolean;
  EXPECT_EQ(hub.Combine(query, replies)->count, 0);

  EXPECT_EQ(Reason(hub.Combine(query, {replies[0], replies[0]}).status()), "FIELD_INVALID");
  replies[0].member.site = "xx";
  EXPECT_EQ(Reason(hub.Combine(query, replies).status()), "SITE_UNKNOWN");
  EXPECT_EQ(Reason(ReplyOf(ToProto(*whole)).status()), "FIELD_INVALID") << "is of three";
  NodeReply spent{{"es", MemberState::kBudgetSpent, 0, 0, 77}, std::nullopt};
  const auto later = hub.Combine(query, {spent});
  EXPECT_EQ(Reason(later.status()), "BUDGET_SPENT");
  EXPECT_EQ(RetryAfter(later.status()), std::chrono::seconds(77));
}

TEST(HubDiscovery, WithoutNodesThereIsAnAnswerAndNoWait) {
  HubDiscovery hub({}, Patient());
  const Answer answer = *hub.Run(Context::Background(), Counting());
  EXPECT_FALSE(answer.exists);
  EXPECT_EQ(answer.minimum_count, 5);
}

}  // namespace
}  // namespace genofed::discovery
