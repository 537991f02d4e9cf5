// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/consent_view.h"

#include <array>

#include "libs/obs/log.h"
#include "services/discovery/app/company.h"

namespace genofed::discovery {

Result<genomics::Bitmap> RowsOf(const PermittedRows& permitted, std::uint32_t rows) {
  if (permitted.rows != rows || permitted.bits.size() != (rows + 7) / 8) {
    return Error(StatusCode::kFailedPrecondition, "ROWS_MISMATCH",
                 "consent knows {} rows, the index has {}", permitted.rows, rows);
  }
  genomics::Bitmap bitmap(rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    if ((static_cast<unsigned char>(permitted.bits[row / 8]) >> (row % 8) & 1) != 0)
      bitmap.Set(row);
  }
  return bitmap;
}

namespace {

// Errors about one dataset only, as opposed to a consent service that cannot answer.
bool IsAboutDataset(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kFailedPrecondition;
}

}  // namespace

ConsentView::ConsentView(ConsentClient& consent, ListingClient& listing,
                         const disclosure::Mechanism& mechanism,
                         std::chrono::milliseconds max_staleness, std::function<SteadyTime()> now)
    : consent_(consent),
      listing_(listing),
      mechanism_(mechanism),
      max_staleness_(max_staleness),
      now_(std::move(now)) {}

Status ConsentView::Check(const Context& ctx, const std::shared_ptr<const Cohort>& cohort) {
  return Fetch(ctx, cohort, 0).status();
}

void ConsentView::Put(std::shared_ptr<const Cohort> cohort) {
  MutexLock lock(mutex_);
  const DatasetVersion version(cohort->dataset(), cohort->version());
  cohorts_.insert_or_assign(version, std::move(cohort));
  ++generation_;
}

bool ConsentView::Holds(const std::string& dataset, std::int32_t version) const {
  MutexLock lock(mutex_);
  return cohorts_.contains({dataset, version});
}

std::shared_ptr<const Cohort> ConsentView::Find(const std::string& dataset,
                                                std::int32_t version) const {
  MutexLock lock(mutex_);
  const auto found = cohorts_.find({dataset, version});
  return found == cohorts_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const Cohort>> ConsentView::Held() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const Cohort>> held;
  for (const auto& [version, cohort] : cohorts_) held.push_back(cohort);
  return held;
}

void ConsentView::Keep(const std::set<DatasetVersion>& versions) {
  MutexLock lock(mutex_);
  // A view that answers from a version keeps it alive; the next Refresh makes one without it.
  if (std::erase_if(cohorts_, [&](const auto& held) { return !versions.contains(held.first); }) > 0)
    ++generation_;
}

Status ConsentView::Refresh(const Context& ctx) {
  MutexLock refresh(refreshing_);
  // Before the call: what consent answers is true at least from here on.
  const SteadyTime asked = now_();
  std::map<DatasetVersion, std::shared_ptr<const Cohort>> cohorts;
  std::uint64_t generation = 0;
  {
    MutexLock lock(mutex_);
    cohorts = cohorts_;
    generation = generation_;
  }
  std::set<DatasetVersion> held;
  for (const auto& [version, cohort] : cohorts) held.insert(version);
  GF_ASSIGN(std::int64_t epoch, consent_.Epoch(ctx));
  GF_ASSIGN(std::set<DatasetVersion> listed, listing_.Listed(ctx, held));
  {
    MutexLock lock(mutex_);
    if (view_ != nullptr && view_->epoch == epoch && view_->listed == listed &&
        view_generation_ == generation) {
      checked_ = asked;
      return absl::OkStatus();
    }
  }
  GF_ASSIGN(View view, Build(ctx, epoch, std::move(listed), cohorts));
  auto fresh = std::make_shared<const View>(std::move(view));
  MutexLock lock(mutex_);
  view_ = std::move(fresh);
  view_generation_ = generation;
  checked_ = asked;
  return absl::OkStatus();
}

Result<Holding> ConsentView::Prepare(const Context& ctx, const std::string& dataset,
                                     std::int32_t version) {
  const std::shared_ptr<const Cohort> cohort = Find(dataset, version);
  if (cohort == nullptr)
    return Error(StatusCode::kFailedPrecondition, "VERSION_UNKNOWN",
                 "version {} of {} is not open here", version, dataset);
  GF_ASSIGN(const std::int64_t epoch, consent_.Epoch(ctx));
  return Fetch(ctx, cohort, epoch);
}

Result<View> ConsentView::Build(
    const Context& ctx, std::int64_t epoch, std::set<DatasetVersion> listed,
    const std::map<DatasetVersion, std::shared_ptr<const Cohort>>& cohorts) {
  View view;
  view.epoch = epoch;
  view.listed = std::move(listed);
  for (const auto& [version, cohort] : cohorts) {
    if (!view.listed.contains(version)) continue;
    const std::string& dataset = version.first;
    auto holding = Fetch(ctx, cohort, epoch);
    if (!holding.ok() && IsAboutDataset(holding.status())) {
      GF_LOG(ctx, error, "discovery.dataset_left_out", {"dataset", dataset},
             {"version", cohort->version()}, {"reason", Reason(holding.status())});
      continue;
    }
    if (!holding.ok()) return holding.status();
    view.holdings.insert_or_assign(dataset, *std::move(holding));
  }
  return view;
}

Result<Holding> ConsentView::Fetch(const Context& ctx, const std::shared_ptr<const Cohort>& cohort,
                                   std::int64_t epoch) {
  Holding holding{cohort, {}, {}, {}, {}, {}};
  std::string states;
  const std::uint32_t released = cohort->Released(mechanism_.policy().batch);
  std::array<genomics::Bitmap, 2> counted;
  for (auto [permission, out] : {std::pair(Permission::kAlleleFrequency, &counted[0]),
                                 std::pair(Permission::kSubjectLevelQuery, &counted[1])}) {
    GF_ASSIGN(PermittedRows permitted,
              consent_.Permitted(ctx, cohort->dataset(), cohort->version(), permission));
    // Newer than the epoch is welcome, the next check finds that out; older would bring a withdrawn
    // person back.
    if (permitted.epoch < epoch) {
      return Error(StatusCode::kUnavailable, "CONSENT_BEHIND",
                   "consent answered from an older epoch than its own");
    }
    GF_ASSIGN(genomics::Bitmap rows, RowsOf(permitted, cohort->rows()));
    for (std::uint32_t row = released; row < cohort->rows(); ++row) rows.Clear(row);
    *out = std::move(rows);
    states += permitted.bits;
  }
  holding.state = mechanism_.State(cohort->dataset(), cohort->version(), states);
  auto live = [&](genomics::Bitmap rows) {
    return cohort->genotypes().MakeLive(std::move(rows), static_cast<std::uint64_t>(epoch));
  };
  if (mechanism_.policy().table) holding.for_table = live(counted[0]);
  holding.findable = counted[1];
  LeaveOut(mechanism_, holding.state, "allele frequency", counted[0]);
  LeaveOut(mechanism_, holding.state, "subject level", counted[1]);
  holding.allele_frequency = live(std::move(counted[0]));
  holding.subject_level = live(std::move(counted[1]));
  return holding;
}

Result<std::shared_ptr<const View>> ConsentView::Current() const {
  const SteadyTime now = now_();
  MutexLock lock(mutex_);
  if (view_ == nullptr || now - checked_ > max_staleness_) {
    return Error(StatusCode::kUnavailable, "CONSENT_STALE",
                 "people's permissions could not be checked just now");
  }
  return view_;
}

}  // namespace genofed::discovery
