// SPDX-License-Identifier: Apache-2.0
//
// What quality control adds to a pass over a cohort, and what comparing all people costs.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "libs/qc/accumulator.h"
#include "libs/qc/kinship.h"

namespace genofed::qc {
namespace {

// Carriers of one site, about `share` of the alleles.
struct Site {
  std::vector<std::uint32_t> het, hom;
};

Site SiteOf(std::uint32_t people, double share, std::mt19937_64& random) {
  Site site;
  for (std::uint32_t row = 0; row < people; ++row) {
    const auto allele = [&] {
      return static_cast<double>(random() >> 11) * 0x1p-53 < share ? 1 : 0;
    };
    const int copies = allele() + allele();
    if (copies == 1) site.het.push_back(row);
    if (copies == 2) site.hom.push_back(row);
  }
  return site;
}

// Arguments: people, alleles per 10,000. Positions are 500 bases apart. Time for a site; the
// counter is time for a carrier.
void BM_AddSite(benchmark::State& state) {
  const auto people = static_cast<std::uint32_t>(state.range(0));
  std::mt19937_64 random(1);
  std::vector<Site> sites;
  for (int i = 0; i < 64; ++i) {
    sites.push_back(SiteOf(people, static_cast<double>(state.range(1)) / 10'000, random));
  }
  Accumulator counts(people);
  std::int64_t pos = 0;
  std::uint64_t carriers = 0;
  for (auto _ : state) {
    const Site& site = sites[static_cast<std::size_t>(pos) % sites.size()];
    counts.AddSite(DescribeSite("1", pos++ * 500 % 240'000'000, "A", "G", kParGrch38),
                   {site.het, site.hom, {}, {}, {}});
    carriers += site.het.size() + site.hom.size();
  }
  state.counters["s/carrier"] = benchmark::Counter(
      static_cast<double>(carriers), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_AddSite)
    ->Args({2504, 2})
    ->Args({2504, 1000})
    ->Args({100'000, 1})
    ->Args({100'000, 1000});

// Argument: people; 8,192 sites. Time for all pairs.
void BM_CompareAllPairs(benchmark::State& state) {
  const auto people = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint64_t> keys;
  for (std::int64_t i = 0; i < 8192; ++i) {
    keys.push_back(
        DescribeSite(std::to_string(1 + i / 400), i % 400 * 300'000, "A", "G", kParGrch38).snv_key);
  }
  Fingerprints fingerprints(people, keys);
  std::mt19937_64 random(2);
  for (std::size_t person = 0; person < people; ++person) {
    for (std::size_t word = 0; word < keys.size() / 64; ++word) {
      const std::uint64_t het = random() & random();
      const std::uint64_t hom = random() & random() & ~het;
      fingerprints.SetWord(person, word, het, hom, ~(het | hom));
    }
  }
  std::uint64_t pairs = 0;
  for (auto _ : state) pairs += CompareWithin(fingerprints).compared;
  state.counters["s/pair"] = benchmark::Counter(
      static_cast<double>(pairs), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_CompareAllPairs)->Arg(2504)->Unit(benchmark::kSecond)->Iterations(1);

}  // namespace
}  // namespace genofed::qc
