// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/discovery_stream.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/core/retry_after.h"
#include "libs/http/problem.h"
#include "services/gateway/adapters/beacon_request.h"
#include "services/gateway/adapters/beacon_response.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
using nlohmann::json;
namespace dv1 = discovery::v1;

constexpr const char* kQuery = "genofed.discovery.v1.DiscoveryService/Query";
constexpr const char* kListMembers = "genofed.discovery.v1.DiscoveryService/ListMembers";
constexpr int kMaxStreams = 8;  // each has a thread for every member while it lasts

std::string Problem(const Status& status) {
  const int code = http::HttpStatusOf(status);
  json body = {{"status", code}, {"reason", Reason(status)}, {"detail", Message(status)}};
  if (const auto after = RetryAfter(status)) body["retryAfterSeconds"] = after->count();
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A question: as it was asked, and as the network's members are asked.
struct Question {
  beacon::Request beacon;
  dv1::QueryRequest query;
};

std::string Render(const SiteFacts& site, const Question& question, dv1::QueryResponse answer) {
  BeaconAnswers answers;
  answers.cohorts = std::move(answer);
  return RenderQueryResponse(site, question.beacon, answers);
}

// The calls of one stream, and the events that came of them. Ends its calls when nobody listens any
// more.
class Stream {
 public:
  Stream(const SiteFacts& site, const UnaryCaller& caller, Question question, Context ctx,
         std::atomic<int>& open)
      : site_(site),
        caller_(caller),
        question_(std::move(question)),
        ctx_(ctx.WithStop(stop_.get_token())),
        open_(open) {
    ++open_;
  }
  ~Stream() {
    stop_.request_stop();
    threads_.clear();
    --open_;
  }

  void Start(const std::vector<std::string>& sites) {
    running_ = sites.size() + 1;
    threads_.emplace_back([this] { Whole(); });
    for (const std::string& member : sites) threads_.emplace_back([this, member] { One(member); });
  }

  // The events that have come, after waiting for one; empty when all were had.
  std::string Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !events_.empty() || running_ == 0; });
    std::string text;
    for (; !events_.empty(); events_.pop_front()) text += events_.front();
    if (text.empty() && !last_.empty()) text.swap(last_);
    return text;
  }

 private:
  void One(const std::string& member) {
    dv1::QueryRequest query = question_.query;
    query.clear_sites();
    query.add_sites(member);
    auto answer = Call<dv1::QueryResponse>(caller_, ctx_, "discovery", kQuery, query);
    json event = {{"site", member}};
    if (answer.ok() && answer->members_size() == 1) {
      const auto& state = dv1::Member::State_Name(answer->members(0).state());
      event["state"] = state.starts_with("STATE_") ? state.substr(6) : state;
      event["milliseconds"] = answer->members(0).milliseconds();
      event["beacon"] = json::parse(Render(site_, question_, *answer));
    } else {
      event["state"] = Reason(answer.status()) == "BUDGET_SPENT" ? "BUDGET_SPENT" : "REFUSED";
      if (const auto after = RetryAfter(answer.status()))
        event["retryAfterSeconds"] = after->count();
    }
    Finish(http::FormatEvent("member", event.dump(-1, ' ', false, json::error_handler_t::replace)),
           false);
  }

  void Whole() {
    auto answer = Call<dv1::QueryResponse>(caller_, ctx_, "discovery", kQuery, question_.query);
    Finish(answer.ok() ? http::FormatEvent("summary", Render(site_, question_, *std::move(answer)))
                       : http::FormatEvent("problem", Problem(answer.status())),
           true);
  }

  void Finish(std::string event, bool last) {
    std::unique_lock lock(mutex_);
    if (last) {
      last_ = std::move(event);
    } else {
      events_.push_back(std::move(event));
    }
    --running_;
    changed_.notify_all();
  }

  const SiteFacts& site_;
  const UnaryCaller& caller_;
  const Question question_;
  std::stop_source stop_;
  const Context ctx_;
  std::atomic<int>& open_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t running_ = 0;
  std::deque<std::string> events_;
  std::string last_;
  std::vector<std::jthread> threads_;
};

Result<Question> Parse(const Request& request) {
  const std::string& entity = request.Param("entity");
  if (entity != "g_variants" && entity != "individuals")
    return Error(StatusCode::kNotFound, "NO_SUCH_ROUTE",
                 "g_variants or individuals can be asked for");
  GF_ASSIGN(BeaconRequest asked, ParseBeacon({*beacon::EntryOfPath(entity)}, request));
  GF_ASSIGN(dv1::QueryRequest query, CohortQuery(asked.parsed));
  return Question{std::move(asked.parsed), std::move(query)};
}

// What the handler of the routes keeps for as long as there are routes.
struct Source {
  SiteFacts site;
  UnaryCaller caller;
  std::atomic<int> open = 0;
};

}  // namespace

void AddDiscoveryStream(Api& api, const SiteFacts& site, const UnaryCaller& caller) {
  auto source = std::make_shared<Source>();
  source->site = site;
  source->caller = caller;
  const http::Handler handler = [source](const Request& request) -> Result<Response> {
    GF_ASSIGN(Question question, Parse(request));
    if (source->open >= kMaxStreams)
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                   "too many queries are streamed just now");
    GF_ASSIGN(auto members,
              Call<dv1::ListMembersResponse>(source->caller, request.ctx, "discovery", kListMembers,
                                             dv1::ListMembersRequest()));
    // The request's own deadline bounds the calls; the stream outlives the handler.
    auto stream = std::make_shared<Stream>(source->site, source->caller, std::move(question),
                                           request.ctx, source->open);
    stream->Start({members.sites().begin(), members.sites().end()});
    return http::Events([source, stream]() -> Result<std::string> { return stream->Next(); });
  };
  for (http::Method method : {http::Method::kGet, http::Method::kPost}) {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.pattern = "/api/v1/discovery/stream/{entity}";
    endpoint.summary =
        "A Beacon query of the network, answered as server-sent events, member by member";
    endpoint.handler = handler;
    api.Add(std::move(endpoint));
  }
}

}  // namespace genofed::gateway
