// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/beacon/aggregation.h"
#include "libs/beacon/request.h"
#include "libs/core/clock.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/beacon_discovery.h"
#include "services/discovery/app/beacon_view.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/disclosure_audit.h"

namespace genofed::discovery {

struct Aggregation {
  const beacon::AggregationTerm* term = nullptr;
  std::map<std::string, std::int64_t> distribution;  // people by value; those that may be told
};

struct Aggregated {
  std::vector<Aggregation> aggregations;
  std::vector<WithheldFolder> withheld;  // of which nothing is in the distributions
};

// Aggregated granularity over the data folders of a node (experimental, libs/beacon/aggregation.h):
// each folder's people by value, under disclosure control and charged before they are told.
// Thread-safe.
class FolderAggregation {
 public:
  // `budgets` is null where the policy has no budget. `open`: as BeaconDiscovery.
  FolderAggregation(const BeaconView& view, const disclosure::Mechanism& mechanism,
                    Budgets* budgets, DisclosureAudit& audit, const Clock& clock, bool open)
      : view_(view), mechanism_(mechanism), telling_(budgets, audit, clock), open_(open) {}

  // For request.aggregations, which ParseRequest has checked. Folders whose budget is spent are
  // withheld; when all are, ResourceExhausted BUDGET_SPENT with RetryAfter. Likewise those with
  // more values than any budget allows: InvalidArgument TOO_MUCH_AT_ONCE.
  Result<Aggregated> Run(const Context& ctx, const beacon::Request& request,
                         const std::string& account) const;

 private:
  const BeaconView& view_;
  const disclosure::Mechanism& mechanism_;
  const Telling telling_;
  const bool open_;
};

}  // namespace genofed::discovery
