// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// FailedPrecondition ROWS_MISMATCH.
Result<genomics::Bitmap> RowsOf(const PermittedRows& permitted, std::uint32_t rows);

// One dataset and who of it is counted: who may be, but for those who are left out for company.
struct Holding {
  std::shared_ptr<const Cohort>
      cohort;  // shared: a newer version replaces it while queries still read it
  std::shared_ptr<const cohort::Live> allele_frequency;
  std::shared_ptr<const cohort::Live> subject_level;
  // All who permit frequencies, for the network's table, which changes by batches of its own; null
  // when the site gives none.
  std::shared_ptr<const cohort::Live> for_table;
  // Who may be found, with those who are left out: of them a project reads the records of whoever
  // permits what it is for (record_access.h).
  genomics::Bitmap findable;
  std::string state;  // disclosure::Mechanism::State of who is permitted

  const cohort::Live& Permitted(const Query& query) const {
    return query.IsSubjectLevel() ? *subject_level : *allele_frequency;
  }
};

// What a query sees from its first to its last step. Immutable.
struct View {
  std::int64_t epoch = 0;           // every permission is at least as new as this
  std::set<DatasetVersion> listed;  // held versions that the catalogue lists
  std::map<std::string, Holding> holdings;
};

// The listed datasets of a node together with people's permissions, kept as new as consent's epoch
// and the catalogue's list. Fails closed: without a successful check of both within `max_staleness`
// there is no view. Thread-safe.
class ConsentView {
 public:
  using SteadyTime = Context::SteadyTime;
  // `now` is a steady clock, so that a step of the system's time cannot make an old view look
  // fresh.
  ConsentView(ConsentClient& consent, ListingClient& listing,
              const disclosure::Mechanism& mechanism, std::chrono::milliseconds max_staleness,
              std::function<SteadyTime()> now = &std::chrono::steady_clock::now);

  // Whether consent knows this version with as many rows: FailedPrecondition ROWS_MISMATCH, or
  // consent's own error.
  Status Check(const Context& ctx, const std::shared_ptr<const Cohort>& cohort);
  // A version that was added, listed or not, with what people permit just now. FailedPrecondition
  // VERSION_UNKNOWN.
  Result<Holding> Prepare(const Context& ctx, const std::string& dataset, std::int32_t version);
  // A version to answer from, after the next Refresh, while it is listed; in the place of the one
  // of its number, if there is one.
  void Put(std::shared_ptr<const Cohort> cohort);
  bool Holds(const std::string& dataset, std::int32_t version) const;
  // What was put, listed or not: one, or null; all.
  std::shared_ptr<const Cohort> Find(const std::string& dataset, std::int32_t version) const;
  std::vector<std::shared_ptr<const Cohort>> Held() const;
  // Lets go of all versions but these.
  void Keep(const std::set<DatasetVersion>& versions);

  // Asks for the epoch and for what is listed; when these or the datasets changed, fetches all
  // permissions and swaps the view in one step. Nothing changes on an error. A dataset version that
  // is not listed, that consent does not know, or knows with other rows, is left out. Of several
  // listed versions of a dataset, which a catalogue should not have, the newest counts.
  Status Refresh(const Context& ctx);

  // Unavailable CONSENT_STALE.
  Result<std::shared_ptr<const View>> Current() const;

 private:
  Result<Holding> Fetch(const Context& ctx, const std::shared_ptr<const Cohort>& cohort,
                        std::int64_t epoch);
  Result<View> Build(const Context& ctx, std::int64_t epoch, std::set<DatasetVersion> listed,
                     const std::map<DatasetVersion, std::shared_ptr<const Cohort>>& cohorts);

  ConsentClient& consent_;
  ListingClient& listing_;
  const disclosure::Mechanism& mechanism_;
  const std::chrono::milliseconds max_staleness_;
  const std::function<SteadyTime()> now_;

  Mutex refreshing_;  // one refresh at a time; held while consent is called, never together with a
                      // query
  mutable Mutex mutex_;
  std::map<DatasetVersion, std::shared_ptr<const Cohort>> cohorts_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // of cohorts_
  std::uint64_t view_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<const View> view_
      ABSL_GUARDED_BY(mutex_);  // shared: queries keep theirs while it is swapped
  SteadyTime checked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
