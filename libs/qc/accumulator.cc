// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/accumulator.h"

#include <algorithm>
#include <cmath>

#include "libs/core/status.h"

namespace genofed::qc {
namespace {

std::size_t Index(Region region) { return static_cast<std::size_t>(region); }
std::size_t Index(AlleleKind kind) { return static_cast<std::size_t>(kind); }

void CountRows(std::vector<std::uint32_t>& counters, std::span<const std::uint32_t> rows) {
  if (rows.empty()) return;
  GF_CHECK(rows.back() < counters.size());
  for (std::uint32_t row : rows) ++counters[row];
}

void AddAll(std::vector<std::uint32_t>& to, const std::vector<std::uint32_t>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

template <std::size_t kSize>
void AddAll(std::array<std::uint64_t, kSize>& to, const std::array<std::uint64_t, kSize>& from) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] += from[i];
}

std::size_t SpectrumBin(std::uint64_t carried, std::uint64_t alleles) {
  if (carried <= 2) return carried;
  const auto bound =
      std::find_if(kSpectrumBounds.begin(), kSpectrumBounds.end(),
                   [&](std::uint32_t per_10000) { return carried * 10000 <= alleles * per_10000; });
  return 3 + static_cast<std::size_t>(bound - kSpectrumBounds.begin());
}

}  // namespace

const char* SpectrumLabel(std::size_t bin) {
  static constexpr std::array<const char*, kSpectrumBins> kLabels = {
      "not carried", "1 copy",  "2 copies", "≤ 0.1 %", "0.1–1 %", "1–5 %",
      "5–10 %",      "10–20 %", "20–30 %",  "30–40 %", "40–50 %", "> 50 %"};
  GF_CHECK(bin < kSpectrumBins);
  return kLabels[bin];
}

Accumulator::Accumulator(std::uint32_t rows, const PanelOptions& panel)
    : rows_(rows), half_calls_(rows), singletons_(rows), panel_(rows, panel) {
  carried_.fill(Counters(rows));
  nocalls_.fill(Counters(rows));
}

void Accumulator::AddSite(const SiteFacts& site, const Carriers& carriers) {
  const bool diploid = site.region == Region::kDiploid;
  CountRows(carried_[CarriedSlot(site.region, site.kind, Zygosity::kHet)], carriers.het);
  CountRows(carried_[CarriedSlot(site.region, site.kind, Zygosity::kHom)], carriers.hom);
  CountRows(carried_[CarriedSlot(site.region, site.kind, Zygosity::kHemi)], carriers.hemi);
  CountRows(nocalls_[Index(site.region)], carriers.nocall);
  if (diploid) {
    CountRows(half_calls_, carriers.hemi);
    CountRows(half_calls_, carriers.single);
  }
  CountCohort(site, carriers);
  if (site.snv_key != 0) panel_.Offer(site, carriers);
}

void Accumulator::CountCohort(const SiteFacts& site, const Carriers& carriers) {
  const std::uint64_t one_called = carriers.hemi.size() + carriers.single.size();
  GF_CHECK(one_called + carriers.nocall.size() <= rows_);
  const std::uint64_t two_called = rows_ - one_called - carriers.nocall.size();
  const std::uint64_t alleles = 2 * two_called + one_called;
  const std::uint64_t carried =
      carriers.het.size() + 2 * carriers.hom.size() + carriers.hemi.size();
  GF_CHECK(carriers.het.size() + carriers.hom.size() <= two_called);

  ++cohort_.sites[Index(site.region)][Index(site.kind)];
  if (carried > 0) ++cohort_.carried_sites[Index(site.kind)];
  ++cohort_.spectrum[SpectrumBin(carried, alleles)];
  if (carriers.het.size() + carriers.hom.size() + carriers.hemi.size() == 1) {
    CountRows(singletons_, carriers.het);
    CountRows(singletons_, carriers.hom);
    CountRows(singletons_, carriers.hemi);
  }

  const bool diploid = site.region == Region::kDiploid;
  const std::uint64_t het = carriers.het.size();
  const std::uint64_t hom = carriers.hom.size();
  const std::uint64_t other_hom = two_called - het - hom;
  if (diploid && het + hom > 0 && het + other_hom > 0) {
    ++cohort_.hwe_tested;
    const HardyWeinberg fit = JudgeHardyWeinberg(het, hom, other_hom);
    cohort_.hwe_too_many_hets += fit == HardyWeinberg::kTooManyHets ? 1 : 0;
    cohort_.hwe_too_few_hets += fit == HardyWeinberg::kTooFewHets ? 1 : 0;
  }
  depths_wanted_ = diploid && site.kind != AlleleKind::kOther;
  other_frequency_ =
      alleles == 0 ? 0 : static_cast<double>(alleles - carried) / static_cast<double>(alleles);
}

