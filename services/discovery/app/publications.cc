// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/publications.h"

#include <set>

#include "libs/obs/log.h"

namespace genofed::discovery {

Publications::Publications(PublicationStore& store, CohortOpener& opener, ListingClient& listing,
                           ConsentView& view, const Clock& clock, std::string country)
    : store_(store),
      opener_(opener),
      listing_(listing),
      view_(view),
      clock_(clock),
      country_(std::move(country)) {}

Status Publications::Publish(const Context& ctx, const Publication& publication) {
  GF_TRY(Validate(publication, country_));
  // Just after a restart: the refresh below must not show this dataset alone.
  GF_TRY(OpenPublished(ctx));
  if (!view_.Holds(publication.dataset, publication.version)) {
    GF_ASSIGN(auto cohort, opener_.Open(publication));
    GF_TRY(view_.Check(ctx, cohort));
    GF_TRY(store_.Add(ctx, publication));
    view_.Add({cohort});
    GF_LOG(ctx, info, "discovery.published", {"dataset", publication.dataset},
           {"version", publication.version});
  } else {
    GF_TRY(store_.Add(ctx, publication));
  }
  return view_.Refresh(ctx);
}

Status Publications::OpenPublished(const Context& ctx) {
  GF_ASSIGN(auto published, store_.List(ctx));
  std::set<DatasetVersion> wanted;
  for (const Publication& publication : published)
    wanted.emplace(publication.dataset, publication.version);
  GF_ASSIGN(const auto listed, listing_.Listed(ctx, wanted));
  std::map<std::string, std::int32_t> newest;  // in order of versions
  for (const Publication& publication : published)
    newest[publication.dataset] = publication.version;
  std::erase_if(wanted, [&](const DatasetVersion& version) {
    return newest[version.first] != version.second && !listed.contains(version);
  });
  view_.Keep(wanted);
  std::erase_if(published, [&](const Publication& publication) {
    return !listed.contains({publication.dataset, publication.version});
  });
  return Open(ctx, published);
}

Status Publications::Open(const Context& ctx, const std::vector<Publication>& wanted) {
  for (const Publication& publication : wanted) {
    GF_TRY(ctx.Alive());
    if (view_.Holds(publication.dataset, publication.version)) continue;
    const DatasetVersion version(publication.dataset, publication.version);
    {
      MutexLock lock(mutex_);
      auto retry = retry_at_.find(version);
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
    retry_at_[version] = clock_.Now() + std::chrono::minutes(1);
  }
  return absl::OkStatus();
}

}  // namespace genofed::discovery
