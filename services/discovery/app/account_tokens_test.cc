// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/account_tokens.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"

namespace genofed::discovery {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasCode;

// Each answer differs from those before.
class FakeBroker final : public Broker {
 public:
  Result<Issued> Issue(const Context&) override {
    ++begun;
    const std::lock_guard lock(slow);
    const int number = ++asked;
    if (!status.ok()) return status;
    return Issued{{{"fi", "fi " + std::to_string(number)}}, minutes(10)};
  }
  std::atomic<int> begun = 0, asked = 0;
  Status status;
  std::mutex slow;  // whoever holds it keeps the broker from answering
};

class AccountTokenCacheTest : public ::testing::Test {
 protected:
  std::string TokenOf(const std::string& account) {
    const auto tokens = cache_.Of(ctx_, account);
    return tokens.ok() ? (*tokens)->at("fi") : Reason(tokens.status());
  }
  void Fail() { broker_.status = Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "away"); }

  testing::FakeClock clock_;
  FakeBroker broker_;
  const Context ctx_ = Context::Background();
  AccountTokenCache cache_{broker_, clock_, seconds(10), 2};
};

TEST_F(AccountTokenCacheTest, OneExchangeDoesForManyQuestionsOfAnAccount) {
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  EXPECT_EQ(TokenOf("bob"), "fi 2");
  clock_.Advance(minutes(8) - seconds(1));
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  EXPECT_EQ(TokenOf("bob"), "fi 2");
  clock_.Advance(seconds(1));  // a fifth of their life is left
  EXPECT_EQ(TokenOf("ann"), "fi 3");
  EXPECT_EQ(broker_.asked, 3);
}

TEST_F(AccountTokenCacheTest, WhatCountsIsShownWhileTheBrokerIsAwayAndNotLonger) {
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  Fail();
  clock_.Advance(minutes(9));
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  EXPECT_EQ(broker_.asked, 2);
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  EXPECT_EQ(broker_.asked, 2) << "a broker that is away is not asked for each question";
  EXPECT_EQ(TokenOf("bob"), "PEER_UNAVAILABLE");
  clock_.Advance(minutes(1));
  EXPECT_EQ(TokenOf("ann"), "PEER_UNAVAILABLE");
  broker_.status = absl::OkStatus();
  EXPECT_EQ(TokenOf("ann"), "fi 5");
}

TEST_F(AccountTokenCacheTest, ForgetsAccountsWhenThereAreTooMany) {
  EXPECT_EQ(TokenOf("ann"), "fi 1");
  clock_.Advance(seconds(1));
  EXPECT_EQ(TokenOf("bob"), "fi 2");
  EXPECT_EQ(TokenOf("carol"), "fi 3");  // instead of ann's, which end first
  EXPECT_EQ(TokenOf("bob"), "fi 2");
  EXPECT_EQ(TokenOf("ann"), "fi 4");
}

// As a browser does that asks each member of the network by itself.
TEST_F(AccountTokenCacheTest, QuestionsThatComeTogetherWaitForOneExchange) {
  std::vector<std::string> told(8);
  {
    std::vector<std::jthread> askers;
    const std::lock_guard lock(broker_.slow);
    for (std::string& one : told) askers.emplace_back([&] { one = TokenOf("ann"); });
    // Declared after them, the lock is released before they are waited for.
  }
  for (const std::string& one : told) EXPECT_EQ(one, "fi 1");
  EXPECT_EQ(broker_.asked, 1);
}

TEST_F(AccountTokenCacheTest, NobodyWaitsForAnotherLongerThanTheyHave) {
  std::jthread first;
  const std::lock_guard lock(broker_.slow);
  first = std::jthread([&] { TokenOf("ann"); });
  while (broker_.begun == 0) std::this_thread::yield();
  EXPECT_THAT(cache_.Of(ctx_.WithTimeout(milliseconds(1)), "ann"),
              HasCode(StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace genofed::discovery
