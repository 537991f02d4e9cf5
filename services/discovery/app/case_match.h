// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/consent_view.h"
#include "services/discovery/app/contacts.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/people_ports.h"
#include "services/discovery/domain/case.h"

namespace genofed::discovery {

// How many people of this node are similar to a patient, among those who permit questions about
// people. Numbers go through libs/disclosure, and are charged before they are told. Thread-safe.
class CaseMatch final : public DatasetLookup {
 public:
  // `budgets` is null where the policy has no budget.
  CaseMatch(const ConsentView& view, PublicationStore& publications, PeopleReader& reader,
            std::string country, const disclosure::Mechanism& mechanism, Budgets* budgets,
            DisclosureAudit& audit, const Clock& clock);

  // Errors as NodeDiscovery::Run.
  Result<CaseAnswer> Run(const Context& ctx, const CaseQuery& query);
  // Whether a dataset is answered from. Unavailable CONSENT_STALE.
  Result<bool> Holds(const std::string& dataset) const override;

 private:
  // People of a version, and how much a term says among those who may be counted.
  struct People {
    // Row by row; shared by all states of the version.
    std::shared_ptr<const std::vector<phenotype::Profile>> profiles;
    std::string state;  // for which `content` was computed
    std::vector<double> content;
  };
  using Shared = std::shared_ptr<const People>;  // queries keep theirs while permissions change

  Result<Shared> PeopleOf(const Context& ctx, const Holding& holding);

  const ConsentView& view_;
  PublicationStore& publications_;
  PeopleReader& reader_;
  const std::string country_;
  const disclosure::Mechanism& mechanism_;
  const Telling telling_;
  Mutex mutex_;
  // By dataset: of which cohort it is.
  std::map<std::string, std::pair<std::weak_ptr<const Cohort>, Shared>> people_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
