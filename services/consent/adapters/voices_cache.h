// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// What was said about everybody in a dataset version, as of one change: twelve bytes for each
// person, since most people's words are the same.
struct VersionVoices {
  struct Person {
    std::uint32_t snapshot_slot = 0;
    std::uint32_t words = 0;  // index in `words`
    bool included = false;
  };
  std::int64_t change = 0;     // of the table voice_changes: the last that is in here
  std::vector<Person> people;  // by slot of the version
  std::deque<Voices> words;
  std::map<std::string, std::uint32_t> index;  // of `words`, by their text
};

// Versions that were asked for, in the last states that they were in. Thread-safe.
class VoicesCache {
 public:
  // The newest state that is not newer than `change`; null if there is none.
  std::shared_ptr<const VersionVoices> Find(const DatasetVersion& dataset, std::int64_t change);
  void Keep(const DatasetVersion& dataset, std::shared_ptr<const VersionVoices> voices);

 private:
  // Readers whose transactions began a little earlier still find theirs.
  static constexpr std::size_t kStates = 3;
  static constexpr std::size_t kMostPeople = 20'000'000;  // in all states together, or one version
  struct States {
    std::deque<std::shared_ptr<const VersionVoices>> states;  // newest first
    std::uint64_t used = 0;
  };
  Mutex mutex_;
  std::map<DatasetVersion, States> versions_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace genofed::consent
