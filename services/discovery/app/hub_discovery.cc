// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/hub_discovery.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "libs/core/retry_after.h"
#include "services/discovery/app/node_discovery.h"

namespace genofed::discovery {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPausesBeforeAnotherTry[] = {std::chrono::milliseconds(0),
                                                                 std::chrono::milliseconds(50)};

std::int32_t MillisecondsSince(steady_clock::time_point start) {
  auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
  return static_cast<std::int32_t>(elapsed.count());
}

// Nobody answered, and waiting would help.
Status CheckBudget(const std::vector<Member>& members) {
  std::optional<std::int64_t> soonest;
  for (const Member& member : members) {
    if (member.state == MemberState::kAnswered) return absl::OkStatus();
    if (member.state == MemberState::kBudgetSpent)
      soonest = std::min(soonest.value_or(member.retry_after_seconds), member.retry_after_seconds);
  }
  if (!soonest) return absl::OkStatus();
  return WithRetryAfter(
      Error(StatusCode::kResourceExhausted, "BUDGET_SPENT",
            "this account was told as much of these datasets as it may be for now"),
      std::chrono::seconds(*soonest));
}

}  // namespace

HubDiscovery::HubDiscovery(std::vector<Node> nodes, const Options& options,
                           const NetworkTables* tables)
    : options_(options), tables_(tables), cache_(options.cache_lifetime) {
  for (Node& node : nodes) {
    members_.push_back({std::make_unique<Breaker>(options.breaker_failures, options.breaker_pause),
                        std::move(node)});
  }
  std::sort(members_.begin(), members_.end(), [](const Asked& a, const Asked& b) {
    return a.node.client->site() < b.node.client->site();
  });
}

HubDiscovery::~HubDiscovery() = default;

MemberState StateOf(const Status& status) {
  if (status.ok()) return MemberState::kAnswered;
  if (Reason(status) == "BUDGET_SPENT") return MemberState::kBudgetSpent;
  if (status.code() == StatusCode::kDeadlineExceeded || status.code() == StatusCode::kCancelled) {
    return MemberState::kTimedOut;
  }
  // A node that is there but cannot answer (its consent is stale) says so with a reason of its own.
  bool nobody_there =
      status.code() == StatusCode::kUnavailable && Reason(status) == "PEER_UNAVAILABLE";
  return nobody_there ? MemberState::kUnreachable : MemberState::kRefused;
}

// Whether the member itself is in trouble, as opposed to the question or the account.
bool IsFailure(const Status& status) {
  const MemberState state = StateOf(status);
  return state == MemberState::kTimedOut || state == MemberState::kUnreachable ||
         status.code() == StatusCode::kDataLoss || status.code() == StatusCode::kInternal;
}

// Outlives the call it was made for: a member that answers after the deadline still writes here,
// and nobody reads it.
template <typename T>
struct HubDiscovery::Gathering {
  struct Slot {
    Reply<T> reply;
    int running = 0;
    bool done = false;
    bool blamed = false;
  };
  const steady_clock::time_point start = steady_clock::now();
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t missing = 0;
  std::vector<Slot> slots;

  void Finish(Slot& slot) {
    slot.done = true;
    --missing;
    changed.notify_all();
  }
  // A question is one failure, however often the member was asked. Who was not given its time,
  // because whoever asked went away or was in a hurry, did not fail: else anybody could switch off
  // members by breaking off.
  void Blame(Slot& slot, Breaker& breaker, std::chrono::milliseconds deadline, bool timed_out) {
    const auto now = steady_clock::now();
    if (slot.blamed || (timed_out && now < start + deadline * 9 / 10)) return;
    slot.blamed = true;
    breaker.Failed(now);
  }
};

// Asks one member on its threads. The first answer counts; an error counts when no other attempt is
// under way.
template <typename T>
void HubDiscovery::Attempt(const std::shared_ptr<Gathering<T>>& gathering, std::size_t i,
                           const Context& limited, const Asker<T>& ask) {
  Asked& asked = members_[i];
  {
    std::unique_lock lock(gathering->mutex);
    ++gathering->slots[i].running;
  }
  const bool queued = asked.node.workers->Submit([gathering, i, &asked, ask, limited,
                                                  deadline = options_.node_deadline] {
    Status alive = limited.Alive();  // it may have waited in the queue
    Result<T> result = alive.ok() ? ask(limited, *asked.node.client) : Result<T>(alive);
    // A connection that was just lost, a replica that is gone, or one that was just started and has
    // not opened its datasets: another one may be there, at once or when gRPC has noticed.
    for (const auto pause : kPausesBeforeAnotherTry) {
      if (!alive.ok() || result.status().code() != StatusCode::kUnavailable) break;
      std::this_thread::sleep_for(pause);
      if (!limited.Alive().ok()) break;
      result = ask(limited, *asked.node.client);
    }
    std::unique_lock lock(gathering->mutex);
    auto& slot = gathering->slots[i];
    if (!IsFailure(result.status())) {
      asked.breaker->Succeeded();
    } else if (alive.ok()) {
      gathering->Blame(slot, *asked.breaker, deadline,
                       StateOf(result.status()) == MemberState::kTimedOut);
    }
    --slot.running;
    if (slot.done || (!result.ok() && slot.running > 0)) return;
    slot.reply.member.state = StateOf(result.status());
    slot.reply.member.milliseconds = MillisecondsSince(gathering->start);
    slot.reply.member.retry_after_seconds =
        RetryAfter(result.status()).value_or(std::chrono::seconds(0)).count();
    if (result.ok()) slot.reply.value = *std::move(result);
    gathering->Finish(slot);
  });
  if (queued) return;
  std::unique_lock lock(gathering->mutex);
  auto& slot = gathering->slots[i];
  if (--slot.running == 0 && !slot.done)
    gathering->Finish(slot);  // stays "timed out": its threads are all waiting
}

