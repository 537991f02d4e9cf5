// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/publications.h"

#include <algorithm>

#include "libs/obs/log.h"

namespace genofed::discovery {

Publications::Publications(PublicationStore& store, CohortOpener& opener, ConsentView& view,
                           const Clock& clock, std::string country)
    : store_(store), opener_(opener), view_(view), clock_(clock), country_(std::move(country)) {}

Status Publications::Publish(const Context& ctx, const Publication& publication) {
  GF_TRY(Validate(publication, country_));
  GF_ASSIGN(auto current, store_.ListCurrent(ctx));
  // Just after a restart: the refresh below must not show this dataset alone.
  GF_TRY(Open(ctx, current));
  auto same = std::find_if(current.begin(), current.end(), [&](const Publication& other) {
    return other.dataset == publication.dataset;
  });
  if (same != current.end() && same->version > publication.version) return absl::OkStatus();
  if (same != current.end() && same->version == publication.version && *same != publication) {
    return Error(StatusCode::kAlreadyExists, "VERSION_PUBLISHED",
                 "this version was published with other files");
  }
  if (same == current.end() || *same != publication ||
      !view_.Holds(publication.dataset, publication.version)) {
    GF_ASSIGN(auto cohort, opener_.Open(publication));
    GF_TRY(view_.Check(ctx, cohort));
    GF_TRY(store_.Add(ctx, publication));
    view_.Add({cohort});
    GF_LOG(ctx, info, "discovery.published", {"dataset", publication.dataset},
           {"version", publication.version});
  }
  return view_.Refresh(ctx);
}

Status Publications::OpenPublished(const Context& ctx) {
  GF_ASSIGN(auto current, store_.ListCurrent(ctx));
  return Open(ctx, current);
}

Status Publications::Open(const Context& ctx, const std::vector<Publication>& current) {
  for (const Publication& publication : current) {
    GF_TRY(ctx.Alive());
    if (view_.Holds(publication.dataset, publication.version)) continue;
    {
      MutexLock lock(mutex_);
      auto retry = retry_at_.find(publication.dataset);
      if (retry != retry_at_.end() && clock_.Now() < retry->second) continue;
    }
    auto cohort = opener_.Open(publication);
    if (cohort.ok()) {
      view_.Add({*cohort});
      continue;
    }
    GF_LOG(ctx, error, "discovery.dataset_not_opened", {"dataset", publication.dataset},
           {"version", publication.version}, {"reason", Reason(cohort.status())});
    MutexLock lock(mutex_);
    retry_at_[publication.dataset] = clock_.Now() + std::chrono::minutes(1);
  }
  return absl::OkStatus();
}

}  // namespace genofed::discovery
