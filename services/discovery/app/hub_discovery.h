// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/discovery/app/ports.h"
#include "services/discovery/domain/merge.h"

namespace genofed::discovery {

// Asks all nodes at once and adds up what they say. A node that hangs costs the others nothing:
// each has threads of its own, and nobody is waited for longer than the deadline. Thread-safe.
class HubDiscovery {
 public:
  // A node, and the threads on which it alone is called.
  struct Node {
    std::unique_ptr<NodeClient> client;
    std::unique_ptr<WorkerPool> workers;  // after the client: ends first
  };

  HubDiscovery(std::vector<Node> nodes, std::chrono::milliseconds node_deadline,
               std::int32_t floor);
  ~HubDiscovery();

  // Always answers; members say who did not.
  Answer Run(const Context& ctx, const Query& query);
  // Terms that some node knows, sorted, without saying how many people or which node.
  std::vector<FilteringTerm> Terms(const Context& ctx);

 private:
  // What one node returned. `value` is set when the state is kAnswered.
  template <typename T>
  struct Reply {
    Member member;
    std::optional<T> value;
  };
  template <typename T>
  std::vector<Reply<T>> AskAll(const Context& ctx,
                               const std::function<Result<T>(const Context&, NodeClient&)>& ask);

  std::vector<Node> nodes_;
  const std::chrono::milliseconds node_deadline_;
  const std::int32_t floor_;
};

// How an error of a node's client shows in the answer.
MemberState StateOf(const Status& status);

}  // namespace genofed::discovery
