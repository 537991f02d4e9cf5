// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "services/discovery/app/answer_cache.h"
#include "services/discovery/app/breaker.h"
#include "services/discovery/app/call_limit.h"
#include "services/discovery/app/frequency_ports.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/domain/merge.h"

namespace genofed::discovery {

// Asks all members of the network at once and adds up what they say. A member that hangs costs the
// others nothing: all calls are started by whoever asks, and answers come on threads that nobody
// keeps. Nobody is waited for longer than the deadline, one that is slow is asked a second time,
// and one that failed again and again is left in peace for a while. What nobody waits for any more
// is cancelled. Thread-safe.
class HubDiscovery {
 public:
  struct Options {
    std::chrono::milliseconds node_deadline{2000};
    // A member that has not answered by then is asked once more, and the first answer counts; 0:
    // never.
    std::chrono::milliseconds hedge_after{500};
    int breaker_failures = 5;
    std::chrono::milliseconds breaker_pause{5000};
    std::chrono::milliseconds cache_lifetime{0};
    std::int32_t floor = 1;  // of an answer to which nobody contributed
    int max_calls = 72;      // under way to one member
  };

  // `tables`: of allele frequencies, for answers about rarity; null: none.
  HubDiscovery(std::vector<std::unique_ptr<NodeClient>> members, const Options& options,
               const NetworkTables* tables = nullptr);
  // Waits for calls that were cancelled and have not ended yet.
  ~HubDiscovery();

  // Members say who did not answer. ResourceExhausted BUDGET_SPENT with RetryAfter when nobody did,
  // and somebody because the account's budget is spent; InvalidArgument SITE_UNKNOWN.
  Result<Answer> Run(const Context& ctx, const Query& query);
  // What Run would say of these replies, of which each came from a member that was asked alone
  // (AsksNodes). Besides InvalidArgument FIELD_INVALID for a member that is there twice.
  Result<Answer> Combine(const Query& query, std::vector<NodeReply> replies) const;
  // The same for cases. Beacons of others match none and are not asked.
  Result<CaseAnswer> Match(const Context& ctx, const CaseQuery& query);
  // Terms that some node knows, sorted, without saying how many people or which node.
  std::vector<FilteringTerm> Terms(const Context& ctx);
  // Names of the members, sorted.
  std::vector<std::string> Sites() const;

 private:
  struct Asked {
    Asked(std::unique_ptr<NodeClient> member, const Options& options)
        : client(std::move(member)),
          breaker(options.breaker_failures, options.breaker_pause),
          calls(options.max_calls) {}

    const std::unique_ptr<NodeClient> client;
    Breaker breaker;
    CallLimit calls;  // ends first: answers use the others
  };
  // What one member returned. `value` is set when the state is kAnswered.
  template <typename T>
  struct Reply {
    Member member;
    std::optional<T> value;
    bool foreign = false;
    Status why = absl::OkStatus();  // there is no value
  };
  template <typename T>
  using Asker = std::function<void(const Context&, NodeClient&, NodeClient::Done<T>)>;
  template <typename T>
  struct Gathering;
  // To be made by whoever asked, when it is due: threads that bring answers start no calls.
  struct Attempt {
    std::size_t member;
    int nth;  // of one that is made again, from 0
    std::chrono::steady_clock::time_point due;
  };

  // By the network's tables, where it is about rarity; none: not.
  std::map<std::string, TableName> TablesFor(const Query& query) const;
  Result<Answer> Sum(const Query& query, std::vector<NodeReply> replies,
                     const std::map<std::string, TableName>& tables) const;
  Status CheckSites(const std::vector<std::string>& sites) const;

  template <typename T>
  std::vector<Reply<T>> AskAll(const Context& ctx, const std::vector<std::string>& sites,
                               const Asker<T>& ask);
  template <typename T>
  std::shared_ptr<Gathering<T>> Gather(const Context& ctx, const std::vector<std::string>& sites);
  template <typename T>
  void Make(const Attempt& attempt, const std::shared_ptr<Gathering<T>>& gathering,
            const Asker<T>& ask);
  template <typename T>
  void TakeIn(const Attempt& attempt, Gathering<T>& gathering, Result<T> result);

  const Options options_;
  const NetworkTables* const tables_;
  AnswerCache cache_;
  std::vector<std::unique_ptr<Asked>> members_;
};

// How an error of a member's client shows in the answer.
MemberState StateOf(const Status& status);

}  // namespace genofed::discovery
