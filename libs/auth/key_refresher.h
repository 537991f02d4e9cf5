// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include "libs/auth/live_trust.h"
#include "libs/core/random.h"
#include "libs/core/status.h"

namespace genofed::auth {

// What an address answered.
struct KeyDocument {
  std::string content_type;  // media type without parameters, lower case
  std::string body;
};

// Where key sets come from. Follows no redirects; an answer other than 200 is an error.
class KeyFetcher {
 public:
  virtual ~KeyFetcher() = default;
  virtual Result<KeyDocument> Fetch(const std::string& url) = 0;
};

// Keeps the keys of issuers with "refresh" current: asks the `jku` of the trust file, and no other
// address, every `interval` (never more often than every ten seconds), and less and less often
// while that fails. Only before the first answer it asks again after a quarter of a second, a half,
// one ...: the issuer may be starting, too. Fetched keys count for `lifetime` after the last
// success; a hostile or broken answer changes nothing. One thread.
class KeyRefresher {
 public:
  using Steady = LiveTrust::Steady;
  static constexpr std::chrono::seconds kMinInterval{10};
  static constexpr std::chrono::seconds kMaxBackoff{300};  // or `interval`, if that is longer
  static constexpr std::size_t kMaxBytes = 1U << 20;

  struct Options {
    std::function<Steady()> now = [] { return std::chrono::steady_clock::now(); };
    // Told of every fetch, for logs and metrics.
    std::function<void(const std::string& iss, const Status& result)> on_result = nullptr;
    // Given every set that was taken, as it was published, and how much longer it counts.
    std::function<void(const std::string& iss, const std::string& jwks, std::chrono::seconds left)> on_keys = nullptr;
  };
  // Borrows all three.
  KeyRefresher(LiveTrust& trust, KeyFetcher& fetcher, Random& random, Options options);

  // Fetches what is due. Call it several times a second: the trust file may have changed.
  void Run();

 private:
  struct Schedule {
    std::string jku;
    Steady next{};
    int failures = 0;
    bool answered = false;  // ever
  };
  struct FetchedSet {
    std::string text;
    KeySet keys;
  };
  Result<FetchedSet> Fetch(const std::string& url);
  std::chrono::milliseconds Pause(const KeyRefresh& refresh, const Schedule& schedule);

  LiveTrust& trust_;
  KeyFetcher& fetcher_;
  Random& random_;
  const Options options_;
  std::map<std::string, Schedule, std::less<>> schedules_;  // by iss
};

}  // namespace genofed::auth
