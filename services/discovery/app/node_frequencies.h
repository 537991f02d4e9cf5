// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "services/discovery/app/consent_view.h"
#include "services/discovery/app/frequency_files.h"
#include "services/discovery/app/genotypes.h"

namespace genofed::discovery {

// People who are in one of the two and not in the other. Of another version of a dataset rows are
// taken to be the same people as far as both reach.
std::int64_t ChangedPeople(const CountedByDataset& before, const CountedByDataset& after);

// A node's part in the network's frequency table. What is published is counted among people who
// permit allele frequencies, under the policy's promise for tables
// (libs/disclosure/allele_table.h). Publish, Exchange and Apply are called by one thread, For by
// any.
class NodeFrequencies {
 public:
  using Applied = AppliedFrequencies;
  // `settle`: how long the same people must be counted before a table of them is published, and how
  // long after another table, so that what is about to change, is away for a moment or was not
  // heard of by a replica makes none. `keep`: how long the table before the newest can still be
  // gone by.
  NodeFrequencies(const ConsentView& view, PublicationStore& versions, ListingClient& listing,
                  const disclosure::Mechanism& mechanism, FrequencyPublications& publications,
                  TableStore& store, FrequencyHub& hub, const Clock& clock, std::string site,
                  std::chrono::milliseconds settle,
                  const Genotypes& genotypes = OwnGenotypes::Get(),
                  std::chrono::milliseconds keep = std::chrono::milliseconds(0));

  // A new version for each assembly of which enough people changed, while there are versions left.
  // None from a view without a version that the node answers from, or with another one.
  Status Publish(const Context& ctx);
  // Delivers what the hub does not have, and fetches the network's newest. A table that is not what
  // the hub says, or cannot be true, is refused, and the one before stays: DataLoss TABLE_REFUSED.
  Status Exchange(const Context& ctx);
  // Looks up the sites of the cohorts in the newest table that can be read.
  Status Apply(const Context& ctx);

  // Null while there is no table, or it was not looked up for this cohort yet.
  std::shared_ptr<const Applied> For(const Cohort& cohort) const;
  // By the table before, which other processes of the node may still go by; null when it is not kept.
  std::shared_ptr<const Applied> Before(const Cohort& cohort) const;
  // By just this table: the present one or the one before. Null: neither.
  std::shared_ptr<const Applied> Find(const Cohort& cohort, const std::string& digest) const;

 private:
  using Holdings = std::vector<const Holding*>;
  Result<bool> IsWhole(const Context& ctx, const View& view);
  Status PublishOf(const Context& ctx, genomics::Assembly assembly, const View& view);
  Result<StoredTable> Build(const Context& ctx, genomics::Assembly assembly,
                            const Holdings& holdings);
  bool SomebodyLeft(genomics::Assembly assembly, const CountedByDataset& counted) const;
  Status Deliver(const Context& ctx, const FrequencyHub::Tables& hub);
  Status Fetch(const Context& ctx, const TableName& offered);
  Status Check(const Context& ctx, const TableName& offered, const FrequencyTable& table);
  using ByCohort = std::map<const Cohort*, std::shared_ptr<const Applied>>;
  // Those that can be read, newest first.
  Result<std::vector<StoredTable>> Kept(const std::string& assembly);
  Result<ByCohort> ApplyOne(const Context& ctx, const StoredTable& table, const Holdings& holdings);

  const ConsentView& view_;
  PublicationStore& versions_;
  ListingClient& listing_;
  const disclosure::Mechanism& mechanism_;
  FrequencyPublications& publications_;
  TableStore& store_;
  FrequencyHub& hub_;
  const Clock& clock_;
  const std::string site_;
  const std::chrono::milliseconds settle_;
  const Genotypes& genotypes_;
  const std::chrono::milliseconds keep_;

  struct Settling {
    CountedByDataset counted;
    Time since;
  };
  std::map<genomics::Assembly, Settling> settling_;
  bool whole_ = true;  // all that is listed was open when it was last looked at
  std::set<std::string> damaged_;  // digests of tables that have to be fetched again
  mutable Mutex mutex_;
  ByCohort applied_ ABSL_GUARDED_BY(mutex_);
  ByCohort before_ ABSL_GUARDED_BY(mutex_);
  Time before_until_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
