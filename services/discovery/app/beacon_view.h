// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "libs/core/mutex.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/beacon_ports.h"
#include "services/discovery/app/ports.h"

namespace genofed::discovery {

// One folder and who of it is counted (as in Holding). Its individuals are the rows that consent
// knows.
struct BeaconHolding {
  std::int32_t version = 0;
  std::shared_ptr<const beacon::Collection>
      collection;  // shared: queries keep it while a newer version replaces it
  genomics::Bitmap allele_frequency;
  genomics::Bitmap subject_level;
  // Who may be found, with those who are left out for company: of them a project sees the records
  // of whoever permits what it is for (record_access.h).
  genomics::Bitmap findable;
  std::string state;         // disclosure::Mechanism::State of who is permitted
};

// FailedPrecondition ROWS_MISMATCH.
Result<genomics::Bitmap> IndividualsOf(const PermittedRows& permitted,
                                       const beacon::Collection& collection);

// What a query sees from its first to its last step. Immutable.
struct BeaconHoldings {
  std::int64_t epoch = 0;  // every permission is at least as new as this
  std::map<std::string, BeaconHolding> folders;
};

// The listed Beacon folders of a node together with people's permissions, kept as new as consent's
// epoch and the catalogue's list. Fails closed as ConsentView does; a node without folders has an
// empty view at any time. Thread-safe.
class BeaconView {
 public:
  using SteadyTime = Context::SteadyTime;
  BeaconView(BeaconStore& store, BeaconOpener& opener, ConsentClient& consent,
             ListingClient& listing, const disclosure::Mechanism& mechanism,
             std::chrono::milliseconds max_staleness,
             std::function<SteadyTime()> now = &std::chrono::steady_clock::now);

  // Opens a version and makes it durable; from then on it is answered from as soon as it is listed.
  // Repeating it changes nothing. FailedPrecondition ROWS_MISMATCH, VERSION_PUBLISHED, and errors
  // of BeaconOpener.
  Status Publish(const Context& ctx, const BeaconPublication& publication);
  // Answers from this instead of what the version was published with: it is without people who were forgotten.
  Status Replace(const Context& ctx, const BeaconPublication& publication);
  // Asks for the epoch and for what is listed; when one of them changed, opens what is new, fetches
  // permissions and swaps the view in one step. A folder that cannot be opened is logged and left
  // out until something changes.
  Status Refresh(const Context& ctx);
  // Unavailable CONSENT_STALE.
  Result<std::shared_ptr<const BeaconHoldings>> Current() const;

 private:
  Status Put(const Context& ctx, const BeaconPublication& publication, bool replaces);
  Result<BeaconHolding> Fetch(const Context& ctx, const BeaconPublication& publication,
                              std::shared_ptr<const beacon::Collection> collection);
  Result<BeaconHoldings> Build(const Context& ctx, const std::vector<BeaconPublication>& published,
                               const std::set<DatasetVersion>& listed, std::int64_t epoch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(refreshing_);

  BeaconStore& store_;
  BeaconOpener& opener_;
  ConsentClient& consent_;
  ListingClient& listing_;
  const disclosure::Mechanism& mechanism_;
  const std::chrono::milliseconds max_staleness_;
  const std::function<SteadyTime()> now_;

  Mutex refreshing_;  // one refresh at a time
  // As they were published.
  std::map<DatasetVersion, std::pair<std::string, std::shared_ptr<const beacon::Collection>>> open_
      ABSL_GUARDED_BY(refreshing_);  // SHA-256 and content
  std::vector<BeaconPublication> published_ ABSL_GUARDED_BY(refreshing_);
  std::set<DatasetVersion> listed_ ABSL_GUARDED_BY(refreshing_);
  mutable Mutex mutex_;
  std::shared_ptr<const BeaconHoldings> view_ ABSL_GUARDED_BY(mutex_);  // null: none yet
  SteadyTime checked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
