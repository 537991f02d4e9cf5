// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/discovery_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/core/retry_after.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace dv1 = discovery::v1;

// A network of fi, which answers, and es, which waits until it is let go. Both answer the first
// question and no other, as somebody would who is tried with one.
class Network {
 public:
  Status overall = absl::OkStatus();
  Status spain = absl::OkStatus();
  std::map<std::string, int> asked;
  int listing = 0;  // of those who ask for members, how many wait
  bool lists = true;

  UnaryCaller Caller() {
    return [this](const Context& ctx, std::string_view, std::string_view method,
                  const google::protobuf::Message& request,
                  google::protobuf::Message* response) -> Status {
      if (method.ends_with("ListMembers")) {
        List(dynamic_cast<dv1::ListMembersResponse&>(*response));
        return absl::OkStatus();
      }
      if (method.ends_with("CombineAnswers"))
        return Combine(dynamic_cast<const dv1::CombineAnswersRequest&>(request),
                       *dynamic_cast<dv1::CombineAnswersResponse&>(*response).mutable_answer());
      return Answer(ctx, dynamic_cast<const dv1::QueryRequest&>(request),
                    dynamic_cast<dv1::QueryResponse&>(*response));
    };
  }
  void Open() {
    std::unique_lock lock(mutex_);
    open_ = lists = true;
    changed_.notify_all();
  }
  void AwaitListing(const std::function<bool(int listing)>& enough) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return enough(listing); });
  }
  void Changed() {
    std::unique_lock lock(mutex_);
    changed_.notify_all();
  }

 private:
  void List(dv1::ListMembersResponse& members) {
    std::unique_lock lock(mutex_);
    ++listing;
    changed_.notify_all();
    changed_.wait(lock, [this] { return lists; });
    members.add_sites("es");
    members.add_sites("fi");
  }

  Status Answer(const Context& ctx, const dv1::QueryRequest& query, dv1::QueryResponse& answer) {
    EXPECT_EQ(query.sites_size(), 1) << "everybody is asked alone";
    if (query.sites().empty()) return absl::OkStatus();
    EXPECT_GE(query.granularity(), dv1::GRANULARITY_COUNT);
    const std::string& site = query.sites(0);
    std::unique_lock lock(mutex_);
    while (site == "es" && !open_ && !ctx.stop().stop_requested())
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    if (site == "es" && !spain.ok()) return spain;
    auto* member = answer.add_members();
    member->set_site(site);
    const bool first = ++asked[site] == 1;
    member->set_state(first ? dv1::Member::STATE_ANSWERED : dv1::Member::STATE_UNREACHABLE);
    answer.set_exists(first);
    answer.set_count(!first ? 0 : site == "es" ? 10 : 20);
    return absl::OkStatus();
  }

  Status Combine(const dv1::CombineAnswersRequest& request, dv1::QueryResponse& whole) const {
    EXPECT_TRUE(request.query().sites().empty());
    if (!overall.ok()) return overall;
    for (const dv1::QueryResponse& answer : request.answers()) {
      whole.set_exists(whole.exists() || answer.exists());
      whole.set_count(whole.count() + answer.count());
      *whole.add_members() = answer.members(0);
    }
    return absl::OkStatus();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class DiscoveryStreamTest : public ::testing::Test {
 protected:
  DiscoveryStreamTest() : api_(router_, TestTokens()) {
    AddDiscoveryStream(api_, TestSite(true), network_.Caller());
  }
  http::Response Ask(const std::string& path = "/api/v1/discovery/stream/individuals",
                     const std::string& granularity = "count") {
    auto request =
        MakeRequest(http::Method::kPost, path,
                    R"({"meta": {"apiVersion": "2.0"}, "query": {"requestedGranularity": ")" +
                        granularity + R"("}})");
    return router_.Handle(request);
  }
  using Events = std::vector<std::pair<std::string, json>>;  // name and data
  // The next text of the stream; none behind its end.
  static Events NextEvents(http::Response& response) {
    Events events;
    std::istringstream text(*std::get<http::StreamBody>(response.body).read(0, 1 << 20));
    for (std::string line, name; std::getline(text, line);) {
      if (line.starts_with("event: ")) name = line.substr(7);
      if (line.starts_with("data: ")) events.emplace_back(name, json::parse(line.substr(6)));
    }
    return events;
  }
  // The same by name, of which the last counts.
  static std::map<std::string, json> Next(http::Response& response) {
    std::map<std::string, json> events;
    for (auto& [name, data] : NextEvents(response)) events[name] = std::move(data);
    return events;
  }
  static Events All(http::Response& response) {
    Events all;
    for (Events next = NextEvents(response); !next.empty(); next = NextEvents(response))
      all.insert(all.end(), next.begin(), next.end());
    return all;
  }

  Network network_;
  http::Router router_;
  Api api_;
};

