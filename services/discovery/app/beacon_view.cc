// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/beacon_view.h"

#include "libs/obs/log.h"
#include "services/discovery/app/company.h"
#include "services/discovery/app/consent_view.h"

namespace genofed::discovery {

Result<genomics::Bitmap> IndividualsOf(const PermittedRows& permitted,
                                       const beacon::Collection& collection) {
  GF_ASSIGN(const genomics::Bitmap rows,
            RowsOf(permitted, static_cast<std::uint32_t>(collection.consent_rows())));
  return collection.Individuals(rows);
}

namespace {

// Errors about one folder only, as opposed to a consent service that cannot answer.
bool IsAboutFolder(const Status& status) {
  return status.code() == StatusCode::kNotFound ||
         status.code() == StatusCode::kFailedPrecondition || status.code() == StatusCode::kDataLoss;
}

}  // namespace

BeaconView::BeaconView(BeaconStore& store, BeaconOpener& opener, ConsentClient& consent,
                       ListingClient& listing, const disclosure::Mechanism& mechanism,
                       std::chrono::milliseconds max_staleness, std::function<SteadyTime()> now)
    : store_(store),
      opener_(opener),
      consent_(consent),
      listing_(listing),
      mechanism_(mechanism),
      max_staleness_(max_staleness),
      now_(std::move(now)) {}

Status BeaconView::Publish(const Context& ctx, const BeaconPublication& publication) {
  return Put(ctx, publication, false);
}

Status BeaconView::Replace(const Context& ctx, const BeaconPublication& publication) {
  return Put(ctx, publication, true);
}

Status BeaconView::Put(const Context& ctx, const BeaconPublication& publication, bool replaces) {
  {
    MutexLock refresh(refreshing_);
    const DatasetVersion version(publication.dataset, publication.version);
    GF_ASSIGN(auto collection, opener_.Open(publication));
    GF_TRY(Fetch(ctx, publication, collection));
    GF_TRY(replaces ? store_.Replace(ctx, publication) : store_.Add(ctx, publication));
    open_[version] = {publication.sha256, std::move(collection)};
    GF_LOG(ctx, info, "discovery.beacon_published", {"dataset", publication.dataset},
           {"version", publication.version});
  }
  return Refresh(ctx);
}

Result<BeaconHolding> BeaconView::Fetch(const Context& ctx, const BeaconPublication& publication,
                                        std::shared_ptr<const beacon::Collection> collection) {
  BeaconHolding holding{publication.version, std::move(collection), {}, {}, {}, {}};
  if (holding.collection->people() == 0) return holding;  // frequencies alone: nobody to ask
  GF_ASSIGN(const auto frequency, consent_.Permitted(ctx, publication.dataset, publication.version,
                                                     Permission::kAlleleFrequency));
  GF_ASSIGN(const auto subject, consent_.Permitted(ctx, publication.dataset, publication.version,
                                                   Permission::kSubjectLevelQuery));
  GF_ASSIGN(holding.allele_frequency, IndividualsOf(frequency, *holding.collection));
  GF_ASSIGN(holding.subject_level, IndividualsOf(subject, *holding.collection));
  holding.findable = holding.subject_level;
  holding.state = mechanism_.State(publication.dataset, publication.version,
                                   frequency.bits + "/" + subject.bits);
  LeaveOut(mechanism_, holding.state, "allele frequency", holding.allele_frequency);
  LeaveOut(mechanism_, holding.state, "subject level", holding.subject_level);
  return holding;
}

Status BeaconView::Refresh(const Context& ctx) {
  MutexLock refresh(refreshing_);
  // Before the calls: what they answer is true at least from here on.
  const SteadyTime asked = now_();
  GF_ASSIGN(auto published, store_.List(ctx));
  if (published.empty()) {
    MutexLock lock(mutex_);
    view_ = std::make_shared<const BeaconHoldings>();
    checked_ = asked;
    return absl::OkStatus();
  }
  std::set<DatasetVersion> wanted;
  for (const BeaconPublication& publication : published)
    wanted.emplace(publication.dataset, publication.version);
  GF_ASSIGN(const std::int64_t epoch, consent_.Epoch(ctx));
  GF_ASSIGN(auto listed, listing_.Listed(ctx, wanted));
  {
    MutexLock lock(mutex_);
    if (view_ != nullptr && view_->epoch == epoch && published == published_ && listed == listed_) {
      checked_ = asked;
      return absl::OkStatus();
    }
  }
  GF_ASSIGN(BeaconHoldings holdings, Build(ctx, published, listed, epoch));
  published_ = std::move(published);
  listed_ = std::move(listed);
  MutexLock lock(mutex_);
  view_ = std::make_shared<const BeaconHoldings>(std::move(holdings));
  checked_ = asked;
  return absl::OkStatus();
}

Result<BeaconHoldings> BeaconView::Build(const Context& ctx,
                                         const std::vector<BeaconPublication>& published,
                                         const std::set<DatasetVersion>& listed,
                                         std::int64_t epoch) {
  BeaconHoldings holdings;
  holdings.epoch = epoch;
  decltype(open_) open;
  for (const BeaconPublication& publication : published) {
    GF_TRY(ctx.Alive());
    const DatasetVersion version(publication.dataset, publication.version);
    auto held = open_.find(version);
    if (held != open_.end() && held->second.first != publication.sha256) held = open_.end();
    if (!listed.contains(version)) {
      if (held != open_.end()) open.insert(*held);  // waits for its listing
      continue;
    }
    auto collection = held != open_.end()
                          ? Result<std::shared_ptr<const beacon::Collection>>(held->second.second)
                          : opener_.Open(publication);
    auto holding = collection.ok() ? Fetch(ctx, publication, *collection)
                                   : Result<BeaconHolding>(collection.status());
    if (!holding.ok() && !IsAboutFolder(holding.status())) return holding.status();
    if (!holding.ok()) {
      GF_LOG(ctx, error, "discovery.beacon_not_opened", {"dataset", publication.dataset},
             {"version", publication.version}, {"reason", Reason(holding.status())});
      continue;
    }
    open.insert_or_assign(version, std::pair(publication.sha256, holding->collection));
    holdings.folders[publication.dataset] =
        *std::move(holding);  // in order of versions: the newest counts
  }
  open_ = std::move(open);
  return holdings;
}

Result<std::shared_ptr<const BeaconHoldings>> BeaconView::Current() const {
  MutexLock lock(mutex_);
  if (view_ != nullptr && (view_->folders.empty() || now_() - checked_ <= max_staleness_))
    return view_;
  return Error(StatusCode::kUnavailable, "CONSENT_STALE",
               "people's permissions cannot be checked just now");
}

}  // namespace genofed::discovery
