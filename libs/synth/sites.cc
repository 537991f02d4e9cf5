// SPDX-License-Identifier: Apache-2.0
#include "libs/synth/sites.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "libs/synth/prng.h"

namespace genofed::synth {
namespace {

// One candidate in each window of this many bases; the margin keeps deletions inside their window.
constexpr std::uint32_t kWindow = 100;
constexpr std::uint32_t kMargin = 12;
constexpr std::uint32_t kLongestIndel = 6;
constexpr double kFst = 0.01;
constexpr double kAbsent = 0.02;
constexpr double kIndel = 0.08;
constexpr double kMultiAllelic = 0.02;
constexpr double kTransition = 2.0 / 3;

// Where the first window lies. On chrX ten windows before the end of the pseudo-autosomal region.
std::uint32_t FirstWindow(const Contig& contig) {
  switch (contig.kind) {
    case ContigKind::kAutosome: return 100'001;
    case ContigKind::kX: return 2'781'480 - 10 * kWindow;
    case ContigKind::kY: return 2'800'001;
  }
  return 1;
}

// k^-0.65 from square roots, which IEEE 754 rounds correctly, unlike pow(): the same on every machine.
double PowerMinus065(double k) {
  double result = 1;
  double root = k;
  double rest = 0.65;
  double step = 1;
  for (int i = 0; i < 24; ++i) {
    root = std::sqrt(root);
    step /= 2;
    if (rest >= step) {
      result *= root;
      rest -= step;
    }
  }
  return 1 / result;
}

std::string OtherBases(char base) {
  std::string others = "ACGT";
  std::erase(others, base);
  return others;
}

char Transition(char base) {
  switch (base) {
    case 'A': return 'G';
    case 'G': return 'A';
    case 'C': return 'T';
    default: return 'C';
  }
}

void MakeSnv(Stream& stream, char base, bool two, Site& site) {
  std::string others = OtherBases(base);
  const char transition = Transition(base);
  std::erase(others, transition);  // the two transversions are left
  char first = transition;
  if (!stream.Chance(kTransition)) first = others[stream.Below(2)];
  site.ref = std::string(1, base);
  site.alts.emplace_back(1, first);
  if (two) site.alts.emplace_back(1, first == transition ? others[stream.Below(2)] : transition);
}

// Left-aligned: the last inserted base differs from the base before it (Tan, Abecasis, Kang 2015).
void MakeInsertion(Stream& stream, char base, bool two, Site& site) {
  std::string inserted;
  const std::uint32_t length = 1 + stream.Below(kLongestIndel);
  for (std::uint32_t i = 1; i < length; ++i) inserted += "ACGT"[stream.Below(4)];
  inserted += OtherBases(base)[stream.Below(3)];
  site.ref = std::string(1, base);
  site.alts.push_back(site.ref + inserted);
  if (two) site.alts.emplace_back(1, Transition(base));
}

// Left-aligned by the same rule: the last deleted base differs from the base before the deletion.
// False when no length fits.
bool MakeDeletion(Stream& stream, const Contig& contig, Site& site) {
  const std::string bases = BasesAt(contig, site.position, kLongestIndel + 1);
  const std::uint32_t wanted = stream.Below(kLongestIndel);
  for (std::uint32_t i = 0; i < kLongestIndel; ++i) {
    const std::uint32_t length = 1 + (wanted + i) % kLongestIndel;
    if (bases[length] == bases[0]) continue;
    site.ref = bases.substr(0, length + 1);
    site.alts.push_back(bases.substr(0, 1));
    return true;
  }
  return false;
}

void MakeAlleles(Stream& stream, const Contig& contig, bool simple, Site& site) {
  const char base = BaseAt(contig, site.position);
  const bool indel = stream.Chance(kIndel) && !simple;
  const bool two = stream.Chance(kMultiAllelic) && !simple;
  if (indel && stream.Chance(0.5)) {
    MakeInsertion(stream, base, two, site);
  } else if (!indel || !MakeDeletion(stream, contig, site)) {
    MakeSnv(stream, base, two, site);
  }
}

}  // namespace

const std::vector<PlantedAssociation>& PlantedAssociations() {
  static const std::vector<PlantedAssociation> associations = {
      {42, "HP:0001250", 0.20, 6.0, 0.08},  // Seizure
      {61, "HP:0000365", 0.30, 4.0, 0.06},  // Hearing impairment
  };
  return associations;
}

Spectrum::Spectrum(std::uint32_t people) {
  const std::uint32_t chromosomes = 2 * std::bit_ceil(people);
  const std::uint32_t rare = std::max(1U, chromosomes / 100);
  const double join = PowerMinus065(rare);
  double sum = 0;
  for (std::uint32_t k = 1; k < chromosomes; ++k) {
    sum += (k <= rare ? PowerMinus065(k) : join) / k;
    cumulative_.push_back(sum);
  }
}

double Spectrum::Frequency(std::uint32_t u) const {
  const double target = cumulative_.back() * (u / 4294967296.0);
  const auto found = std::ranges::upper_bound(cumulative_, target);
  const auto k = static_cast<double>(std::min<std::ptrdiff_t>(
      found - cumulative_.begin(), static_cast<std::ptrdiff_t>(cumulative_.size()) - 1)) + 1;
  return k / static_cast<double>(cumulative_.size() + 1);
}

SitePlanner::SitePlanner(std::uint64_t seed, std::string_view country, std::uint32_t people)
    : seed_(seed), country_(KeyOf(country)), spectrum_(people) {}

std::uint32_t SitePlanner::Capacity(const Contig& contig) {
  // The ends of the contigs are left free, and one window in twenty for absent sites.
  const std::uint32_t usable = contig.length - 1'000'000 - FirstWindow(contig);
  return usable / kWindow / 20 * 19;
}

// Balding-Nichols moments with a normal shape. The drift of a rare allele is bounded by its
// frequency, so that it stays rare in every country.
double SitePlanner::Drift(const Site& site, std::size_t allele, double ancestral) const {
  Stream stream(Purpose::kDrift, {seed_, country_, site.contig->rank, site.index, allele});
  const double other = 1 - ancestral;
  const double deviation =
      std::min({std::sqrt(kFst * ancestral * other), ancestral / 3, other / 3});
  return std::clamp(ancestral + deviation * stream.Normal(), ancestral / 8, 1 - other / 8);
}

Site SitePlanner::Make(const Contig& contig, std::uint32_t index,
                       const PlantedAssociation* planted) const {
  Stream stream(Purpose::kSite, {seed_, contig.rank, index});
  Site site;
  site.contig = &contig;
  site.index = index;
  site.position = FirstWindow(contig) + index * kWindow + stream.Below(kWindow - kMargin);
  if (contig.kind == ContigKind::kX && !InPseudoAutosomalRegion(site.position)) {
    site.inheritance = Inheritance::kX;
  } else if (contig.kind == ContigKind::kY) {
    site.inheritance = Inheritance::kY;
  }
  MakeAlleles(stream, contig, planted != nullptr, site);
  double free = 1;
  for (std::size_t i = 0; i < site.alts.size(); ++i) {
    double ancestral = spectrum_.Frequency(stream.Next32());
    if (planted != nullptr) ancestral = planted->ancestral_frequency;
    const double frequency = std::min(Drift(site, i, ancestral), i == 0 ? 1.0 : free / 2);
    site.frequencies.push_back(frequency);
    free -= frequency;
  }
  return site;
}

std::vector<Site> SitePlanner::Plan(const Contig& contig, std::uint32_t count, bool planted) const {
  std::vector<Site> sites;
  sites.reserve(count);
  for (std::uint32_t index = 0; sites.size() < count; ++index) {
    const auto& all = PlantedAssociations();
    const auto association = std::ranges::find(all, index, &PlantedAssociation::index);
    const bool here = planted && association != all.end();
    Stream presence(Purpose::kPresence, {seed_, country_, contig.rank, index});
    if (!here && presence.Chance(kAbsent)) continue;
    sites.push_back(Make(contig, index, here ? &*association : nullptr));
  }
  return sites;
}

}  // namespace genofed::synth
