// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/discovery/app/answer_cache.h"
#include "services/discovery/app/breaker.h"
#include "services/discovery/app/frequency_ports.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/domain/merge.h"

namespace genofed::discovery {

// Asks all members of the network at once and adds up what they say. A member that hangs costs the
// others nothing: each has threads of its own, nobody is waited for longer than the deadline, one
// that is slow is asked a second time, and one that failed again and again is left in peace for a
// while. Thread-safe.
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
  };
  // A member, and the threads on which it alone is called.
  struct Node {
    std::unique_ptr<NodeClient> client;
    std::unique_ptr<WorkerPool> workers;  // after the client: ends first
  };

  // `tables`: of allele frequencies, for answers about rarity; null: none.
  HubDiscovery(std::vector<Node> nodes, const Options& options,
               const NetworkTables* tables = nullptr);
  ~HubDiscovery();

  // Members say who did not answer. ResourceExhausted BUDGET_SPENT with RetryAfter when nobody did,
  // and somebody because the account's budget is spent; InvalidArgument SITE_UNKNOWN.
  Result<Answer> Run(const Context& ctx, const Query& query);
  // The same for cases. Beacons of others match none and are not asked.
  Result<CaseAnswer> Match(const Context& ctx, const CaseQuery& query);
  // Terms that some node knows, sorted, without saying how many people or which node.
  std::vector<FilteringTerm> Terms(const Context& ctx);
  // Names of the members, sorted.
  std::vector<std::string> Sites() const;

 private:
  struct Asked {
    std::unique_ptr<Breaker> breaker;
    Node node;  // after the breaker, which its threads use: ends first
  };
  // What one member returned. `value` is set when the state is kAnswered.
  template <typename T>
  struct Reply {
    Member member;
    std::optional<T> value;
    bool foreign = false;
  };
  template <typename T>
  using Asker = std::function<Result<T>(const Context&, NodeClient&)>;
  template <typename T>
  struct Gathering;

  Status CheckSites(const std::vector<std::string>& sites) const;

  template <typename T>
  std::vector<Reply<T>> AskAll(const Context& ctx, const std::vector<std::string>& sites,
                               const Asker<T>& ask);
  template <typename T>
  void Attempt(const std::shared_ptr<Gathering<T>>& gathering, std::size_t i,
               const Context& limited, const Asker<T>& ask);

  const Options options_;
  const NetworkTables* const tables_;
  AnswerCache cache_;
  std::vector<Asked> members_;
};

// How an error of a member's client shows in the answer.
MemberState StateOf(const Status& status);

}  // namespace genofed::discovery
