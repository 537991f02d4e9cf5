// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/auth/token_cache.h"
#include "libs/auth/trust_source.h"
#include "libs/core/mutex.h"

namespace genofed::auth {

// The trust of a running service: a file that may change, keys that are fetched, revocations that are
// heard. Thread safe. Does no network I/O and has no thread: its owner calls ReloadFile, SetFetchedKeys
// and HearRevocations.
class LiveTrust final : public TrustSource {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  struct Options {
    std::filesystem::path file;
    // Current() fails when HearRevocations was not called for this long, or never. Zero: the site has no
    // revocation list, only those of the file count.
    std::chrono::milliseconds max_staleness{0};
    std::function<Steady()> now = [] { return std::chrono::steady_clock::now(); };
  };

  // Errors are those of TrustStore::Load: a site does not start with a broken file.
  static Result<std::unique_ptr<LiveTrust>> Open(Options options);

  Result<TrustStore> Current() const override;
  // The same without looking at the age of the revocations: for what must work to hear them.
  TrustStore Latest() const;

  enum class Reload { kUnchanged, kReplaced };
  // Reads the file when its content is not the one in force. A broken file keeps the old one in force
  // and is an error, once for each broken content.
  Result<Reload> ReloadFile();

  // The whole list, true at `as_of`: when the request for it was sent.
  void HearRevocations(RevocationList list, Steady as_of);
  // Keys of one issuer, replacing what was fetched before; they count until `until`. Keys of issuers that are
  // not in the file, or without `refresh`, never count.
  void SetFetchedKeys(const std::string& iss, KeySet keys, Steady until);

 private:
  struct Fetched {
    KeySet keys;
    Steady until;
  };
  explicit LiveTrust(Options options) : options_(std::move(options)) {}
  // Puts the three together; const because keys end without anybody changing them.
  void Combine() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const std::shared_ptr<TokenCache> cache_ = std::make_shared<TokenCache>();  // shared with the stores given out
  mutable Mutex mutex_;
  TrustStore file_ ABSL_GUARDED_BY(mutex_);
  std::string content_ ABSL_GUARDED_BY(mutex_);         // of the file when last read, good or broken
  mutable TrustStore combined_ ABSL_GUARDED_BY(mutex_);
  mutable Steady keys_until_ ABSL_GUARDED_BY(mutex_) = Steady::max();  // the first fetched key to end
  std::shared_ptr<const RevocationList> revoked_ ABSL_GUARDED_BY(mutex_);
  Steady heard_ ABSL_GUARDED_BY(mutex_) = Steady::min();
  std::map<std::string, Fetched, std::less<>> fetched_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::auth