void Accumulator::AddAlleleDepths(std::uint32_t row, Zygosity call, std::uint32_t other_depth,
                                  std::uint32_t allele_depth) {
  GF_CHECK(row < rows_);
  const std::uint64_t depth = std::uint64_t{other_depth} + allele_depth;
  if (!depths_wanted_ || depth < kMinDepth || depth > kMaxDepth) return;
  if (depths_.empty()) depths_.resize(rows_);
  Depths& depths = depths_[row];
  const double other_share = static_cast<double>(other_depth) / static_cast<double>(depth);
  if (call == Zygosity::kHet) {
    ++depths.hets;
    depths.unbalanced += other_share < 0.3 || other_share > 0.7 ? 1 : 0;
  } else if (call == Zygosity::kHom && other_frequency_ > 0.05 && other_frequency_ < 0.95) {
    ++depths.homs;
    depths.charr_sum +=
        static_cast<std::uint64_t>(std::llround(other_share / other_frequency_ * kRatioUnit));
  }
}

void Accumulator::Merge(const Accumulator& other) {
  GF_CHECK(rows_ == other.rows_);
  for (std::size_t i = 0; i < carried_.size(); ++i) AddAll(carried_[i], other.carried_[i]);
  for (std::size_t i = 0; i < nocalls_.size(); ++i) AddAll(nocalls_[i], other.nocalls_[i]);
  AddAll(half_calls_, other.half_calls_);
  AddAll(singletons_, other.singletons_);
  if (depths_.empty()) depths_.resize(other.depths_.size());
  for (std::size_t i = 0; i < other.depths_.size(); ++i) {
    depths_[i].homs += other.depths_[i].homs;
    depths_[i].charr_sum += other.depths_[i].charr_sum;
    depths_[i].hets += other.depths_[i].hets;
    depths_[i].unbalanced += other.depths_[i].unbalanced;
  }
  for (std::size_t i = 0; i < kRegions; ++i) AddAll(cohort_.sites[i], other.cohort_.sites[i]);
  AddAll(cohort_.carried_sites, other.cohort_.carried_sites);
  AddAll(cohort_.spectrum, other.cohort_.spectrum);
  cohort_.hwe_tested += other.cohort_.hwe_tested;
  cohort_.hwe_too_many_hets += other.cohort_.hwe_too_many_hets;
  cohort_.hwe_too_few_hets += other.cohort_.hwe_too_few_hets;
  panel_.Merge(other.panel_);
  depths_wanted_ = false;
}

void Accumulator::TakeDepths(Accumulator&& other) {
  GF_CHECK(rows_ == other.rows_);
  depths_ = std::move(other.depths_);
}

const Accumulator::Depths& Accumulator::DepthsOf(std::uint32_t row) const {
  static const Depths kNone;
  GF_CHECK(row < rows_);
  return depths_.empty() ? kNone : depths_[row];
}

std::uint64_t Accumulator::Cohort::Sites(Region region) const {
  std::uint64_t sum = 0;
  for (std::uint64_t count : sites[Index(region)]) sum += count;
  return sum;
}

}  // namespace genofed::qc
