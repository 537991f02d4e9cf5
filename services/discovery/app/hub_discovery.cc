// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/hub_discovery.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stop_token>

#include "libs/core/parts.h"
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

HubDiscovery::HubDiscovery(std::vector<std::unique_ptr<NodeClient>> members, const Options& options,
                           const NetworkTables* tables)
    : options_(options), tables_(tables), cache_(options.cache_lifetime) {
  for (auto& member : members)
    members_.push_back(std::make_unique<Asked>(std::move(member), options_));
  std::sort(members_.begin(), members_.end(),
            [](const auto& a, const auto& b) { return a->client->site() < b->client->site(); });
}

HubDiscovery::~HubDiscovery() = default;

MemberState StateOf(const Status& status) {
  if (status.ok()) return MemberState::kAnswered;
  if (Reason(status) == "BUDGET_SPENT") return MemberState::kBudgetSpent;
  // The hub understood the question: who calls it wrong is of an earlier version, or cannot answer it.
  if (status.code() == StatusCode::kInvalidArgument || Reason(status) == "QUERY_UNSUPPORTED")
    return MemberState::kNotAsked;
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
    Asked* asked;
    Reply<T> reply;
    int running = 0;  // with those that are to be made again
    bool done = false;
    bool blamed = false;
  };
  Gathering(const Context& ctx, std::chrono::milliseconds deadline)
      : limited(ctx.WithTimeout(deadline).WithStop(stop.get_token())) {}

  const steady_clock::time_point start = steady_clock::now();
  std::stop_source stop;
  const Context limited;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t missing = 0;
  std::vector<Slot> slots;
  std::vector<Attempt> attempts;

  void Finish(Slot& slot) {
    slot.done = true;
    if (--missing == 0) changed.notify_one();
  }
  // A question is one failure, however often the member was asked, and none if it was answered. Who
  // was not given its time, because whoever asked went away or was in a hurry, did not fail: else
  // anybody could switch off members by breaking off.
  void Blame(Slot& slot, std::chrono::milliseconds deadline, bool timed_out) {
    const auto now = steady_clock::now();
    if (slot.blamed || (timed_out && now < start + deadline * 9 / 10)) return;
    slot.blamed = true;
    slot.asked->breaker.Failed(now);
  }
  // Takes out the attempts that are due, but not those of members that have answered meanwhile.
  std::vector<Attempt> TakeDue(steady_clock::time_point now) {
    const auto later = std::stable_partition(attempts.begin(), attempts.end(),
                                             [&](const Attempt& one) { return one.due <= now; });
    std::vector<Attempt> due(attempts.begin(), later);
    attempts.erase(attempts.begin(), later);
    std::erase_if(due, [&](const Attempt& one) {
      Slot& slot = slots[one.member];
      if (slot.done) --slot.running;
      return slot.done;
    });
    return due;
  }
  steady_clock::time_point NextDue() const {
    auto next = limited.deadline();
    for (const Attempt& one : attempts) next = std::min(next, one.due);
    return next;
  }
};

// Who is to be asked, and for whom that is in vain now.
template <typename T>
std::shared_ptr<HubDiscovery::Gathering<T>> HubDiscovery::Gather(
    const Context& ctx, const std::vector<std::string>& sites) {
  auto gathering = std::make_shared<Gathering<T>>(ctx, options_.node_deadline);
  for (const auto& asked : members_) {
    const NodeClient& client = *asked->client;
    if (!sites.empty() && std::find(sites.begin(), sites.end(), client.site()) == sites.end())
      continue;
    const bool allowed = asked->breaker.Allow(gathering->start);
    const auto state = allowed ? MemberState::kTimedOut : MemberState::kUnreachable;
    gathering->slots.push_back(
        {asked.get(), {{client.site(), state, 0, 0}, std::nullopt, client.foreign()}});
    gathering->slots.back().done = !allowed;
    if (!allowed) continue;
    gathering->slots.back().running = 1;
    gathering->attempts.push_back({gathering->slots.size() - 1, 0, gathering->start});
    ++gathering->missing;
  }
  return gathering;
}

