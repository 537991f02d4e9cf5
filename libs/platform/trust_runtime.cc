// SPDX-License-Identifier: Apache-2.0
#include "libs/platform/trust_runtime.h"

#include <condition_variable>
#include <mutex>

#include "genofed/access/v1/revocation.grpc.pb.h"
#include "libs/obs/log.h"
#include "libs/platform/http_key_fetcher.h"

namespace genofed {
namespace {

using std::chrono::steady_clock;
constexpr std::chrono::seconds kReloadInterval(1);
constexpr std::chrono::milliseconds kKeyLook(250);
// Shorter than the staleness allowed, so that one lost answer is not the end of everything.
constexpr std::chrono::seconds kAskTimeout(2);

void Wait(const std::stop_token& stop, std::chrono::milliseconds pause) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, pause, [] { return false; });
}

}  // namespace

RevocationFeed MakeRevocationFeed(rpc::ChannelSource access) {
  rpc::Peer<access::v1::RevocationService> peer(
      std::move(access), {.timeout = kAskTimeout, .attempts = 1, .forward_user = false});
  return [peer](const Context& ctx, std::int64_t known) -> Result<HeardRevocations> {
    access::v1::FetchRevocationsRequest request;
    request.set_known_sequence(known);
    GF_ASSIGN(const auto answer,
              peer.Call(ctx, &access::v1::RevocationService::Stub::FetchRevocations, request));
    HeardRevocations heard;
    heard.sequence = answer.sequence();
    heard.unchanged = answer.unchanged();
    for (const auto& entry : answer.entries()) {
      // A kind that this version does not know cannot be obeyed, so nothing may be believed.
      GF_ASSIGN(const auto kind, auth::ParseKind(entry.kind()));
      heard.entries.push_back({kind, entry.value(), entry.issuer()});
    }
    return heard;
  };
}

TrustRuntime::TrustRuntime(Options options, obs::Metrics& metrics, Random&)
    : options_(std::move(options)), kept_keys_(options_.keys_dir), metrics_(metrics) {}

TrustRuntime::~TrustRuntime() { Stop(); }

Result<std::unique_ptr<TrustRuntime>> TrustRuntime::Open(Options options, obs::Metrics& metrics,
                                                         Random& random) {
  std::unique_ptr<TrustRuntime> runtime(new TrustRuntime(std::move(options), metrics, random));
  auth::LiveTrust::Options live;
  live.file = runtime->options_.file;
  live.max_staleness = runtime->options_.max_staleness;
  GF_ASSIGN(runtime->trust_, auth::LiveTrust::Open(std::move(live)));
  runtime->kept_keys_.Restore(*runtime->trust_, runtime->clock_);
  const auth::TrustStore trust = runtime->trust_->Latest();
  for (const std::string& ignored : trust.ignored()) {
    GF_LOG(Context::Background(), warn, "trust.key_ignored", {"key", ignored});
  }
  metrics.Add("genofed_trust_reload_failures_total", {}, 0);
  runtime->fetcher_ = std::make_unique<HttpKeyFetcher>(runtime->options_.ca_file);
  runtime->refresher_ = std::make_unique<auth::KeyRefresher>(*runtime->trust_, *runtime->fetcher_,
                                                             random, runtime->RefresherOptions());
  return runtime;
}

auth::KeyRefresher::Options TrustRuntime::RefresherOptions() {
  auth::KeyRefresher::Options options;
  // The last result of each issuer, so that only news is logged.
  auto last = std::make_shared<std::map<std::string, std::string>>();
  options.on_result = [this, last](const std::string& iss, const Status& result) {
    metrics_.Add("genofed_trust_key_fetches_total", {{"result", result.ok() ? "ok" : "failed"}});
    std::string& before = (*last)[iss];
    if (std::string now = Describe(result); now != before) {
      before = now;
      GF_LOG(Context::Background(), info, "trust.keys", {"issuer", iss}, {"result", before});
    }
  };
  options.on_keys = [this](const std::string& iss, const std::string& jwks, std::chrono::seconds left) {
    if (const Status kept = kept_keys_.Keep(iss, jwks, clock_.Now() + left); !kept.ok()) {
      GF_LOG(Context::Background(), warn, "trust.keys_not_kept", {"issuer", iss}, {"why", Describe(kept)});
    }
  };
  return options;
}

