// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "libs/core/mutex.h"
#include "services/discovery/domain/answer.h"

namespace genofed::discovery {

// What nodes answered a moment ago, for as long as their consent epoch is the one they answered at:
// the hub learns of a newer one from any other answer. An account only finds what it asked for
// itself, for nodes charge each account. Thread-safe.
class AnswerCache {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Nothing is kept longer than `lifetime`, which bounds how long the hub may show what a node no
  // longer says; 0: off.
  explicit AnswerCache(std::chrono::milliseconds lifetime) : lifetime_(lifetime) {}

  std::optional<Answer> Find(const std::string& site, const std::string& question, Time now) {
    MutexLock lock(mutex_);
    auto node = nodes_.find(site);
    if (node == nodes_.end()) return std::nullopt;
    const auto found = node->second.answers.find(question);
    if (found == node->second.answers.end() || now - found->second.at > lifetime_)
      return std::nullopt;
    return found->second.answer;
  }

  void Put(const std::string& site, const std::string& question, const Answer& answer, Time now) {
    if (lifetime_.count() <= 0) return;
    MutexLock lock(mutex_);
    Node& node = nodes_[site];
    if (answer.epoch < node.epoch) return;  // overtaken on its way
    if (answer.epoch > node.epoch || node.answers.size() >= kMaxAnswers) node.answers.clear();
    node.epoch = answer.epoch;
    node.answers.insert_or_assign(question, Kept{answer, now});
  }

 private:
  static constexpr std::size_t kMaxAnswers = 1'000;  // of one node
  struct Kept {
    Answer answer;
    Time at;
  };
  struct Node {
    std::int64_t epoch = 0;
    std::map<std::string, Kept> answers;
  };

  const std::chrono::milliseconds lifetime_;
  Mutex mutex_;
  std::map<std::string, Node> nodes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
