// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "services/discovery/app/consent_view.h"

namespace genofed::discovery {

// The version of each dataset that is published and listed: from these each process of the node
// answers, as soon as it has opened them.
Result<std::set<DatasetVersion>> PublishedAndListed(const Context& ctx, PublicationStore& store,
                                                    ListingClient& listing);

// Which dataset versions a node answers from. Thread-safe.
class Publications {
 public:
  Publications(PublicationStore& store, CohortOpener& opener, ListingClient& listing,
               ConsentView& view, const Clock& clock, std::string country);

  // Opens a version and makes it durable; from then on it is answered from as soon as it is listed.
  // Repeating it changes nothing. Errors: VERSION_PUBLISHED and those of CohortOpener and
  // ConsentView::Check.
  Status Publish(const Context& ctx, const Publication& publication);
  // Answers from these files instead of those the version was published with: they are without
  // people who were forgotten. Errors: those of CohortOpener and ConsentView::Check.
  Status Replace(const Context& ctx, const Publication& publication);

  // Opens the listed version of each dataset where it is not open: after a restart, when another
  // replica published or replaced it, or after a return to an earlier version. All others but the
  // newest are let go. One that cannot be opened is logged and tried again after a minute. Now and
  // then removes what was made for versions that are gone.
  Status OpenPublished(const Context& ctx);

 private:
  Status Open(const Context& ctx, const std::vector<Publication>& wanted);
  // Whether just this is what is answered from.
  bool IsOpen(const Publication& publication) const;
  void Hold(const Publication& publication, std::shared_ptr<const Cohort> cohort);

  PublicationStore& store_;
  CohortOpener& opener_;
  ListingClient& listing_;
  ConsentView& view_;
  const Clock& clock_;
  const std::string country_;
  mutable Mutex mutex_;
  std::map<DatasetVersion, Time> retry_at_ ABSL_GUARDED_BY(mutex_);
  std::map<DatasetVersion, Publication> open_ ABSL_GUARDED_BY(mutex_);  // as it was opened
  std::optional<Time> swept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