void TrustRuntime::Start(RevocationFeed feed) {
  listener_ = std::jthread(
      [this, feed = std::move(feed)](const std::stop_token& stop) { Listen(stop, feed); });
  key_thread_ = std::jthread([this](const std::stop_token& stop) { RefreshKeys(stop); });
}

void TrustRuntime::Stop() {
  listener_.request_stop();
  key_thread_.request_stop();
  listener_ = {};
  key_thread_ = {};
}

Status TrustRuntime::CheckIdentity(const WorkloadIdentity& caller) const {
  auth::TrustStore trust = trust_->Latest();
  if (!options_.hosts_access) {
    GF_ASSIGN(trust, trust_->Current());
  }
  if (!trust.IsRevokedIdentity(caller.site, caller.service)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "IDENTITY_REVOKED",
               "this workload is revoked at this site");
}

auth::RevocationList TrustRuntime::ListOf(const std::vector<auth::Revocation>& entries) const {
  auth::RevocationList list(entries);
  const std::string& prefix = options_.dataset_url_prefix;
  for (const auth::Revocation& entry : entries) {
    if (entry.kind != auth::RevocationKind::kDataset || prefix.empty()) continue;
    list.Add(
        {entry.kind,
         entry.value.starts_with(prefix) ? entry.value.substr(prefix.size()) : prefix + entry.value,
         ""});
  }
  return list;
}

void TrustRuntime::Hear(const Context& ctx, const RevocationFeed& feed) {
  const auto asked = steady_clock::now();
  auto heard = feed(ctx, known_sequence_);
  if (heard.ok() && !(heard->unchanged && known_sequence_ == 0)) {
    if (!heard->unchanged) {
      known_ = ListOf(heard->entries);
      known_sequence_ = heard->sequence;
    }
    trust_->HearRevocations(known_, asked);
    heard_ = asked;
  } else {
    known_sequence_ = 0;  // whoever answers next may be another access with another past
  }
  if (heard.ok() == failing_) {
    failing_ = !heard.ok();
    GF_LOG(ctx, info, "revocations.heard", {"result", Describe(heard.status())});
  }
  metrics_.Set("genofed_trust_revocations_age_seconds", {},
               std::chrono::duration<double>(steady_clock::now() - heard_).count());
}

void TrustRuntime::ReloadFile() {
  const auto reloaded = trust_->ReloadFile();
  if (reloaded.ok()) {
    reload_error_.clear();
    if (*reloaded == auth::LiveTrust::Reload::kReplaced) {
      GF_LOG(Context::Background(), info, "trust.reloaded", {"file", options_.file.string()});
      const auth::TrustStore trust = trust_->Latest();
      for (const std::string& ignored : trust.ignored()) {
        GF_LOG(Context::Background(), warn, "trust.key_ignored", {"key", ignored});
      }
    }
    return;
  }
  // A file that cannot be read is found out every second; it is told once.
  const std::string why = Describe(reloaded.status());
  if (why == reload_error_) return;
  reload_error_ = why;
  metrics_.Add("genofed_trust_reload_failures_total");
  GF_LOG(Context::Background(), error, "trust.reload_failed", {"file", options_.file.string()},
         {"why", why});
}

void TrustRuntime::Listen(const std::stop_token& stop, const RevocationFeed& feed) {
  auto reload_at = steady_clock::now() + kReloadInterval;
  while (!stop.stop_requested()) {
    Hear(Context::Background().WithStop(stop).WithTimeout(kAskTimeout), feed);
    if (steady_clock::now() >= reload_at) {
      ReloadFile();
      reload_at = steady_clock::now() + kReloadInterval;
    }
    // Nothing was heard yet: others of the site are starting, too.
    const std::chrono::milliseconds soon(200);
    Wait(stop, failing_ ? std::min(soon, options_.poll_interval) : options_.poll_interval);
  }
}

void TrustRuntime::RefreshKeys(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    refresher_->Run();
    Wait(stop, kKeyLook);
  }
}

}  // namespace genofed
