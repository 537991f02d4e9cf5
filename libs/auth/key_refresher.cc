// SPDX-License-Identifier: Apache-2.0
#include "libs/auth/key_refresher.h"

#include <algorithm>

namespace genofed::auth {

KeyRefresher::KeyRefresher(LiveTrust& trust, KeyFetcher& fetcher, Random& random, Options options)
    : trust_(trust), fetcher_(fetcher), random_(random), options_(std::move(options)) {}

Result<KeyRefresher::FetchedSet> KeyRefresher::Fetch(const std::string& url) {
  GF_ASSIGN(KeyDocument document, fetcher_.Fetch(url));
  if (document.content_type != "application/json" &&
      document.content_type != "application/jwk-set+json") {
    return Error(StatusCode::kInvalidArgument, "JWKS_INVALID",
                 "the answer is not JSON by its type");
  }
  if (document.body.size() > kMaxBytes) {
    return Error(StatusCode::kInvalidArgument, "JWKS_INVALID", "the answer has more than {} bytes",
                 kMaxBytes);
  }
  GF_ASSIGN(KeySet keys, KeySet::FromJson(document.body));
  return FetchedSet{std::move(document.body), std::move(keys)};
}

std::chrono::milliseconds KeyRefresher::Pause(const KeyRefresh& refresh, const Schedule& schedule) {
  std::chrono::milliseconds pause = std::max(refresh.interval, kMinInterval);
  if (schedule.failures > 0) {
    const std::chrono::milliseconds first =
        schedule.answered ? kMinInterval : std::chrono::milliseconds(250);
    pause = std::min<std::chrono::milliseconds>(first * (1 << std::min(schedule.failures - 1, 10)),
                                                std::max(refresh.interval, kMaxBackoff));
  }
  // Up to a fifth more, so that the services of a site do not ask all at once.
  const std::string byte = random_.Bytes(1);
  return pause + pause * static_cast<unsigned char>(byte[0]) / (5 * 256);
}

void KeyRefresher::Run() {
  const TrustStore store = trust_.Latest();
  std::erase_if(schedules_, [&](const auto& schedule) {
    const TrustedIssuer* issuer = store.Find(schedule.first);
    return issuer == nullptr || !issuer->refresh || issuer->jku != schedule.second.jku;
  });
  for (const TrustedIssuer& issuer : store.issuers()) {
    if (!issuer.refresh) continue;
    Schedule& schedule = schedules_[issuer.iss];
    if (options_.now() < schedule.next) continue;
    schedule.jku = issuer.jku;
    // The keys were good when they were asked for, however long the answer took.
    const Steady asked = options_.now();
    auto fetched = Fetch(issuer.jku);
    schedule.failures = fetched.ok() ? 0 : schedule.failures + 1;
    schedule.answered = schedule.answered || fetched.ok();
    schedule.next = options_.now() + Pause(*issuer.refresh, schedule);
    if (options_.on_result) options_.on_result(issuer.iss, fetched.status());
    if (!fetched.ok()) continue;
    if (options_.on_keys) {
      const auto left = asked + issuer.refresh->lifetime - options_.now();
      options_.on_keys(issuer.iss, fetched->text, std::chrono::duration_cast<std::chrono::seconds>(left));
    }
    trust_.SetFetchedKeys(issuer.iss, std::move(fetched->keys), asked + issuer.refresh->lifetime);
  }
}

}  // namespace genofed::auth
