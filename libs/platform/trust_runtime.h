// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/auth/key_refresher.h"
#include "libs/auth/live_trust.h"
#include "libs/core/context.h"
#include "libs/obs/metrics.h"
#include "libs/platform/kept_keys.h"
#include "libs/rpc/channel.h"

namespace genofed {

// What access answered to the question what is revoked.
struct HeardRevocations {
  std::int64_t sequence = 0;
  bool unchanged = false;  // the list that was known is still the one in force
  std::vector<auth::Revocation> entries;
};
// Asks access of this site; 0: no list is known.
using RevocationFeed =
    std::function<Result<HeardRevocations>(const Context& ctx, std::int64_t known_sequence)>;
RevocationFeed MakeRevocationFeed(rpc::ChannelSource access);

// Keeps what a process believes current: hears revocations, reads the trust file again when it
// changes, fetches keys. docs/security/revocation.md says what follows from it.
class TrustRuntime {
 public:
  struct Options {
    std::filesystem::path file;
    std::filesystem::path ca_file;  // of the addresses keys come from; empty: the system's
    // Where fetched keys are kept for the next start; empty: nowhere.
    std::filesystem::path keys_dir;
    std::chrono::milliseconds poll_interval{1000};
    std::chrono::milliseconds max_staleness{5000};  // positive
    // What comes before a dataset's identifier in visas: who revokes the one means the other, too.
    std::string dataset_url_prefix;
    // Access itself must be heard by others although it has not heard itself.
    bool hosts_access = false;
  };
  // Errors are those of TrustStore::Load. Borrows metrics and random.
  static Result<std::unique_ptr<TrustRuntime>> Open(Options options, obs::Metrics& metrics,
                                                    Random& random);
  ~TrustRuntime();

  // Begins once this process can be called.
  void Start(RevocationFeed feed);
  void Stop();

  const auth::TrustSource& source() const { return *trust_; }
  // Unavailable/REVOCATIONS_STALE until the list was heard, and whenever it is too old.
  Status Ready() const { return trust_->Current().status(); }
  // For every call that comes in: PermissionDenied/IDENTITY_REVOKED, Unavailable/REVOCATIONS_STALE.
  Status CheckIdentity(const WorkloadIdentity& caller) const;

  // One round of each, without waiting; what the threads do all the time.
  void Hear(const Context& ctx, const RevocationFeed& feed);
  void ReloadFile();

 private:
  TrustRuntime(Options options, obs::Metrics& metrics, Random& random);
  void Listen(const std::stop_token& stop, const RevocationFeed& feed);
  void RefreshKeys(const std::stop_token& stop);
  auth::KeyRefresher::Options RefresherOptions();
  auth::RevocationList ListOf(const std::vector<auth::Revocation>& entries) const;

  const Options options_;
  const SystemClock clock_;
  const KeptKeys kept_keys_;
  obs::Metrics& metrics_;
  std::unique_ptr<auth::LiveTrust> trust_;
  std::unique_ptr<auth::KeyFetcher> fetcher_;
  std::unique_ptr<auth::KeyRefresher> refresher_;
  // Of the listening thread.
  std::int64_t known_sequence_ = 0;
  auth::RevocationList known_;
  std::chrono::steady_clock::time_point heard_ = std::chrono::steady_clock::now();
  bool failing_ = false;
  std::string reload_error_;
  // A slow address of keys must not delay the list, so it has a thread of its own.
  std::jthread listener_;
  std::jthread key_thread_;
};

}  // namespace genofed
