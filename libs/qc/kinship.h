// SPDX-License-Identifier: Apache-2.0
//
// Who is the same person twice, and who are relatives: the KING-robust estimator (Manichaikul et
// al. 2010, "Robust relationship inference in genome-wide association studies", Bioinformatics
// 26:2867, equation 11), which needs no allele frequencies and so holds in mixed populations.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libs/qc/fingerprints.h"

namespace genofed::qc {

// Counts over the sites called in both.
struct PairCounts {
  std::uint64_t sites = 0;
  std::uint64_t same = 0;      // the same genotype
  std::uint64_t het_het = 0;   // both heterozygous
  std::uint64_t opposite = 0;  // opposite homozygotes: no allele in common
  std::uint64_t het_a = 0;
  std::uint64_t het_b = 0;
};
PairCounts CountPair(const PersonBits& a, const PersonBits& b);

// (het_het - 2 opposite) / (2 m) + 1/2 - (het_a + het_b) / (4 m), m the lesser of het_a and het_b.
// About 0.5 for duplicates and identical twins, 0.25 for first-degree relatives, 0 or less for
// unrelated people. None when one of them is nowhere heterozygous.
std::optional<double> Kinship(const PairCounts& counts);

enum class Relation : std::uint8_t { kUnrelated, kSecondDegree, kFirstDegree, kDuplicate };
// By the bounds of table 1 of the paper: 2^-1.5, 2^-2.5 and 2^-3.5, about 0.354, 0.177 and 0.0884.
Relation RelationOf(double kinship);

struct RelatedPair {
  std::size_t a = 0;  // row in this batch
  std::size_t b = 0;  // row in this batch and behind `a`, or in the earlier one
  Relation relation = Relation::kUnrelated;
  double kinship = 0;
  double concordance = 0;  // share of the compared sites with the same genotype
  std::uint64_t sites = 0;

  bool operator==(const RelatedPair&) const = default;
};

struct CompareOptions {
  // Relatives are told apart only where the sites tell something about the whole genome. In a
  // narrow region unrelated people may share all they have there; then only pairs with the same
  // genotype nearly everywhere are listed, as duplicates (siblings can look like that, too).
  std::size_t min_megabases = 200;
  double min_concordance = 0.99;  // for that
  std::size_t min_sites = 100;    // called in both
  // Above it not every pair is compared, but those that agree wholly in some group of 24 sites:
  // that finds duplicates, not relatives.
  std::uint64_t max_pairs = 40'000'000;
  std::size_t max_listed = 10'000;
};

struct Comparison {
  std::size_t sites = 0;
  std::size_t megabases = 0;
  std::uint64_t pairs = 0;         // there are
  std::uint64_t compared = 0;      // of them
  bool enough_sites = false;       // else nothing was compared
  bool relatives = false;          // looked for relatives, not only for duplicates
  bool complete = false;           // no duplicate went unseen because of a limit
  std::vector<RelatedPair> found;  // closest first

  bool operator==(const Comparison&) const = default;
};

Comparison CompareWithin(const Fingerprints& people, const CompareOptions& options = {});
// At the sites that both have. `earlier` may hold some of the same people: that is what is asked.
Comparison CompareWith(const Fingerprints& people, const Fingerprints& earlier,
                       const CompareOptions& options = {});

}  // namespace genofed::qc
