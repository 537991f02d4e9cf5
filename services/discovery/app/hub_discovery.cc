// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/hub_discovery.h"

#include <algorithm>
#include <condition_variable>
#include <set>

#include "services/discovery/app/node_discovery.h"

namespace genofed::discovery {
namespace {

using std::chrono::steady_clock;

std::int32_t MillisecondsSince(steady_clock::time_point start) {
  auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
  return static_cast<std::int32_t>(elapsed.count());
}

}  // namespace

HubDiscovery::HubDiscovery(std::vector<Node> nodes, std::chrono::milliseconds node_deadline,
                           std::int32_t floor)
    : nodes_(std::move(nodes)), node_deadline_(node_deadline), floor_(std::max(floor, 1)) {}

HubDiscovery::~HubDiscovery() = default;

MemberState StateOf(const Status& status) {
  if (status.ok()) return MemberState::kAnswered;
  if (status.code() == StatusCode::kDeadlineExceeded || status.code() == StatusCode::kCancelled) {
    return MemberState::kTimedOut;
  }
  // A node that is there but cannot answer (its consent is stale) says so with a reason of its own.
  bool nobody_there =
      status.code() == StatusCode::kUnavailable && Reason(status) == "PEER_UNAVAILABLE";
  return nobody_there ? MemberState::kUnreachable : MemberState::kRefused;
}

template <typename T>
std::vector<HubDiscovery::Reply<T>> HubDiscovery::AskAll(
    const Context& ctx, const std::function<Result<T>(const Context&, NodeClient&)>& ask) {
  // Outlives this call: a node that answers after the deadline still writes here, and nobody reads
  // it.
  struct Gathering {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t missing = 0;
    std::vector<Reply<T>> replies;
  };
  const auto start = steady_clock::now();
  const Context limited = ctx.WithTimeout(node_deadline_);
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = nodes_.size();
  for (const Node& node : nodes_) {
    gathering->replies.push_back(
        {{node.client->site(), MemberState::kTimedOut, 0, 0}, std::nullopt});
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    NodeClient& client = *nodes_[i].client;
    bool queued = nodes_[i].workers->Submit([gathering, i, &client, ask, limited, start] {
      Status alive = limited.Alive();  // it may have waited in the queue
      Result<T> result = alive.ok() ? ask(limited, client) : Result<T>(alive);
      std::unique_lock lock(gathering->mutex);
      Reply<T>& reply = gathering->replies[i];
      reply.member.state = StateOf(result.status());
      reply.member.milliseconds = MillisecondsSince(start);
      if (result.ok()) reply.value = *std::move(result);
      --gathering->missing;
      gathering->changed.notify_all();
    });
    if (!queued) {
      std::unique_lock lock(gathering->mutex);
      --gathering->missing;
    }
  }
  std::unique_lock lock(gathering->mutex);
  gathering->changed.wait_until(lock, limited.deadline(), [&] { return gathering->missing == 0; });
  std::vector<Reply<T>> replies = gathering->replies;
  for (Reply<T>& reply : replies) {
    if (reply.member.state == MemberState::kTimedOut)
      reply.member.milliseconds = MillisecondsSince(start);
  }
  return replies;
}

Answer HubDiscovery::Run(const Context& ctx, const Query& query) {
  auto replies = AskAll<Answer>(
      ctx, [query](const Context& limited, NodeClient& node) { return node.Ask(limited, query); });
  std::vector<NodeReply> answers;
  for (auto& reply : replies) answers.push_back({std::move(reply.member), std::move(reply.value)});
  return Merge(query, std::move(answers), floor_);
}

std::vector<FilteringTerm> HubDiscovery::Terms(const Context& ctx) {
  auto replies = AskAll<std::vector<FilteringTerm>>(
      ctx, [](const Context& limited, NodeClient& node) { return node.Terms(limited); });
  std::set<std::string> ids;
  for (const auto& reply : replies) {
    if (!reply.value) continue;
    for (const FilteringTerm& term : *reply.value) ids.insert(term.id);
  }
  std::vector<FilteringTerm> terms;
  for (const std::string& id : ids) terms.push_back({id, TermLabel(id)});
  return terms;
}

}  // namespace genofed::discovery