template <typename T>
void HubDiscovery::Make(const Attempt& attempt, const std::shared_ptr<Gathering<T>>& gathering,
                        const Asker<T>& ask) {
  Asked& asked = *gathering->slots[attempt.member].asked;
  if (asked.calls.Begin()) {
    ask(gathering->limited, *asked.client, [this, attempt, gathering, &asked](Result<T> result) {
      TakeIn(attempt, *gathering, std::move(result));
      asked.calls.End();
    });
    return;
  }
  std::lock_guard lock(gathering->mutex);
  auto& slot = gathering->slots[attempt.member];
  if (--slot.running == 0 && !slot.done)
    gathering->Finish(slot);  // stays "timed out": as many calls as may be wait for it
}

// The first answer counts; an error counts when no other attempt is under way.
template <typename T>
void HubDiscovery::TakeIn(const Attempt& attempt, Gathering<T>& gathering, Result<T> result) {
  const Status& status = result.status();
  const auto now = steady_clock::now();
  std::lock_guard lock(gathering.mutex);
  auto& slot = gathering.slots[attempt.member];
  // A connection that was just lost, a replica that is gone, or one that was just started and has
  // not opened its datasets: another one may be there, at once or when gRPC has noticed.
  if (status.code() == StatusCode::kUnavailable && !slot.done &&
      attempt.nth < std::ssize(kPausesBeforeAnotherTry) && gathering.limited.Alive().ok()) {
    const auto due = now + kPausesBeforeAnotherTry[attempt.nth];
    if (due < gathering.limited.deadline()) {
      gathering.attempts.push_back({attempt.member, attempt.nth + 1, due});
      gathering.changed.notify_one();
      return;
    }
  }
  if (!IsFailure(status)) {
    slot.asked->breaker.Succeeded();
  } else if (!slot.done) {
    gathering.Blame(slot, options_.node_deadline, StateOf(status) == MemberState::kTimedOut);
  }
  --slot.running;
  if (slot.done || (!result.ok() && slot.running > 0)) return;
  slot.reply.member.state = StateOf(status);
  slot.reply.member.milliseconds = MillisecondsSince(gathering.start);
  slot.reply.member.retry_after_seconds =
      RetryAfter(status).value_or(std::chrono::seconds(0)).count();
  slot.reply.why = status;
  if (result.ok()) slot.reply.value = *std::move(result);
  gathering.Finish(slot);
}

template <typename T>
std::vector<HubDiscovery::Reply<T>> HubDiscovery::AskAll(const Context& ctx,
                                                         const std::vector<std::string>& sites,
                                                         const Asker<T>& ask) {
  const auto gathering = Gather<T>(ctx, sites);
  const std::stop_callback broken_off(ctx.stop(), [&] { gathering->stop.request_stop(); });
  auto hedge_at = options_.hedge_after.count() > 0 ? gathering->start + options_.hedge_after
                                                   : steady_clock::time_point::max();
  std::unique_lock lock(gathering->mutex);
  while (gathering->missing > 0) {
    const auto now = steady_clock::now();
    if (now >= gathering->limited.deadline()) break;
    std::vector<Attempt> due = gathering->TakeDue(now);
    if (now >= hedge_at) {
      hedge_at = steady_clock::time_point::max();
      for (std::size_t i = 0; i < gathering->slots.size(); ++i) {
        if (gathering->slots[i].done) continue;
        ++gathering->slots[i].running;
        due.push_back({i, 0, now});
      }
    }
    if (due.empty()) {
      gathering->changed.wait_until(lock, std::min(hedge_at, gathering->NextDue()));
      continue;
    }
    lock.unlock();
    for (const Attempt& attempt : due) Make(attempt, gathering, ask);
    lock.lock();
  }
  std::vector<Reply<T>> replies;
  for (auto& slot : gathering->slots) {
    if (!slot.done) {
      slot.done = true;
      slot.reply.member.milliseconds = MillisecondsSince(gathering->start);
      gathering->Blame(slot, options_.node_deadline, true);
    }
    replies.push_back(std::move(slot.reply));
  }
  lock.unlock();  // for calls that end at once
  gathering->stop.request_stop();
  return replies;
}

