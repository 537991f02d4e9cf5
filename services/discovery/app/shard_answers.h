// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/cohort/shards.h"
#include "services/discovery/app/consent_view.h"
#include "services/discovery/app/node_frequencies.h"
#include "services/discovery/app/shard_ports.h"

namespace genofed::discovery {

// A shard's answers to the other processes of its node: exact numbers among the rows that they say,
// from the tiles that are here. FailedPrecondition SHARD_MISMATCH when whoever asks divides the
// genome otherwise, SHARD_BEHIND when the same files or table are not open here. Thread-safe.
class ShardAnswers {
 public:
  // `behind` is called when something is asked of that is not open: it may be by now.
  ShardAnswers(const cohort::Shard& own, const ConsentView& view,
               const NodeFrequencies& frequencies, std::function<void()> behind);

  Result<std::uint64_t> Count(const Context& ctx, const cohort::Shard& asked,
                              const ShardQuestion& question) const;
  Result<genomics::Bitmap> Carriers(const Context& ctx, const cohort::Shard& asked,
                                    const ShardQuestion& question) const;
  Result<std::vector<FoundAllele>> Alleles(const Context& ctx, const cohort::Shard& asked,
                                           const ShardQuestion& question) const;
  Result<SitePiece> Sites(const Context& ctx, const cohort::Shard& asked,
                          const ShardQuestion& question, const std::string& contig,
                          std::int64_t start, std::int64_t end) const;

 private:
  struct Opened {
    std::shared_ptr<const Cohort> cohort;
    std::shared_ptr<const AppliedFrequencies> frequencies;
  };
  Result<Opened> Find(const cohort::Shard& asked, const ShardQuestion& question) const;

  const cohort::Shard own_;
  const ConsentView& view_;
  const NodeFrequencies& frequencies_;
  const std::function<void()> behind_;
};

}  // namespace genofed::discovery