template <typename T>
std::vector<HubDiscovery::Reply<T>> HubDiscovery::AskAll(const Context& ctx,
                                                         const std::vector<std::string>& sites,
                                                         const Asker<T>& ask) {
  const Context limited = ctx.WithTimeout(options_.node_deadline);
  auto gathering = std::make_shared<Gathering<T>>();
  gathering->missing = members_.size();
  for (const Asked& asked : members_) {
    const NodeClient& client = *asked.node.client;
    gathering->slots.push_back(
        {{{client.site(), MemberState::kTimedOut, 0, 0}, std::nullopt, client.foreign()},
         0,
         false});
  }
  std::vector<bool> wanted(members_.size());
  for (std::size_t i = 0; i < members_.size(); ++i) {
    wanted[i] = sites.empty() || std::find(sites.begin(), sites.end(),
                                           members_[i].node.client->site()) != sites.end();
    if (wanted[i] && members_[i].breaker->Allow(gathering->start)) {
      Attempt(gathering, i, limited, ask);
      continue;
    }
    std::unique_lock lock(gathering->mutex);
    gathering->slots[i].reply.member.state = MemberState::kUnreachable;
    gathering->Finish(gathering->slots[i]);
  }
  const auto all = [&] { return gathering->missing == 0; };
  std::unique_lock lock(gathering->mutex);
  if (options_.hedge_after.count() > 0 &&
      !gathering->changed.wait_until(
          lock, std::min(gathering->start + options_.hedge_after, limited.deadline()), all)) {
    std::vector<std::size_t> slow;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (!gathering->slots[i].done) slow.push_back(i);
    }
    lock.unlock();
    for (std::size_t i : slow) Attempt(gathering, i, limited, ask);
    lock.lock();
  }
  gathering->changed.wait_until(lock, limited.deadline(), all);
  std::vector<Reply<T>> replies;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!wanted[i]) continue;
    auto& slot = gathering->slots[i];
    if (!slot.done) {
      slot.done = true;
      slot.reply.member.milliseconds = MillisecondsSince(gathering->start);
      gathering->Blame(slot, *members_[i].breaker, options_.node_deadline, true);
    }
    replies.push_back(std::move(slot.reply));
  }
  return replies;
}

std::vector<std::string> HubDiscovery::Sites() const {
  std::vector<std::string> sites;
  for (const Asked& asked : members_) sites.push_back(asked.node.client->site());
  return sites;
}

Status HubDiscovery::CheckSites(const std::vector<std::string>& sites) const {
  for (const std::string& site : sites) {
    const auto known = [&](const Asked& asked) { return asked.node.client->site() == site; };
    if (std::none_of(members_.begin(), members_.end(), known))
      return InvalidField("sites", "SITE_UNKNOWN", "{} is no member of the network", site);
  }
  return absl::OkStatus();
}

Result<CaseAnswer> HubDiscovery::Match(const Context& ctx, const CaseQuery& query) {
  GF_TRY(CheckSites(query.sites));
  auto replies = AskAll<CaseAnswer>(
      ctx, query.sites,
      [query](const Context& limited, NodeClient& node) { return node.Match(limited, query); });
  std::vector<CaseReply> answers;
  for (auto& reply : replies) {
    if (!reply.foreign) answers.push_back({std::move(reply.member), std::move(reply.value)});
  }
  CaseAnswer merged = MergeCases(query, std::move(answers), options_.floor);
  GF_TRY(CheckBudget(merged.members));
  return merged;
}

Result<Answer> HubDiscovery::Run(const Context& ctx, const Query& query) {
  GF_TRY(CheckSites(query.sites));
  const auto tables = tables_ != nullptr && query.AsksRarity() ? tables_->Current()
                                                               : std::map<std::string, TableName>();
  // Everything on which a node's answer depends.
  std::string question =
      fmt::format("{}|{}|{}|{}", query.account, GranularityName(query.granularity),
                  fmt::join(query.datasets, ","), Canonical(query)) +
      (query.variant && query.variant->assembly
           ? std::string(genomics::AssemblyName(*query.variant->assembly))
           : "");
  for (const auto& [assembly, table] : tables) question += table.digest;
  auto replies = AskAll<Answer>(
      ctx, query.sites,
      [this, query, question](const Context& limited, NodeClient& node) -> Result<Answer> {
        if (auto kept = cache_.Find(node.site(), question, steady_clock::now()))
          return *std::move(kept);
        GF_ASSIGN(Answer answer, node.Ask(limited, query));
        cache_.Put(node.site(), question, answer, steady_clock::now());
        return answer;
      });
  std::vector<NodeReply> answers;
  for (auto& reply : replies)
    answers.push_back({std::move(reply.member), std::move(reply.value), reply.foreign});
  Answer merged = Merge(query, std::move(answers), options_.floor);
  NameTables(query, tables, merged);
  GF_TRY(CheckBudget(merged.members));
  return merged;
}

std::vector<FilteringTerm> HubDiscovery::Terms(const Context& ctx) {
  auto replies = AskAll<std::vector<FilteringTerm>>(
      ctx, {}, [](const Context& limited, NodeClient& node) { return node.Terms(limited); });
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
