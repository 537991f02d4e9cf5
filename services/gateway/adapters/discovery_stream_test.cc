// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/discovery_stream.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "genofed/discovery/v1/discovery.pb.h"
#include "libs/core/retry_after.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

using nlohmann::json;
namespace dv1 = discovery::v1;

// A network of fi, which answers, and es, which waits until it is let go.
class Network {
 public:
  Status overall = absl::OkStatus();

  UnaryCaller Caller() {
    return [this](const Context& ctx, std::string_view, std::string_view method,
                  const google::protobuf::Message& request,
                  google::protobuf::Message* response) -> Status {
      if (method.ends_with("ListMembers")) {
        dv1::ListMembersResponse members;
        members.add_sites("es");
        members.add_sites("fi");
        response->CopyFrom(members);
        return absl::OkStatus();
      }
      const auto& query = dynamic_cast<const dv1::QueryRequest&>(request);
      const bool whole = query.sites().empty();
      if (whole || query.sites(0) == "es") {
        std::unique_lock lock(mutex_);
        while (!open_ && !ctx.stop().stop_requested())
          changed_.wait_for(lock, std::chrono::milliseconds(5));
      }
      if (whole && !overall.ok()) return overall;
      dv1::QueryResponse answer;
      answer.set_exists(true);
      answer.set_count(whole ? 30 : 20);
      for (const char* site : {"es", "fi"}) {
        if (!whole && query.sites(0) != site) continue;
        auto* member = answer.add_members();
        member->set_site(site);
        member->set_state(dv1::Member::STATE_ANSWERED);
      }
      response->CopyFrom(answer);
      return absl::OkStatus();
    };
  }
  void Open() {
    std::unique_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

class DiscoveryStreamTest : public ::testing::Test {
 protected:
  DiscoveryStreamTest() : api_(router_, TestTokens()) {
    AddDiscoveryStream(api_, TestSite(true), network_.Caller());
  }
  http::Response Ask(const std::string& path = "/api/v1/discovery/stream/individuals") {
    auto request = MakeRequest(
        http::Method::kPost, path,
        R"({"meta": {"apiVersion": "2.0"}, "query": {"requestedGranularity": "count"}})");
    return router_.Handle(request);
  }
  // The next text of the stream: event name to data of its last event.
  static std::map<std::string, json> Next(http::Response& response) {
    std::map<std::string, json> events;
    std::istringstream text(*std::get<http::StreamBody>(response.body).read(0, 1 << 20));
    for (std::string line, name; std::getline(text, line);) {
      if (line.starts_with("event: ")) name = line.substr(7);
      if (line.starts_with("data: ")) events[name] = json::parse(line.substr(6));
    }
    return events;
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
