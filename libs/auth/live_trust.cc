// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/live_trust.h"

#include <algorithm>

#include "libs/core/file.h"

namespace genofed::auth {
namespace {

constexpr std::size_t kMaxFileBytes = 4U << 20;

}  // namespace

Result<std::unique_ptr<LiveTrust>> LiveTrust::Open(Options options) {
  std::unique_ptr<LiveTrust> trust(new LiveTrust(std::move(options)));
  GF_TRY(trust->ReloadFile());
  return trust;
}

Result<TrustStore> LiveTrust::Current() const {
  MutexLock lock(mutex_);
  const Steady now = options_.now();
  if (options_.max_staleness.count() > 0 &&
      (heard_ == Steady::min() || now - heard_ > options_.max_staleness)) {
    return Error(StatusCode::kUnavailable, "REVOCATIONS_STALE",
                 "this service has not heard of revocations for too long, so it accepts nothing");
  }
  if (now >= keys_until_) Combine();
  return combined_;
}

TrustStore LiveTrust::Latest() const {
  MutexLock lock(mutex_);
  return combined_;
}

Result<LiveTrust::Reload> LiveTrust::ReloadFile() {
  GF_ASSIGN(std::string text, ReadFile(options_.file, kMaxFileBytes));
  MutexLock lock(mutex_);
  if (text == content_) return Reload::kUnchanged;
  content_ = std::move(text);
  auto store = TrustStore::FromJson(content_);
  if (!store.ok()) {
    return Error(StatusCode::kInvalidArgument, Reason(store.status()), "{}: {}", options_.file.string(),
                 Message(store.status()));
  }
  file_ = *std::move(store);
  Combine();
  return Reload::kReplaced;
}

void LiveTrust::HearRevocations(RevocationList list, Steady as_of) {
  auto shared = std::make_shared<const RevocationList>(std::move(list));
  MutexLock lock(mutex_);
  if (as_of < heard_) return;  // an answer that was overtaken by a newer one
  heard_ = as_of;
  revoked_ = std::move(shared);
  Combine();
}

void LiveTrust::SetFetchedKeys(const std::string& iss, KeySet keys, Steady until) {
  MutexLock lock(mutex_);
  fetched_[iss] = {std::move(keys), until};
  Combine();
}

void LiveTrust::Combine() const {
  const Steady now = options_.now();
  auto keys = std::make_shared<FetchedKeys>();
  keys_until_ = Steady::max();
  for (const auto& [iss, fetched] : fetched_) {
    const TrustedIssuer* issuer = file_.Find(iss);
    if (issuer == nullptr || !issuer->refresh || now >= fetched.until) continue;
    keys->emplace(iss, fetched.keys);
    keys_until_ = std::min(keys_until_, fetched.until);
  }
  combined_ = file_.With(std::shared_ptr<const FetchedKeys>(std::move(keys))).With(revoked_).With(cache_);
}

}  // namespace genofed::auth