std::vector<std::string> HubDiscovery::Sites() const {
  std::vector<std::string> sites;
  for (const auto& asked : members_) sites.push_back(asked->client->site());
  return sites;
}

Status HubDiscovery::CheckSites(const std::vector<std::string>& sites) const {
  for (const std::string& site : sites) {
    const auto known = [&](const auto& asked) { return asked->client->site() == site; };
    if (std::none_of(members_.begin(), members_.end(), known))
      return InvalidField("sites", "SITE_UNKNOWN", "{} is no member of the network", site);
  }
  return absl::OkStatus();
}

Result<CaseAnswer> HubDiscovery::Match(const Context& ctx, const CaseQuery& query) {
  GF_TRY(CheckSites(query.sites));
  auto replies = AskAll<CaseAnswer>(
      ctx, query.sites,
      [&](const Context& limited, NodeClient& node, NodeClient::Done<CaseAnswer> done) {
        node.Match(limited, query, std::move(done));
      });
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
  const auto tables = TablesFor(query);
  const Query asks = AsksNodes(query);
  // Everything on which a member's answer depends.
  std::string datasets;  // whatever the caller says
  for (const std::string& dataset : query.datasets) datasets += JoinParts({dataset});
  std::string question = JoinParts(
      {query.account, EntityName(query.entity), GranularityName(asks.granularity), datasets,
       Canonical(query),
       query.variant && query.variant->assembly ? genomics::AssemblyName(*query.variant->assembly)
                                                : std::string_view(),
       query.variant ? query.variant->search.gene_name : std::string_view()});
  for (const By by : query.distributions) question += JoinParts({ByName(by)});
  for (const auto& [assembly, table] : tables) question += table.digest;
  const auto asked = std::make_shared<const std::string>(std::move(question));
  auto replies = AskAll<Answer>(
      ctx, query.sites,
      [&](const Context& limited, NodeClient& node, NodeClient::Done<Answer> done) {
        if (auto kept = cache_.Find(node.site(), *asked, steady_clock::now()))
          return done(*std::move(kept));
        node.Ask(limited, asks,
                 [this, asked, &node, done = std::move(done)](Result<Answer> answer) {
                   if (answer.ok()) cache_.Put(node.site(), *asked, *answer, steady_clock::now());
                   done(std::move(answer));
                 });
      });
  std::vector<NodeReply> answers;
  for (auto& reply : replies) {
    NodeReply& one = answers.emplace_back(
        NodeReply{std::move(reply.member), std::move(reply.value), reply.foreign});
    if (one.member.state == MemberState::kNotAsked)
      one.answer.emplace().not_asked = {{one.member.site, "", Reason(reply.why), Message(reply.why)}};
  }
  return Sum(query, std::move(answers), tables);
}

Result<Answer> HubDiscovery::Combine(const Query& query, std::vector<NodeReply> replies) const {
  std::set<std::string> seen;
  for (NodeReply& reply : replies) {
    const std::string& site = reply.member.site;
    GF_TRY(CheckSites({site}));
    if (!seen.insert(site).second)
      return InvalidField("answers", "FIELD_INVALID", "{} is there twice", site);
    for (const auto& asked : members_) {
      if (asked->client->site() == site) reply.foreign = asked->client->foreign();
    }
  }
  return Sum(query, std::move(replies), TablesFor(query));
}

Result<Answer> HubDiscovery::Sum(const Query& query, std::vector<NodeReply> replies,
                                 const std::map<std::string, TableName>& tables) const {
  Answer merged = Merge(query, std::move(replies), options_.floor);
  NameTables(query, tables, merged);
  GF_TRY(CheckBudget(merged.members));
  return merged;
}

std::map<std::string, TableName> HubDiscovery::TablesFor(const Query& query) const {
  if (tables_ == nullptr || !query.AsksRarity()) return {};
  return tables_->Current();
}

std::vector<FilteringTerm> HubDiscovery::Terms(const Context& ctx) {
  auto replies =
      AskAll<std::vector<FilteringTerm>>(ctx, {},
                                         [](const Context& limited, NodeClient& node,
                                            NodeClient::Done<std::vector<FilteringTerm>> done) {
                                           node.Terms(limited, std::move(done));
                                         });
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
