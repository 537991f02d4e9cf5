// SPDX-License-Identifier: Apache-2.0
//
// Invented cohorts with known truth, for the tests and benchmarks of libs/qc: families, copies,
// missing calls, other people's DNA. Same seed, same cohort, on every machine.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "libs/qc/accumulator.h"
#include "libs/qc/evaluate.h"

namespace genofed::qc {

struct SimulatedPerson {
  Sex sex = Sex::kFemale;
  int mother = -1;  // row before this one
  int father = -1;
  int copy_of = -1;  // the same DNA, sequenced twice
  double missing = 0.003;
  double contamination = 0;  // share of reads from people at large
};

struct SimulatedSite {
  SiteFacts facts;
  std::vector<std::uint32_t> het, hom, hemi, single, nocall;
  struct Depth {
    std::uint32_t row;
    Zygosity call;
    std::uint32_t other, allele;
  };
  std::vector<Depth> depths;

  Carriers carriers() const { return {het, hom, hemi, single, nocall}; }
};

class Simulation {
 public:
  Simulation(std::vector<SimulatedPerson> people, std::uint64_t seed)
      : people_(std::move(people)), random_(seed) {}

  // `per_chromosome` autosomal sites on each of 22 chromosomes, then sites on X and Y.
  std::vector<SimulatedSite> Sites(int per_chromosome, int on_x, int on_y, bool depths) {
    std::vector<SimulatedSite> sites;
    for (int chromosome = 1; chromosome <= 22; ++chromosome) {
      for (int i = 0; i < per_chromosome; ++i) {
        const std::int64_t pos = 1'000'000 + std::int64_t{i} * (100'000'000 / per_chromosome);
        sites.push_back(Site(std::to_string(chromosome), pos, depths));
      }
    }
    for (int i = 0; i < on_x; ++i) sites.push_back(Site("X", 3'000'000 + i * 50'000, false));
    for (int i = 0; i < on_y; ++i) sites.push_back(Site("Y", 3'000'000 + i * 20'000, false));
    return sites;
  }

 private:
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

  SimulatedSite Site(const std::string& contig, std::int64_t pos, bool depths) {
    SimulatedSite site;
    // Two thirds transitions, and some indels; rare alleles are the most frequent.
    const double kind = Uniform();
    site.facts = DescribeSite(contig, pos, "A",
                              kind < 0.62   ? "G"
                              : kind < 0.92 ? "T"
                                            : "AT",
                              kParGrch38);
    // Some alternative alleles are the common ones, as in any reference genome.
    const double frequency =
        Uniform() < 0.17 ? 0.5 + 0.5 * Uniform() : 0.5 * std::pow(Uniform(), 3) + 0.001;
    alleles_.assign(2 * people_.size(), 0);
    for (std::size_t i = 0; i < people_.size(); ++i) Person(contig, i, frequency);
    for (std::size_t i = 0; i < people_.size(); ++i) Call(contig, i, site);
    if (depths && contig != "X" && contig != "Y") Depths(frequency, site);
    return site;
  }

  // alleles_[2 i] comes from the mother, alleles_[2 i + 1] from the father.
  void Person(const std::string& contig, std::size_t i, double frequency) {
    const SimulatedPerson& person = people_[i];
    const auto from = [&](int parent) -> char {
      if (parent < 0) return Uniform() < frequency ? 1 : 0;
      const std::size_t at = 2 * static_cast<std::size_t>(parent);
      const bool one_x =
          contig == "X" && people_[static_cast<std::size_t>(parent)].sex == Sex::kMale;
      return alleles_[at + (one_x || Uniform() < 0.5 ? 0 : 1)];
    };
    if (person.copy_of >= 0) {
      alleles_[2 * i] = alleles_[2 * static_cast<std::size_t>(person.copy_of)];
      alleles_[2 * i + 1] = alleles_[2 * static_cast<std::size_t>(person.copy_of) + 1];
    } else {
      alleles_[2 * i] = from(person.mother);
      alleles_[2 * i + 1] = from(person.father);
    }
    // One call in 2,000 is wrong.
    if (Uniform() < 0.0005) alleles_[2 * i] = static_cast<char>(1 - alleles_[2 * i]);
  }

  void Call(const std::string& contig, std::size_t i, SimulatedSite& site) {
    const auto row = static_cast<std::uint32_t>(i);
    const bool male = people_[i].sex == Sex::kMale;
    if (Uniform() < people_[i].missing || (contig == "Y" && !male && Uniform() > 0.02)) {
      site.nocall.push_back(row);
    } else if ((contig == "X" || contig == "Y") && male) {
      (alleles_[2 * i] != 0 ? site.hemi : site.single).push_back(row);
    } else if (alleles_[2 * i] + alleles_[2 * i + 1] == 2) {
      site.hom.push_back(row);
    } else if (alleles_[2 * i] + alleles_[2 * i + 1] == 1) {
      site.het.push_back(row);
    }
  }

  void Depths(double frequency, SimulatedSite& site) {
    const auto add = [&](std::uint32_t row, Zygosity call, double share) {
      const double stranger = people_[row].contamination;
      const double expected = share * (1 - stranger) + frequency * stranger;
      std::uint32_t allele = 0;
      for (int read = 0; read < 30; ++read) allele += Uniform() < expected ? 1U : 0U;
      site.depths.push_back({row, call, 30 - allele, allele});
    };
    for (std::uint32_t row : site.het) add(row, Zygosity::kHet, 0.5);
    for (std::uint32_t row : site.hom) add(row, Zygosity::kHom, 0.999);
  }

  std::vector<SimulatedPerson> people_;
  std::mt19937_64 random_;
  std::vector<char> alleles_;
};

inline void Feed(Accumulator& counts, const SimulatedSite& site) {
  counts.AddSite(site.facts, site.carriers());
  for (const SimulatedSite::Depth& depth : site.depths) {
    counts.AddAlleleDepths(depth.row, depth.call, depth.other, depth.allele);
  }
}

inline Accumulator Count(std::uint32_t rows, const std::vector<SimulatedSite>& sites) {
  Accumulator counts(rows);
  for (const SimulatedSite& site : sites) Feed(counts, site);
  return counts;
}

inline std::vector<SampleIdentity> Declared(const std::vector<SimulatedPerson>& people) {
  std::vector<SampleIdentity> out;
  for (const SimulatedPerson& person : people) {
    out.push_back({static_cast<std::uint32_t>(out.size() + 1), person.sex});
  }
  return out;
}

// `founders` unrelated people, every other one male.
inline std::vector<SimulatedPerson> Founders(int founders) {
  std::vector<SimulatedPerson> people(static_cast<std::size_t>(founders));
  for (std::size_t i = 0; i < people.size(); ++i) {
    people[i].sex = i % 2 == 0 ? Sex::kFemale : Sex::kMale;
  }
  return people;
}

}  // namespace genofed::qc
