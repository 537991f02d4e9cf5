// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "libs/cohort/shards.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/app/shard_ports.h"

namespace genofed::discovery {

// Genotypes that several processes of the node divide among them: what this one does not have it
// asks of those who do, all at once, and nobody who carries something here and there counts twice.
// Errors: those of ShardClient; Internal SHARD_CONFUSED for an answer that cannot be.
class SharedGenotypes final : public Genotypes {
 public:
  // `others` by number of the shard; null at its own. `workers` wait for them.
  SharedGenotypes(cohort::Shard own, std::vector<std::unique_ptr<ShardClient>> others,
                  std::unique_ptr<WorkerPool> workers);
  ~SharedGenotypes() override;

  Result<std::uint64_t> CountCarriers(const Context& ctx, const Cohort& cohort,
                                      const VariantPattern& pattern, const genomics::Bitmap& rows,
                                      const cohort::Live* live,
                                      const AppliedFrequencies* frequencies) const override;
  Result<genomics::Bitmap> Carriers(const Context& ctx, const Cohort& cohort,
                                    const VariantPattern& pattern, const genomics::Bitmap& rows,
                                    const AppliedFrequencies* frequencies) const override;
  Result<std::vector<FoundAllele>> FindAlleles(const Context& ctx, const Cohort& cohort,
                                               const VariantPattern& pattern,
                                               const genomics::Bitmap& rows,
                                               const cohort::Live* live) const override;
  Status ForEachSite(const Context& ctx, const Cohort& cohort, const std::string& contig,
                     std::uint32_t megabase, const genomics::Bitmap& rows,
                     const TakeSite& take) const override;

 private:
  // Who has what the pattern may find. Nobody: nothing is there to find.
  std::vector<std::uint32_t> Owners(const Cohort& cohort, const VariantPattern& pattern) const;
  Result<genomics::Bitmap> FindTogether(const Context& ctx,
                                        const std::vector<std::uint32_t>& owners,
                                        const Cohort& cohort, const ShardQuestion& question,
                                        const AppliedFrequencies* frequencies) const;

  const cohort::Shard own_;
  const std::vector<std::unique_ptr<ShardClient>> others_;
  const std::unique_ptr<WorkerPool> workers_;
};

}  // namespace genofed::discovery
