// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "libs/core/mutex.h"
#include "libs/core/status.h"

namespace genofed::discovery {

// Keeps what was computed of an immutable view until there is another one. Who asks while it is
// computed waits for it, so that many who ask at once cost what one costs. Thread-safe.
template <typename View, typename T>
class ViewCache {
 public:
  // `key`: what of the view is meant. `make` returns a Result<T>; an error is not kept.
  template <typename Make>
  Result<std::shared_ptr<const T>> Get(const std::shared_ptr<const View>& view,
                                       const std::string& key, Make make) {
    MutexLock lock(mutex_);
    if (of_.lock() != view) {
      kept_.clear();
      of_ = view;
    }
    if (const auto found = kept_.find(key); found != kept_.end()) return found->second;
    GF_ASSIGN(T made, make());
    if (kept_.size() >= kMost) kept_.clear();
    return kept_[key] = std::make_shared<const T>(std::move(made));
  }

 private:
  static constexpr std::size_t kMost = 256;

  Mutex mutex_;
  std::weak_ptr<const View> of_ ABSL_GUARDED_BY(mutex_);
  // Shared: whoever was told reads on while a new view comes.
  std::map<std::string, std::shared_ptr<const T>> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