TEST_F(DiscoveryStreamTest, TellsEachMembersAnswerAsSoonAsItIsThere) {
  auto response = Ask();
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Content-Type"), "text/event-stream");
  auto first = Next(response);  // while Spain hangs
  EXPECT_EQ(first.at("member")["site"], "fi");
  EXPECT_EQ(first["member"]["state"], "ANSWERED");
  EXPECT_EQ(first["member"]["beacon"]["responseSummary"]["numTotalResults"], 20);
  network_.Open();
  EXPECT_EQ(Next(response).at("member")["site"], "es");
  EXPECT_EQ(Next(response).at("summary")["responseSummary"]["numTotalResults"], 30);
  EXPECT_TRUE(Next(response).empty());
}

// A member that is tried with one question, after it failed, is not asked two.
TEST_F(DiscoveryStreamTest, TheSummaryIsOfWhatTheEventsSay) {
  network_.spain = WithRetryAfter(Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "later"),
                                  std::chrono::seconds(9));
  network_.Open();
  auto response = Ask();
  const Events events = All(response);
  ASSERT_EQ(events.size(), 3u);
  std::map<std::string, std::string> states, summed;
  for (std::size_t i = 0; i < 2; ++i) states[events[i].second["site"]] = events[i].second["state"];
  const auto& [name, summary] = events.back();
  ASSERT_EQ(name, "summary");
  EXPECT_EQ(summary["responseSummary"]["numTotalResults"], 20);
  for (const json& member : summary["info"]["members"]) summed[member["site"]] = member["state"];
  EXPECT_EQ(states,
            (std::map<std::string, std::string>{{"es", "BUDGET_SPENT"}, {"fi", "ANSWERED"}}));
  EXPECT_EQ(summed, states);
  EXPECT_EQ(network_.asked, (std::map<std::string, int>{{"fi", 1}}));
}

// Members say counts, by which the floor of all goes; what was asked is told.
TEST_F(DiscoveryStreamTest, YesOrNoIsAllThatIsToldOfIt) {
  network_.Open();
  auto response = Ask("/api/v1/discovery/stream/individuals", "boolean");
  const Events events = All(response);
  EXPECT_EQ(events.size(), 3u);
  for (const auto& [name, event] : events) {
    const json& beacon = name == "member" ? event["beacon"] : event;
    EXPECT_EQ(beacon["responseSummary"], json({{"exists", true}})) << name;
  }
}

// Also those count that have not got as far as asking.
TEST_F(DiscoveryStreamTest, NoMoreThanSoManyAreOpen) {
  constexpr int kMost = 8, kAsked = 12;
  network_.lists = false;
  std::atomic<int> refused = 0;
  std::vector<http::Response> responses(kAsked);
  std::vector<std::jthread> listeners;
  for (int i = 0; i < kAsked; ++i) {
    listeners.emplace_back([&, i] {
      responses[static_cast<std::size_t>(i)] = Ask();
      if (responses[static_cast<std::size_t>(i)].status == 429) ++refused;
      network_.Changed();
    });
  }
  network_.AwaitListing([&](int listing) { return listing + refused == kAsked; });
  EXPECT_EQ(refused, kAsked - kMost);
  network_.Open();
  listeners.clear();
  EXPECT_EQ(Ask().status, 429);
  responses.clear();
  EXPECT_EQ(Ask().status, 200);
}

TEST_F(DiscoveryStreamTest, EndsWithTheProblemThatABodyWouldHaveBeen) {
  network_.overall = WithRetryAfter(Error(StatusCode::kResourceExhausted, "BUDGET_SPENT", "later"),
                                    std::chrono::seconds(9));
  network_.Open();
  auto response = Ask();
  std::map<std::string, json> last;
  for (auto events = Next(response); !events.empty(); events = Next(response)) last = events;
  EXPECT_EQ(last.at("problem")["status"], 429);
  EXPECT_EQ(last["problem"]["reason"], "BUDGET_SPENT");
  EXPECT_EQ(last["problem"]["retryAfterSeconds"], 9);
}

TEST_F(DiscoveryStreamTest, LettingGoOfItEndsItsCalls) {
  { auto response = Ask(); }  // Spain never answers
  EXPECT_EQ(Ask("/api/v1/discovery/stream/runs").status, 404);
}

}  // namespace
}  // namespace genofed::gateway
