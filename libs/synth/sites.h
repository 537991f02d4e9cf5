// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/synth/reference.h"

namespace genofed::synth {

// How many copies a person carries: two; two or, in males, one; one in males and none in females.
enum class Inheritance { kDiploid, kX, kY };

struct Site {
  const Contig* contig = nullptr;
  std::uint32_t index = 0;  // number of the candidate on its contig, the same in all countries
  std::uint32_t position = 0;
  std::string ref;
  std::vector<std::string> alts;
  std::vector<double> frequencies;  // of each ALT in this country
  Inheritance inheritance = Inheritance::kDiploid;
};

// A variant that raises the odds of a phenotype in its carriers (dominant model).
struct PlantedAssociation {
  std::uint32_t index = 0;  // of its site, on the first autosome
  std::string_view term;    // HPO id
  double ancestral_frequency = 0;
  double odds_ratio = 1;
  double background_prevalence = 0;  // among people without the allele
};

// The associations of every cohort, in every country.
const std::vector<PlantedAssociation>& PlantedAssociations();

// Ancestral allele counts among 2·2^ceil(log2 people) chromosomes: probability ∝ k^-1.65 up to a
// frequency of 1 %, continued by θ/x above. The rounding lets cohorts of similar size share frequencies.
class Spectrum {
 public:
  explicit Spectrum(std::uint32_t people);
  // The frequency at quantile `u` / 2^32.
  double Frequency(std::uint32_t u) const;

 private:
  std::vector<double> cumulative_;
};

// Makes the sites of one country. All but the frequencies and 2 % of absences depends only on the seed.
class SitePlanner {
 public:
  SitePlanner(std::uint64_t seed, std::string_view country, std::uint32_t people);

  // The first `count` sites of the contig that exist in this country, by position.
  // `planted` says whether the contig carries the planted associations.
  std::vector<Site> Plan(const Contig& contig, std::uint32_t count, bool planted) const;

  // How many sites fit on a contig, a cautious figure.
  static std::uint32_t Capacity(const Contig& contig);

 private:
  Site Make(const Contig& contig, std::uint32_t index, const PlantedAssociation* planted) const;
  double Drift(const Site& site, std::size_t allele, double ancestral) const;

  std::uint64_t seed_;
  std::uint64_t country_;
  Spectrum spectrum_;
};

}  // namespace genofed::synth
