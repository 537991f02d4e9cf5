// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// At the hub: remembers by account what the broker issued, so that one exchange does for many
// questions, and renews it while what is there still counts. Thread-safe. Questions of an account
// that come together wait for one exchange; no lock is held while the broker is asked.
class AccountTokenCache {
 public:
  using Shared = std::shared_ptr<const AccountTokens>;  // with all questions of the account

  static constexpr std::size_t kMaxAccounts = 1'000;  // of 27 nodes: about 12 MB

  // Nobody waits for the broker longer than `patience`.
  AccountTokenCache(Broker& broker, const Clock& clock, std::chrono::milliseconds patience,
                    std::size_t max_accounts = kMaxAccounts)
      : broker_(broker), clock_(clock), patience_(patience), max_accounts_(max_accounts) {}

  // Those of the user of `ctx`, whose account this is. Errors of the broker, while there are none
  // that count.
  Result<Shared> Of(const Context& ctx, const std::string& account);

 private:
  struct Entry {
    Shared tokens;
    Time renew{};
    Time end{};
    bool asking = false;

    bool Counts(Time now) const { return tokens != nullptr && now < end; }
  };

  void MakeRoom();  // with mutex_ held
  Result<Shared> Take(const std::string& account, Result<Broker::Issued> issued, Time asked);

  Broker& broker_;
  const Clock& clock_;
  const std::chrono::milliseconds patience_;
  const std::size_t max_accounts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
};

}  // namespace genofed::discovery
