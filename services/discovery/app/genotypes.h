// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/cohort/cohort.h"
#include "libs/cohort/site_frequencies.h"
#include "libs/core/context.h"
#include "services/discovery/app/cohort.h"
#include "services/discovery/domain/answer.h"

namespace genofed::discovery {

// Of one cohort: a table's frequencies of its sites.
struct AppliedFrequencies {
  std::shared_ptr<const Cohort> cohort;
  TableName name;
  std::shared_ptr<const cohort::SiteFrequencies> sites;
};

struct FoundAllele {
  genomics::Variant variant;
  genomics::AlleleCounts counts;
};

// Exact numbers about the genotypes of a cohort, wherever its tiles lie: before disclosure control,
// and for nobody outside the site. Errors besides those of cohort::Cohort: those of the
// implementation. Thread-safe.
class Genotypes {
 public:
  // Counts of one site, whose texts live as long as the call, and its called alleles.
  using TakeSite = std::function<void(const cohort::SiteCounts& site, std::uint64_t an)>;

  virtual ~Genotypes() = default;

  // People of `rows` with what is asked for. `live`, when it is not null, has just these rows.
  // `frequencies` may be null.
  virtual Result<std::uint64_t> CountCarriers(const Context& ctx, const Cohort& cohort,
                                              const VariantPattern& pattern,
                                              const genomics::Bitmap& rows,
                                              const cohort::Live* live,
                                              const AppliedFrequencies* frequencies) const = 0;
  // Who they are.
  virtual Result<genomics::Bitmap> Carriers(const Context& ctx, const Cohort& cohort,
                                            const VariantPattern& pattern,
                                            const genomics::Bitmap& rows,
                                            const AppliedFrequencies* frequencies) const = 0;
  // The allele of an exact pattern, or those that begin at its start where the reference bases were
  // left open, counted among the rows.
  virtual Result<std::vector<FoundAllele>> FindAlleles(const Context& ctx, const Cohort& cohort,
                                                       const VariantPattern& pattern,
                                                       const genomics::Bitmap& rows,
                                                       const cohort::Live* live) const = 0;
  // Alleles that begin in one megabase, ascending.
  virtual Status ForEachSite(const Context& ctx, const Cohort& cohort, const std::string& contig,
                             std::uint32_t megabase, const genomics::Bitmap& rows,
                             const TakeSite& take) const = 0;
};

// What the tiles that this process has say.
class OwnGenotypes final : public Genotypes {
 public:
  static const OwnGenotypes& Get();

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
  // As ForEachSite, of those that begin in [start, end).
  Status ForEachSiteOf(const Context& ctx, const Cohort& cohort, const std::string& contig,
                       std::int64_t start, std::int64_t end, const genomics::Bitmap& rows,
                       const TakeSite& take) const;
};

// What a pattern looks for. Valid as long as both.
cohort::VariantFilter FilterOf(const VariantPattern& pattern,
                               const AppliedFrequencies* frequencies);

}  // namespace genofed::discovery
