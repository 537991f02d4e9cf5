// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/key_refresher.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/crypto/key.h"
#include "libs/testing/fakes.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::auth {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr char kIss[] = "https://dac.fi.example";
constexpr char kJku[] = "https://dac.fi.example/jwks.json";

struct Key {
  Key() {
    const auto key = *crypto::SigningKey::Generate();
    jwk = key.public_key().Jwk();
    kid = key.public_key().kid();
  }
  std::string jwk, kid;
};

class FakeFetcher final : public KeyFetcher {
 public:
  Result<KeyDocument> Fetch(const std::string& url) override {
    asked.push_back(url);
    if (away) return Error(StatusCode::kUnavailable, "AWAY", "away");
    return document;
  }
  void Serve(const std::vector<Key>& keys) {
    json set = {{"keys", json::array()}};
    for (const Key& key : keys) set["keys"].push_back(json::parse(key.jwk));
    document = {"application/json", set.dump()};
  }
  std::vector<std::string> asked;
  bool away = false;
  KeyDocument document;
};

class KeyRefresherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    WriteTrust({{"interval_s", 60}, {"lifetime_s", 3600}});
    LiveTrust::Options options;
    options.file = file_;
    options.now = [this] { return now_; };
    trust_ = *LiveTrust::Open(options);
    refresher_ = std::make_unique<KeyRefresher>(
        *trust_, fetcher_, random_,
        KeyRefresher::Options{
            [this] { return now_; },
            [this](const std::string&, const Status& status) { last_ = status; }});
  }
  void WriteTrust(json refresh) {
    json issuer = {{"iss", kIss}, {"jku", kJku}, {"roles", {"passport"}}};
    issuer["jwks"]["keys"] = json::array({json::parse(pinned_.jwk)});
    if (!refresh.is_null()) issuer["refresh"] = std::move(refresh);
    ASSERT_TRUE(WriteFileAtomically(file_, json{{"issuers", json::array({issuer})}}.dump()).ok());
  }
  bool Knows(const Key& key) const {
    const TrustStore store = *trust_->Current();
    return store.FindKey(*store.Find(kIss), key.kid) != nullptr;
  }
  // As the owner does: a look every second.
  void Pass(seconds time) {
    for (seconds i{0}; i < time; ++i) {
      now_ += seconds(1);
      refresher_->Run();
    }
  }

  testing::TemporaryDirectory directory_;
  const std::filesystem::path file_ = directory_.path() / "trust.json";
  testing::SeededRandom random_;
  LiveTrust::Steady now_{std::chrono::hours(1)};
  Key pinned_, next_, third_;
  FakeFetcher fetcher_;
  std::unique_ptr<LiveTrust> trust_;
  std::unique_ptr<KeyRefresher> refresher_;
  Status last_;
};

TEST_F(KeyRefresherTest, RotatesWithOverlap) {
  fetcher_.Serve({pinned_});
  Pass(seconds(1));
  EXPECT_EQ(fetcher_.asked, std::vector<std::string>{kJku});
  EXPECT_TRUE(Knows(pinned_));
  EXPECT_FALSE(Knows(next_));
  fetcher_.Serve({pinned_, next_});
  Pass(seconds(73));  // the interval and a fifth at most
  EXPECT_TRUE(Knows(next_));
  fetcher_.Serve({next_, third_});
  Pass(seconds(73));
  EXPECT_TRUE(Knows(third_));
  EXPECT_TRUE(Knows(pinned_));  // the file says so, whatever the issuer publishes
  fetcher_.Serve({third_});
  Pass(seconds(73));
  EXPECT_FALSE(Knows(next_));  // no longer published, no longer believed
}

TEST_F(KeyRefresherTest, KeysCountUntilTheirLifetimeWhileTheIssuerIsAway) {
  fetcher_.Serve({next_});
  Pass(seconds(1));
  fetcher_.away = true;
  Pass(seconds(3590));
  EXPECT_TRUE(Knows(next_));
  Pass(seconds(80));
  EXPECT_FALSE(Knows(next_));
  EXPECT_TRUE(Knows(pinned_));
  fetcher_.away = false;
  Pass(seconds(361));  // the longest pause between tries
  EXPECT_TRUE(Knows(next_));
}

TEST_F(KeyRefresherTest, AsksLessAndLessOftenAndNeverMoreThanEveryTenSeconds) {
  fetcher_.Serve({next_});
  Pass(seconds(1));
  fetcher_.away = true;
  Pass(seconds(73));
  fetcher_.asked.clear();
  Pass(seconds(9));
  EXPECT_LE(fetcher_.asked.size(), 1u);
  Pass(seconds(600));
  EXPECT_GE(fetcher_.asked.size(), 4u);  // 10, 20, 40, 80, 160, 300 with up to a fifth more
  EXPECT_LE(fetcher_.asked.size(), 7u);
  WriteTrust({{"interval_s", 10}, {"lifetime_s", 3600}});
  ASSERT_TRUE(trust_->ReloadFile().ok());
  fetcher_.away = false;
  fetcher_.Serve({next_});
  Pass(seconds(400));
  fetcher_.asked.clear();
  Pass(seconds(120));
  EXPECT_GE(fetcher_.asked.size(), 10u);
  EXPECT_LE(fetcher_.asked.size(), 12u);
}

TEST_F(KeyRefresherTest, AsksSoonWhileNobodyEverAnswered) {
  fetcher_.away = true;
  Pass(seconds(10));
  EXPECT_GE(fetcher_.asked.size(), 4u);  // at most once in each look, here one a second
  EXPECT_LE(fetcher_.asked.size(), 7u);
  fetcher_.away = false;
  fetcher_.Serve({next_});
  Pass(seconds(12));
  EXPECT_TRUE(Knows(next_));
}

TEST_F(KeyRefresherTest, HostileAnswersChangeNothing) {
  fetcher_.Serve({next_});
  Pass(seconds(1));
  json secret = json::parse(third_.jwk);
  secret["d"] = "c2VjcmV0";
  const std::string good = json{{"keys", json::array({json::parse(third_.jwk)})}}.dump();
  const KeyDocument answers[] = {
      {"text/html", good},
      {"", good},
      {"application/json", "<html>"},
      {"application/json", "{}"},
      {"application/json", "[]"},
      {"application/json", R"({"keys": {}})"},
      {"application/json", R"({"keys": [], "keys": []})"},
      {"application/json", json{{"keys", json::array({secret})}}.dump()},
      {"application/json", good + std::string(KeyRefresher::kMaxBytes, ' ')},
  };
  for (const KeyDocument& answer : answers) {
    fetcher_.document = answer;
    fetcher_.asked.clear();
    last_ = {};
    Pass(seconds(361));
    EXPECT_FALSE(fetcher_.asked.empty());
    EXPECT_FALSE(last_.ok()) << answer.body.substr(0, 80);
    EXPECT_FALSE(Knows(third_));
    EXPECT_TRUE(Knows(next_)) << "what was good before still counts";
    fetcher_.Serve({next_});
    Pass(seconds(361));
  }
}

TEST_F(KeyRefresherTest, FollowsTheTrustFile) {
  fetcher_.Serve({next_});
  Pass(seconds(1));
  EXPECT_TRUE(Knows(next_));
  WriteTrust(nullptr);
  ASSERT_TRUE(trust_->ReloadFile().ok());
  fetcher_.asked.clear();
  Pass(seconds(200));
  EXPECT_TRUE(fetcher_.asked.empty());
  EXPECT_FALSE(Knows(next_));
}

}  // namespace
}  // namespace genofed::auth
