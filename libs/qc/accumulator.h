// SPDX-License-Identifier: Apache-2.0
//
// Counts for quality control, fed once for each allele site during the one pass over a cohort.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libs/qc/hardy_weinberg.h"
#include "libs/qc/site.h"
#include "libs/qc/snv_panel.h"

namespace genofed::qc {

enum class Zygosity : std::uint8_t { kHet, kHom, kHemi };
inline constexpr std::size_t kZygosities = 3;

// Upper ends of the allele-frequency classes, in alleles per 10,000 called ones; what is carried
// once or twice comes first, whatever its frequency.
inline constexpr std::array<std::uint32_t, 9> kSpectrumBounds = {10,   100,  500,  1000, 2000,
                                                                 3000, 4000, 5000, 10000};
inline constexpr std::size_t kSpectrumBins = kSpectrumBounds.size() + 3;  // 0, 1, 2 carried before
// "1 carrier", "≤ 0.1 %", "0.1–1 %": for tables and plots. UTF-8.
const char* SpectrumLabel(std::size_t bin);

// Depths are believed within these bounds, as in Hail's compute_charr.
inline constexpr std::uint32_t kMinDepth = 10;
inline constexpr std::uint32_t kMaxDepth = 100;

// All counts are integers, ratios being kept in units of 1/kRatioUnit: the result is the same, to
// the last bit, in whatever order sites came and however the pass was divided. Memory: about 170
// bytes a row and the panel. A site costs time in proportion to the rows in its lists. Not thread
// safe: one accumulator for each worker, merged at the end.
class Accumulator {
 public:
  static constexpr double kRatioUnit = 1 << 24;

  explicit Accumulator(std::uint32_t rows, const PanelOptions& panel = {});

  // Rows are below rows() and ascending: a broken invariant otherwise.
  void AddSite(const SiteFacts& site, const Carriers& carriers);

  // Reads of the other alleles and of this one (FORMAT/AD) in one het or hom call of the site last
  // added, of a biallelic record, and of genotype quality 20 or more where it is known. Only SNVs
  // of diploid regions count, of common ones for the hint of contamination.
  void AddAlleleDepths(std::uint32_t row, Zygosity call, std::uint32_t other_depth,
                       std::uint32_t allele_depth);

  // `other` is about the same rows and other sites.
  void Merge(const Accumulator& other);
  // `other` is about the same rows and sites, and has their depths.
  void TakeDepths(Accumulator&& other);

  std::uint32_t rows() const { return rows_; }
  std::uint64_t Carried(std::uint32_t row, Region region, AlleleKind kind,
                        Zygosity zygosity) const {
    return carried_[CarriedSlot(region, kind, zygosity)][row];
  }
  std::uint64_t NoCalls(std::uint32_t row, Region region) const {
    return nocalls_[static_cast<std::size_t>(region)][row];
  }
  // Diploid sites at which one of the two alleles is missing.
  std::uint64_t HalfCalls(std::uint32_t row) const { return half_calls_[row]; }
  // Alleles that nobody else carries, in one copy or two (as bcftools stats counts them).
  std::uint64_t Singletons(std::uint32_t row) const { return singletons_[row]; }

  // What AddAlleleDepths saw of a row.
  struct Depths {
    std::uint32_t homs = 0;       // homozygous calls that CHARR takes
    std::uint64_t charr_sum = 0;  // of (other reads / all reads) / frequency of the other alleles
    std::uint32_t hets = 0;
    std::uint32_t unbalanced =
        0;  // of hets: this allele in less than 30 % or more than 70 % of reads
    bool operator==(const Depths&) const = default;
  };
  const Depths& DepthsOf(std::uint32_t row) const;

  struct Cohort {
    // Allele sites by region and kind, those that nobody carries included.
    std::array<std::array<std::uint64_t, kAlleleKinds>, kRegions> sites{};
    std::array<std::uint64_t, kAlleleKinds> carried_sites{};  // by kind
    std::array<std::uint64_t, kSpectrumBins> spectrum{};      // of carried and uncarried sites
    std::uint64_t hwe_tested = 0;  // diploid sites carried and not carried by everybody
    std::uint64_t hwe_too_many_hets = 0;
    std::uint64_t hwe_too_few_hets = 0;

    std::uint64_t Sites(Region region) const;
    bool operator==(const Cohort&) const = default;
  };
  const Cohort& cohort() const { return cohort_; }
  const SnvPanel& panel() const { return panel_; }

 private:
  using Counters = std::vector<std::uint32_t>;  // one for each row

  static std::size_t CarriedSlot(Region region, AlleleKind kind, Zygosity zygosity) {
    return (static_cast<std::size_t>(region) * kAlleleKinds + static_cast<std::size_t>(kind)) *
               kZygosities +
           static_cast<std::size_t>(zygosity);
  }
  void CountCohort(const SiteFacts& site, const Carriers& carriers);

  std::uint32_t rows_;
  std::array<Counters, kRegions * kAlleleKinds * kZygosities> carried_;
  std::array<Counters, kRegions> nocalls_;
  Counters half_calls_;
  Counters singletons_;
  std::vector<Depths> depths_;  // empty until the first
  Cohort cohort_;
  SnvPanel panel_;

  // Of the site last added.
  bool depths_wanted_ = false;  // an SNV of a diploid region
  double other_frequency_ = 0;  // of the alleles that are not this one
};

}  // namespace genofed::qc
