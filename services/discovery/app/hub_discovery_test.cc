// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/hub_discovery.h"

#include <gtest/gtest.h>

#include <condition_variable>

#include "services/discovery/adapters/worker_pool.h"

namespace genofed::discovery {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  void Open() {
    std::unique_lock lock(mutex);
    open = true;
    changed.notify_all();
  }
};

class FakeNode final : public NodeClient {
 public:
  FakeNode(std::string site, Status status, Gate* gate = nullptr)
      : site_(std::move(site)), status_(std::move(status)), gate_(gate) {}
  const std::string& site() const override { return site_; }
  Result<Answer> Ask(const Context&, const Query&) override {
    if (gate_ != nullptr) {
      // Ignores its deadline altogether.
      std::unique_lock lock(gate_->mutex);
      gate_->changed.wait(lock, [this] { return gate_->open; });
    }
    if (!status_.ok()) return status_;
    Answer answer;
    answer.minimum_count = 5;
    std::string country = {static_cast<char>(site_[0] - 32), static_cast<char>(site_[1] - 32)};
    answer.datasets = {{"GOE-" + country + "-A-1", 1, country, true, 10, {}}};
    return answer;
  }
  Result<std::vector<FilteringTerm>> Terms(const Context&) override {
    if (!status_.ok()) return status_;
    return std::vector<FilteringTerm>{{"HP:1", "a node's own words"}, {"HP:" + site_, ""}};
  }

 private:
  std::string site_;
  Status status_;
  Gate* gate_;
};

HubDiscovery::Node MakeNode(std::string site, Status status, Gate* gate = nullptr) {
  return {std::make_unique<FakeNode>(std::move(site), std::move(status), gate),
          MakeWorkerPool(1, 4)};
}

Query Counting() {
  Query query;
  query.granularity = Granularity::kCount;
  return query;
}

TEST(HubDiscovery, TellsHowEveryNodeFared) {
  std::vector<HubDiscovery::Node> nodes;
  nodes.push_back(MakeNode("es", absl::OkStatus()));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  nodes.push_back(MakeNode("pt", Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "x")));
  nodes.push_back(MakeNode("se", Error(StatusCode::kUnavailable, "CONSENT_STALE", "x")));
  nodes.push_back(MakeNode("si", Error(StatusCode::kDeadlineExceeded, "X", "x")));
  HubDiscovery hub(std::move(nodes), std::chrono::seconds(10), 5);
  const Answer answer = hub.Run(Context::Background(), Counting());
  EXPECT_EQ(answer.count, 20);
  ASSERT_EQ(answer.members.size(), 5u);
  const MemberState expected[] = {MemberState::kAnswered, MemberState::kAnswered,
                                  MemberState::kUnreachable, MemberState::kRefused,
                                  MemberState::kTimedOut};
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(answer.members[i].state, expected[i]) << answer.members[i].site;
  const std::vector<FilteringTerm> terms = {{"HP:1", ""}, {"HP:es", ""}, {"HP:fi", ""}};
  EXPECT_EQ(hub.Terms(Context::Background()), terms);
}

TEST(HubDiscovery, AHangingNodeDelaysNobodyBeyondTheDeadlineHoweverOftenItIsAsked) {
  Gate gate;
  std::vector<HubDiscovery::Node> nodes;
  nodes.push_back(MakeNode("es", absl::OkStatus(), &gate));
  nodes.push_back(MakeNode("fi", absl::OkStatus()));
  HubDiscovery hub(std::move(nodes), milliseconds(50), 5);
  for (int i = 0; i < 5; ++i) {
    const auto start = steady_clock::now();
    const Answer answer = hub.Run(Context::Background(), Counting());
    EXPECT_LT(steady_clock::now() - start, milliseconds(1000));
    EXPECT_EQ(answer.count, 10);
    EXPECT_EQ(answer.members[0].state, MemberState::kTimedOut);
    EXPECT_GE(answer.members[0].milliseconds, 50);
    EXPECT_EQ(answer.members[1].state, MemberState::kAnswered);
  }
  gate.Open();
}

TEST(HubDiscovery, WithoutNodesThereIsAnAnswerAndNoWait) {
  HubDiscovery hub({}, std::chrono::seconds(10), 5);
  const Answer answer = hub.Run(Context::Background(), Counting());
  EXPECT_FALSE(answer.exists);
  EXPECT_EQ(answer.minimum_count, 5);
}

}  // namespace
}  // namespace genofed::discovery
