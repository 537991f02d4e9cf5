// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/voices_cache.h"

#include <algorithm>

namespace genofed::consent {

std::shared_ptr<const VersionVoices> VoicesCache::Find(const DatasetVersion& dataset,
                                                       std::int64_t change) {
  MutexLock lock(mutex_);
  const auto found = versions_.find(dataset);
  if (found == versions_.end()) return nullptr;
  found->second.used = ++uses_;
  for (const auto& state : found->second.states) {
    if (state->change <= change) return state;
  }
  return nullptr;
}

void VoicesCache::Keep(const DatasetVersion& dataset, std::shared_ptr<const VersionVoices> voices) {
  MutexLock lock(mutex_);
  States& kept = versions_[dataset];
  kept.used = ++uses_;
  const auto older = std::ranges::find_if(
      kept.states, [&](const auto& state) { return state->change <= voices->change; });
  if (older != kept.states.end() && (*older)->change == voices->change) return;
  kept.states.insert(older, std::move(voices));
  if (kept.states.size() > kStates) kept.states.pop_back();
  for (;;) {
    std::size_t people = 0;
    for (const auto& [version, states] : versions_) {
      for (const auto& state : states.states) people += state->people.size();
    }
    if (people <= kMostPeople || versions_.size() == 1) return;
    versions_.erase(
        std::ranges::min_element(versions_, {}, [](const auto& one) { return one.second.used; }));
  }
}

}  // namespace genofed::consent
