// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>

#include "libs/beacon/request.h"
#include "libs/core/clock.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/beacon_view.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/view_cache.h"
#include "services/discovery/domain/answer.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// How many people of a node's Beacon folders a query of the network finds: each folder is one
// dataset, by its name in the catalogue. The same people, under the same disclosure control and
// budget, as when the node's own Beacon is asked. Thread-safe.
class FolderCounts {
 public:
  // `budgets` is null where the policy has no budget.
  FolderCounts(const BeaconView& view, std::string country, const disclosure::Mechanism& mechanism,
               Budgets* budgets, DisclosureAudit& audit, const Clock& clock);

  // One entry for each folder that was considered. Folders that hold test data are none of the
  // network, and of a query that asks for what folders do not say (consequences, rarity) they know
  // nothing. Those whose budget is spent are withheld. Errors: Unavailable CONSENT_STALE,
  // BUDGET_UNKNOWN.
  Result<Answer> Run(const Context& ctx, const Query& query) const;
  // Terms of an ontology by which Run finds enough people of some folder to say so, without labels:
  // those are a folder's own words. Counted once for each view. Errors: Unavailable CONSENT_STALE.
  Result<std::set<std::string>> Terms(const Context& ctx) const;

 private:
  Result<disclosure::Shown> Count(const Context& ctx, const BeaconHolding& holding,
                                  const Query& query, const beacon::Request& request,
                                  const std::string& canonical) const;
  Result<std::set<std::string>> CountTerms(const Context& ctx, const BeaconHoldings& view) const;

  const BeaconView& view_;
  const std::string country_;
  const disclosure::Mechanism& mechanism_;
  const Telling telling_;
  mutable ViewCache<BeaconHoldings, std::set<std::string>> terms_;
};

// The query as folders are asked, for people; none: they cannot be.
std::optional<beacon::Request> AsFolderRequest(const Query& query);

// What a node says to the network: of its cohorts and of its folders. While permissions for the
// folders are not known (a large one is being opened) the cohorts answer alone.
Result<Answer> Together(Result<Answer> cohorts, Result<Answer> folders);

}  // namespace genofed::discovery
