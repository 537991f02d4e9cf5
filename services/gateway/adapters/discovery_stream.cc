// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/discovery_stream.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

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
constexpr const char* kCombine = "genofed.discovery.v1.DiscoveryService/CombineAnswers";
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

// A place among the streams that are open, from before anything is asked.
class Place {
 public:
  explicit Place(std::atomic<int>& taken) : taken_(&taken), number_(++taken) {}
  Place(Place&& other) noexcept
      : taken_(std::exchange(other.taken_, nullptr)), number_(other.number_) {}
  ~Place() {
    if (taken_ != nullptr) --*taken_;
  }
  bool there() const { return number_ <= kMaxStreams; }

 private:
  std::atomic<int>* taken_;
  const int number_;
};

// The calls of one stream, and the events that came of them. Each member is asked once, so that the
// summary says of everybody what their own event says. Ends its calls when nobody listens any more.
class Stream {
 public:
  Stream(const SiteFacts& site, const UnaryCaller& caller, Question question, Context ctx,
         Place place)
      : place_(std::move(place)),
        site_(site),
        caller_(caller),
        question_(std::move(question)),
        ctx_(ctx.WithStop(stop_.get_token())) {}
  ~Stream() {
    stop_.request_stop();
    threads_.clear();
  }

  void Start(const std::vector<std::string>& sites) {
    *whole_.mutable_query() = question_.query;
    missing_ = sites.size();
    if (sites.empty()) threads_.emplace_back([this] { Whole(); });
    for (const std::string& member : sites) threads_.emplace_back([this, member] { One(member); });
  }

  // The events that have come, after waiting for one; empty when all were had.
  std::string Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !events_.empty() || whole_said_; });
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
    // Counts decide what may be said of all members together.
    query.set_granularity(std::max(query.granularity(), dv1::GRANULARITY_COUNT));
    auto asked = Call<dv1::QueryResponse>(caller_, ctx_, "discovery", kQuery, query);
    json event = {{"site", member}};
    dv1::QueryResponse answer;
    if (asked.ok() && asked->members_size() == 1) {
      answer = *std::move(asked);
      event["milliseconds"] = answer.members(0).milliseconds();
      event["beacon"] = json::parse(Render(site_, question_, answer));
    } else {
      const bool spent = Reason(asked.status()) == "BUDGET_SPENT";
      dv1::Member& silent = *answer.add_members();
      silent.set_site(member);
      silent.set_state(spent ? dv1::Member::STATE_BUDGET_SPENT : dv1::Member::STATE_REFUSED);
      if (const auto after = RetryAfter(asked.status())) {
        silent.set_retry_after_seconds(after->count());
        event["retryAfterSeconds"] = after->count();
      }
    }
    const auto& state = dv1::Member::State_Name(answer.members(0).state());
    event["state"] = state.starts_with("STATE_") ? state.substr(6) : state;
    if (Take(std::move(answer), event)) Whole();
  }

  // Whether that was the last member.
  bool Take(dv1::QueryResponse answer, const json& event) {
    std::unique_lock lock(mutex_);
    events_.push_back(
        http::FormatEvent("member", event.dump(-1, ' ', false, json::error_handler_t::replace)));
    *whole_.add_answers() = std::move(answer);
    changed_.notify_all();
    return --missing_ == 0;
  }

  void Whole() {
    auto whole = Call<dv1::CombineAnswersResponse>(caller_, ctx_, "discovery", kCombine, whole_);
    std::string event =
        whole.ok() ? http::FormatEvent(
                         "summary", Render(site_, question_, std::move(*whole->mutable_answer())))
                   : http::FormatEvent("problem", Problem(whole.status()));
    std::unique_lock lock(mutex_);
    last_ = std::move(event);
    whole_said_ = true;
    changed_.notify_all();
  }

  const Place place_;
  const SiteFacts& site_;
  const UnaryCaller& caller_;
  const Question question_;
  std::stop_source stop_;
  const Context ctx_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t missing_ = 0;           // members that have not been heard
  dv1::CombineAnswersRequest whole_;  // what they said; nobody else's once the last was heard
  bool whole_said_ = false;
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
  if (asked.parsed.test_mode)
    return InvalidField("testMode", "QUERY_UNSUPPORTED", "the network has no test data");
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
    Place place(source->open);
    if (!place.there())
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                   "too many queries are streamed just now");
    GF_ASSIGN(auto members,
              Call<dv1::ListMembersResponse>(source->caller, request.ctx, "discovery", kListMembers,
                                             dv1::ListMembersRequest()));
    // The request's own deadline bounds the calls; the stream outlives the handler.
    auto stream = std::make_shared<Stream>(source->site, source->caller, std::move(question),
                                           request.ctx, std::move(place));
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
