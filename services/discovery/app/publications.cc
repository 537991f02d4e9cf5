// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/publications.h"

#include "libs/obs/log.h"

namespace genofed::discovery {
namespace {

constexpr std::chrono::minutes kSweepInterval{10};

}  // namespace

Result<std::set<DatasetVersion>> PublishedAndListed(const Context& ctx, PublicationStore& store,
                                                    ListingClient& listing) {
  GF_ASSIGN(const auto published, store.List(ctx));
  std::set<DatasetVersion> versions;
  for (const Publication& publication : published)
    versions.emplace(publication.dataset, publication.version);
  GF_ASSIGN(const auto listed, listing.Listed(ctx, versions));
  std::map<std::string, std::int32_t> newest;  // of several, which should not be, as in a view
  for (const auto& [dataset, version] : listed) newest[dataset] = version;
  return std::set<DatasetVersion>(newest.begin(), newest.end());
}

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
    Hold(publication, std::move(cohort));
    GF_LOG(ctx, info, "discovery.published", {"dataset", publication.dataset},
           {"version", publication.version});
  } else {
    GF_TRY(store_.Add(ctx, publication));
  }
  return view_.Refresh(ctx);
}

Status Publications::Replace(const Context& ctx, const Publication& publication) {
  GF_TRY(Validate(publication, country_));
  GF_TRY(OpenPublished(ctx));
  const bool held = view_.Holds(publication.dataset, publication.version);
  if (held && !IsOpen(publication)) {
    GF_ASSIGN(auto cohort, opener_.Open(publication));
    GF_TRY(view_.Check(ctx, cohort));
    GF_TRY(store_.Replace(ctx, publication));
    Hold(publication, std::move(cohort));
    GF_LOG(ctx, info, "discovery.replaced", {"dataset", publication.dataset},
           {"version", publication.version});
  } else {
    GF_TRY(store_.Replace(ctx, publication));  // opened when it is listed again, if ever
  }
  return view_.Refresh(ctx);
}

bool Publications::IsOpen(const Publication& publication) const {
  if (!view_.Holds(publication.dataset, publication.version)) return false;
  MutexLock lock(mutex_);
  const auto found = open_.find({publication.dataset, publication.version});
  return found != open_.end() && found->second == publication;
}

void Publications::Hold(const Publication& publication, std::shared_ptr<const Cohort> cohort) {
  MutexLock lock(mutex_);
  open_.insert_or_assign({publication.dataset, publication.version}, publication);
  view_.Put(std::move(cohort));
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
    return !wanted.contains({publication.dataset, publication.version});
  });
  std::vector<Publication> to_open;
  for (const Publication& publication : published) {
    if (listed.contains({publication.dataset, publication.version})) to_open.push_back(publication);
  }
  GF_TRY(Open(ctx, to_open));
  {
    MutexLock lock(mutex_);
    std::erase_if(open_, [&](const auto& opened) { return !wanted.contains(opened.first); });
    if (swept_ && clock_.Now() - *swept_ < kSweepInterval) return absl::OkStatus();
    swept_ = clock_.Now();
  }
  if (const Status swept = opener_.Sweep(published); !swept.ok())
    GF_LOG(ctx, warn, "discovery.not_swept", {"reason", Reason(swept)});
  return absl::OkStatus();
}

Status Publications::Open(const Context& ctx, const std::vector<Publication>& wanted) {
  for (const Publication& publication : wanted) {
    GF_TRY(ctx.Alive());
    if (IsOpen(publication)) continue;
    const DatasetVersion version(publication.dataset, publication.version);
    {
      MutexLock lock(mutex_);
      auto retry = retry_at_.find(version);
      if (retry != retry_at_.end() && clock_.Now() < retry->second) continue;
    }
    auto cohort = opener_.Open(publication);
    if (cohort.ok()) {
      Hold(publication, *std::move(cohort));
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
