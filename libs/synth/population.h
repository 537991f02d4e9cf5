// SPDX-License-Identifier: Apache-2.0
//
// A large population made straight into a cohort's segments, for measurements: a million people in
// a few minutes, which no VCF could hold. Its model, with the anchors it was fitted to, is written
// in docs/scale-discovery.md: rare alleles by a power law, common ones by θ/x from mosaics of
// founder haplotypes, carriers of rare alleles clustered, missing calls in runs, an ontology of
// 17,000 terms.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "libs/cohort/people.h"
#include "libs/core/status.h"
#include "libs/genomics/bitmap.h"

namespace genofed::synth {

struct PopulationOptions {
  std::uint32_t people = 1'000'000;
  std::uint32_t bases = 2'500'000;  // from kPopulationStart on chr20, a gene every 100,000
  std::uint64_t seed = 1;
  std::uint32_t segments = 1;  // the same people once more in this many segments, when not 1
  bool bcf = false;            // also all genotypes, for programs that read files
  bool rare_lists = false;     // also carriers of alleles below 1 % as text, for databases
  bool all_lists = false;      // of all alleles
};

inline constexpr std::uint32_t kPopulationStart = 1'050'000;
inline constexpr std::uint32_t kGeneBases = 81'189;  // as long as BRCA1
inline constexpr std::uint32_t kGeneStep = 100'000;

struct PopulationReport {
  std::uint64_t sites = 0;
  std::uint64_t entries = 0;  // people with a copy, over all sites
  std::uint64_t singletons = 0;
  std::uint64_t below_1_percent = 0;
  std::uint64_t below_01_percent = 0;
  std::uint64_t segment_bytes = 0;
  double seconds = 0;
};

// Writes into a new directory: `one` (a segment of everybody), `many/0`... when asked for, `people`
// (cohort::People), `live` (one character for each person: 1 or 0), `persons.tsv`, `terms.tsv`, and
// the asked files `cohort.bcf`, `sites.tsv`. Same options, same bytes.
Result<PopulationReport> WritePopulation(const std::filesystem::path& dir,
                                         const PopulationOptions& options, std::ostream* progress);
// "GENE07": the gene of that number.
std::string PopulationGene(std::uint32_t number);
// Who may be counted, as `live` says.
Result<genomics::Bitmap> ReadLive(const std::filesystem::path& path, std::uint32_t n_people);

}  // namespace genofed::synth
