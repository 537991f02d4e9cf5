// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "libs/beacon/request.h"
#include "libs/core/clock.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/allele_names.h"
#include "services/discovery/app/beacon_view.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/record_access.h"
#include "services/discovery/app/view_cache.h"

namespace genofed::discovery {

struct BeaconResultSet {
  std::string id;  // of the folder's dataset
  std::string folder;
  bool exists = false;
  std::int64_t count = 0;
  std::vector<std::string> results;  // the page of records, as JSON
  bool records = false;              // results were allowed here, even if the page is empty
  bool exact = true;  // false: the count is under disclosure control, and of people where they are
};

// A folder that was asked and says nothing.
struct WithheldFolder {
  std::string folder;
  std::vector<std::string> datasets;  // of the folder, those that were asked for
  // Until the budget allows it; none: no budget allows so much at once.
  std::optional<std::chrono::seconds> retry_after = {};
};

struct BeaconAnswer {
  bool holds = false;  // the node has folders that the request could be answered from
  bool exists = false;
  std::int64_t count = 0;                                          // before paging, in all datasets
  beacon::Granularity granularity = beacon::Granularity::kRecord;  // never finer than asked for
  bool exact = true;
  std::vector<BeaconResultSet> sets;     // of those that the request includes; no dataset twice
  std::vector<std::string> collections;  // the page of datasets or cohorts
  std::vector<std::string> folders;      // the catalogue's names of all that are listed
  std::vector<WithheldFolder> withheld;  // of which nothing is in all of this
  std::int64_t epoch = 0;
  std::int32_t minimum_count = 0;
  std::int32_t answered = 0;  // datasets that were asked and answered from, included or not
};

// Beacon v2 over the data folders of a node. Every number about people goes through
// libs/disclosure, and is charged to the account that asks before it is told.
class BeaconDiscovery {
 public:
  // `open`: disclosure control is off, everything is answered as it is. For conformance runs on
  // loopback only. `budgets` is null where the policy has none. `names`: for variants whose records
  // state none; null: records are as they are. `records`: null where no passport opens anything.
  BeaconDiscovery(const BeaconView& view, const disclosure::Mechanism& mechanism, Budgets* budgets,
                  DisclosureAudit& audit, const Clock& clock, bool open,
                  const AlleleNames* names = nullptr, RecordAccess* records = nullptr)
      : view_(view),
        mechanism_(mechanism),
        telling_(budgets, audit, clock),
        open_(open),
        names_(open ? nullptr : names),
        records_(open ? nullptr : records) {}

  bool open() const { return open_; }
  // `opened`: folders whose records the caller's visas open, of people who permit secondary use for
  // the project's purpose; that is in the ledger before anything is told (errors of RecordAccess).
  // Records of test folders are open to everybody; with testMode they alone answer, and without it
  // the others do. A folder whose budget is spent for `account` says nothing and is named; when all
  // are, ResourceExhausted BUDGET_SPENT with RetryAfter. One with less left than its page of
  // variants could cost is answered with a number. Under a budget pages are no longer than it could
  // pay for. InvalidArgument RESPONSE_TOO_LARGE, TOO_MUCH_AT_ONCE.
  Result<BeaconAnswer> Run(const Context& ctx, const beacon::Request& request,
                           const OpenedDatasets& opened, const std::string& account) const;

  // Sorted by identifier. `target` names a type, or one dataset or cohort; none: all types. Of one
  // record of another type: the terms of its type, so that nothing shows whether it is there.
  // Counted once for each view.
  Result<std::vector<beacon::FilteringTerm>> Terms(
      const Context& ctx, const std::optional<beacon::Target>& target) const;

 private:
  // Whose records a project reads, from now on.
  Result<genomics::Bitmap> Readable(const Context& ctx, const std::string& folder,
                                    const BeaconHolding& holding, std::int64_t epoch,
                                    const Project& project) const;
  // As it leaves, with the names that follow from what it says.
  std::string Named(beacon::EntryType type, std::string record) const;
  Result<std::vector<beacon::FilteringTerm>> CountTerms(
      const Context& ctx, const BeaconHoldings& view,
      const std::optional<beacon::Target>& target) const;

  const BeaconView& view_;
  const disclosure::Mechanism& mechanism_;
  const Telling telling_;
  const bool open_;
  const AlleleNames* const names_;
  RecordAccess* const records_;
  mutable ViewCache<BeaconHoldings, std::vector<beacon::FilteringTerm>> terms_;
};

}  // namespace genofed::discovery
