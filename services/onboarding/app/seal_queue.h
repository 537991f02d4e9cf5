// SPDX-License-Identifier: Apache-2.0
//
// Uploaded files are read whole before they are sealed. That takes as long as the file is large, so
// it is done beside the call that asked, which asks again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::onboarding {

// What reading a file showed.
struct FileFacts {
  std::string sha256;             // hex
  Result<bool> crypt4gh = false;  // or why it cannot be opened
};

// Thread-safe. Reads two files at a time, in the order of asking.
class SealQueue {
 public:
  using Read = std::function<Result<FileFacts>(const Context& ctx)>;

  // How long a call with a deadline waits; at most half of what it has left.
  explicit SealQueue(std::chrono::milliseconds wait = std::chrono::seconds(8));

  // Has the file read, unless it is or was already.
  void Begin(const std::string& file, Read read);
  // Until it was read, or nobody reads it. Unavailable FILE_BEING_SEALED: ask again.
  Status Wait(const Context& ctx, const std::string& file);
  // What was found, once; none while it is being read, or nobody did.
  std::optional<Result<FileFacts>> Take(const std::string& file);
  // Forgets what was found, as the file changes; false while it is being read.
  bool Forget(const std::string& file);
  // Forgets what nobody asked for again.
  void ForgetAll();

 private:
  struct Job {
    Read read;
    std::optional<Result<FileFacts>> facts;
  };
  static Result<FileFacts> ReadOf(const Job& job, const std::stop_token& stop);
  void Work(const std::stop_token& stop);

  const std::chrono::milliseconds wait_;
  std::mutex mutex_;  // of what follows
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;  // by file
  std::deque<std::shared_ptr<Job>> queue_;
  std::vector<std::jthread> workers_;  // last: end first
};

// FILE_BEING_SEALED
Status BeingSealed();

}  // namespace genofed::onboarding
