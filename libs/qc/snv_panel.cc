// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/snv_panel.h"

#include <algorithm>
#include <bit>

namespace genofed::qc {
namespace {

constexpr int kMaxWindowBits = 32;  // a chromosome is one window

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection, so no two keys have one rank.
std::uint64_t Rank(std::uint64_t key) {
  key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9ULL;
  key = (key ^ key >> 27) * 0x94d049bb133111ebULL;
  return key ^ key >> 31;
}

std::vector<std::uint64_t> Bits(std::uint32_t rows, std::span<const std::uint32_t> set) {
  std::vector<std::uint64_t> bits((rows + 63) / 64);
  for (std::uint32_t row : set) bits[row / 64] |= 1ULL << (row % 64);
  return bits;
}

template <typename Visit>
void ForEachBit(const std::vector<std::uint64_t>& bits, Visit visit) {
  for (std::size_t i = 0; i < bits.size(); ++i) {
    for (std::uint64_t word = bits[i]; word != 0; word &= word - 1) {
      visit(i * 64 + static_cast<std::size_t>(std::countr_zero(word)));
    }
  }
}

// Common, and called in nearly everybody.
bool Eligible(std::uint32_t rows, const Carriers& carriers) {
  const std::uint64_t missing =
      carriers.hemi.size() + carriers.single.size() + carriers.nocall.size();
  if (missing * 20 > rows) return false;
  const std::uint64_t alleles = 2 * (rows - missing);
  const std::uint64_t alternate = carriers.het.size() + 2 * carriers.hom.size();
  return std::min(alternate, alleles - alternate) * 20 >= alleles && alleles > 0;
}

}  // namespace

SnvPanel::SnvPanel(std::uint32_t rows, const PanelOptions& options)
    : rows_(rows), window_bits_(options.min_window_bits) {
  const std::size_t site_bytes = std::max<std::size_t>(1, (rows + 63) / 64 * 16);
  max_sites_ =
      std::clamp<std::size_t>(options.max_bytes / site_bytes, 32,
                              std::clamp<std::size_t>(options.max_sites, 32, kMaxPanelSites));
}

void SnvPanel::Offer(const SiteFacts& site, const Carriers& carriers) {
  if (!Eligible(rows_, carriers)) return;
  const std::uint64_t rank = Rank(site.snv_key);
  const auto [at, is_new] = chosen_.try_emplace(WindowOf(site.snv_key));
  if (!is_new && at->second.rank <= rank) return;
  Chosen& chosen = at->second;
  chosen.rank = rank;
  chosen.key = site.snv_key;
  chosen.het = Bits(rows_, carriers.het);
  chosen.hom = Bits(rows_, carriers.hom);
  chosen.missing.assign(carriers.nocall.begin(), carriers.nocall.end());
  chosen.missing.insert(chosen.missing.end(), carriers.hemi.begin(), carriers.hemi.end());
  chosen.missing.insert(chosen.missing.end(), carriers.single.begin(), carriers.single.end());
  Shrink();
}

void SnvPanel::Merge(const SnvPanel& other) {
  GF_CHECK(rows_ == other.rows_ && max_sites_ == other.max_sites_);
  while (window_bits_ < other.window_bits_) DoubleWindows();
  for (const auto& [window, theirs] : other.chosen_) {
    const auto [at, is_new] = chosen_.try_emplace(WindowOf(theirs.key), theirs);
    if (!is_new && theirs.rank < at->second.rank) at->second = theirs;
  }
  Shrink();
}

void SnvPanel::Shrink() {
  while (chosen_.size() > max_sites_ && window_bits_ < kMaxWindowBits) DoubleWindows();
}

void SnvPanel::DoubleWindows() {
  ++window_bits_;
  std::map<std::uint64_t, Chosen> wider;
  for (auto& [window, chosen] : chosen_) {
    const auto [at, is_new] = wider.try_emplace(window >> 1);
    if (is_new || chosen.rank < at->second.rank) at->second = std::move(chosen);
  }
  chosen_ = std::move(wider);
}

Fingerprints SnvPanel::Genotypes() const {
  std::vector<std::uint64_t> keys;
  std::vector<const Chosen*> sites;
  for (const auto& [window, chosen] : chosen_) {
    keys.push_back(chosen.key);
    sites.push_back(&chosen);
  }
  Fingerprints out(rows_, std::move(keys));
  // From bits by site to bits by person, 64 sites at a time.
  std::vector<std::uint64_t> het(rows_), hom(rows_), missing(rows_);
  for (std::size_t begin = 0; begin < sites.size(); begin += 64) {
    std::fill(het.begin(), het.end(), 0);
    std::fill(hom.begin(), hom.end(), 0);
    std::fill(missing.begin(), missing.end(), 0);
    const std::size_t count = std::min<std::size_t>(64, sites.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      const Chosen& site = *sites[begin + i];
      ForEachBit(site.het, [&](std::size_t row) { het[row] |= 1ULL << i; });
      ForEachBit(site.hom, [&](std::size_t row) { hom[row] |= 1ULL << i; });
      for (std::uint32_t row : site.missing) missing[row] |= 1ULL << i;
    }
    const std::uint64_t all = count == 64 ? ~0ULL : (1ULL << count) - 1;
    for (std::size_t row = 0; row < rows_; ++row) {
      out.SetWord(row, begin / 64, het[row], hom[row], all & ~(het[row] | hom[row] | missing[row]));
    }
  }
  return out;
}

}  // namespace genofed::qc
