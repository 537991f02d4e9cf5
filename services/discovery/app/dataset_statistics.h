// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/consent_view.h"
#include "services/discovery/app/people_ports.h"

namespace genofed::discovery {

// What the catalogue may say about the people of a dataset version. Decided once: a number that
// changed with people's permissions would tell who left. Thread-safe.
class DatasetStatistics {
 public:
  // `budgets` is null where the policy has no budget.
  DatasetStatistics(const disclosure::Mechanism& mechanism, Budgets* budgets, ConsentView& view,
                    PublicationStore& publications, PeopleReader& reader, StatisticsStore& store);

  // Everybody learns it, so it is charged to all accounts, and takes at most a quarter of a
  // budget: dimensions that cost more are left out. Beacon folders and versions without a table of
  // individuals have no groups.
  Result<Statistics> Run(const Context& ctx, const std::string& dataset, std::int32_t version,
                         std::int64_t people);

 private:
  Result<std::vector<PeopleGroup>> Groups(const Context& ctx, const Publication& publication);

  const disclosure::Mechanism& mechanism_;
  Budgets* const budgets_;
  ConsentView& view_;
  PublicationStore& publications_;
  PeopleReader& reader_;
  StatisticsStore& store_;
};

}  // namespace genofed::discovery
