// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/kinship.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

#include "libs/core/status.h"

namespace genofed::qc {
namespace {

[[gnu::always_inline]] inline PairCounts CountWords(const PersonBits& a, const PersonBits& b) {
  const auto ones = [](std::uint64_t word) {
    return static_cast<std::uint64_t>(std::popcount(word));
  };
  PairCounts counts;
  for (std::size_t i = 0; i < a.het.size(); ++i) {
    const std::uint64_t called_a = a.het[i] | a.hom[i] | a.ref[i];
    const std::uint64_t called_b = b.het[i] | b.hom[i] | b.ref[i];
    const std::uint64_t both_het = a.het[i] & b.het[i];
    counts.sites += ones(called_a & called_b);
    counts.het_het += ones(both_het);
    counts.same += ones(both_het | (a.hom[i] & b.hom[i]) | (a.ref[i] & b.ref[i]));
    counts.opposite += ones((a.hom[i] & b.ref[i]) | (a.ref[i] & b.hom[i]));
    counts.het_a += ones(a.het[i] & called_b);
    counts.het_b += ones(b.het[i] & called_a);
  }
  return counts;
}

#if defined(__x86_64__)
// The baseline of x86-64 lacks the instruction, which is ten times as fast as counting without it.
[[gnu::target("popcnt")]] PairCounts CountWithInstruction(const PersonBits& a,
                                                          const PersonBits& b) {
  return CountWords(a, b);
}
#endif

// Collects what was found among the pairs that are offered.
class Finder {
 public:
  Finder(const Fingerprints& a, const Fingerprints& b, const CompareOptions& options,
         Comparison& out)
      : a_(a), b_(b), options_(options), out_(out) {}

  void Compare(std::size_t i, std::size_t j) {
    ++out_.compared;
    const PairCounts counts = CountPair(a_.Person(i), b_.Person(j));
    if (counts.sites < options_.min_sites) return;
    const std::optional<double> kinship = Kinship(counts);
    if (!kinship) return;
    const Relation relation = RelationOf(*kinship);
    const double concordance = static_cast<double>(counts.same) / static_cast<double>(counts.sites);
    const bool listed = out_.relatives
                            ? relation != Relation::kUnrelated
                            : relation == Relation::kDuplicate &&
                                  (WholeGenome() || concordance >= options_.min_concordance);
    if (listed) out_.found.push_back({i, j, relation, *kinship, concordance, counts.sites});
  }

  void Finish() {
    const auto closer = [](const RelatedPair& x, const RelatedPair& y) {
      return std::tuple(-x.kinship, x.a, x.b) < std::tuple(-y.kinship, y.a, y.b);
    };
    std::sort(out_.found.begin(), out_.found.end(), closer);
    if (out_.found.size() > options_.max_listed) {
      out_.found.resize(options_.max_listed);
      out_.complete = false;
    }
  }

  bool WholeGenome() const { return out_.megabases >= options_.min_megabases; }

 private:
  const Fingerprints& a_;
  const Fingerprints& b_;
  const CompareOptions& options_;
  Comparison& out_;
};

constexpr std::size_t kGroupSites = 24;
constexpr std::size_t kMaxGroups = 64;

// The genotypes of one person at every `stride`-th site from `first` on, two bits each.
std::uint64_t GroupOf(const PersonBits& bits, std::size_t first, std::size_t stride) {
  std::uint64_t group = 0;
  for (std::size_t k = 0; k < kGroupSites; ++k) {
    const std::size_t site = first + k * stride;
    const auto bit = [&](std::span<const std::uint64_t> plane) {
      return plane[site / 64] >> (site % 64) & 1;
    };
    group = group << 2 | (bit(bits.het) | bit(bits.hom) << 1 | (bit(bits.ref) * 3));
  }
  return group;
}

// Pairs that agree in one of the groups, each once. Two samples of one person that agree at 94 % of
// the sites do so in one group of 24 with probability 0.23, so in one of 64 nearly always; two
// other people hardly ever (about 0.55^24).
std::vector<std::pair<std::uint32_t, std::uint32_t>> AgreeingPairs(const Fingerprints& a,
                                                                   const Fingerprints* b,
                                                                   std::uint64_t limit,
                                                                   bool& complete) {
  const std::size_t groups = std::min(kMaxGroups, a.sites().size() / kGroupSites);
  const std::size_t stride = groups == 0 ? 1 : a.sites().size() / kGroupSites;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;  // group, person; those of b behind
  const std::size_t behind = b == nullptr ? 0 : a.people();
  for (std::size_t g = 0; g < groups; ++g) {
    order.clear();
    const std::size_t first = g * stride / groups;
    for (std::size_t i = 0; i < a.people(); ++i) {
      order.emplace_back(GroupOf(a.Person(i), first, stride), static_cast<std::uint32_t>(i));
    }
    for (std::size_t i = 0; b != nullptr && i < b->people(); ++i) {
      order.emplace_back(GroupOf(b->Person(i), first, stride),
                         static_cast<std::uint32_t>(behind + i));
    }
    std::sort(order.begin(), order.end());
    for (auto begin = order.begin(); begin != order.end();) {
      const auto end = std::find_if(begin, order.end(),
                                    [&](const auto& entry) { return entry.first != begin->first; });
      // With an earlier batch, only people of one with people of the other.
      const auto split = std::find_if(
          begin, end, [&](const auto& entry) { return b != nullptr && entry.second >= behind; });
      const bool all_missing = begin->first == 0;
      for (auto x = begin; x != split && !all_missing; ++x) {
        for (auto y = b == nullptr ? x + 1 : split; y != end; ++y) {
          pairs.emplace_back(x->second, y->second - static_cast<std::uint32_t>(behind));
          if (pairs.size() >= limit) {
            complete = false;
            return pairs;
          }
        }
      }
      begin = end;
    }
    std::sort(pairs.begin(), pairs.end());
    pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  }
  return pairs;
}

Comparison Compare(const Fingerprints& a, const Fingerprints* b, const CompareOptions& options) {
  Comparison out;
  out.sites = a.sites().size();
  out.megabases = a.Megabases();
  const std::uint64_t n = a.people();
  out.pairs = b == nullptr ? n * (n > 0 ? n - 1 : 0) / 2 : n * b->people();
  out.enough_sites = out.sites >= options.min_sites;
  if (!out.enough_sites) return out;
  out.complete = true;
  Finder finder(a, b == nullptr ? a : *b, options, out);
  if (out.pairs <= options.max_pairs) {
    out.relatives = finder.WholeGenome();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t end = b == nullptr ? a.people() : b->people();
      for (std::size_t j = b == nullptr ? i + 1 : 0; j < end; ++j) finder.Compare(i, j);
    }
  } else {
    for (const auto& [i, j] : AgreeingPairs(a, b, options.max_pairs / 8, out.complete)) {
      finder.Compare(i, j);
    }
  }
  finder.Finish();
  return out;
}

}  // namespace

PairCounts CountPair(const PersonBits& a, const PersonBits& b) {
  GF_CHECK(a.het.size() == b.het.size());
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("popcnt");
  if (has_instruction) return CountWithInstruction(a, b);
#endif
  return CountWords(a, b);
}

std::optional<double> Kinship(const PairCounts& counts) {
  const auto least = static_cast<double>(std::min(counts.het_a, counts.het_b));
  if (least == 0) return std::nullopt;
  const double shared =
      static_cast<double>(counts.het_het) - 2 * static_cast<double>(counts.opposite);
  return shared / (2 * least) + 0.5 -
         static_cast<double>(counts.het_a + counts.het_b) / (4 * least);
}

Relation RelationOf(double kinship) {
  if (kinship > 0.35355339059327379) return Relation::kDuplicate;
  if (kinship > 0.17677669529663687) return Relation::kFirstDegree;
  if (kinship > 0.08838834764831845) return Relation::kSecondDegree;
  return Relation::kUnrelated;
}

Comparison CompareWithin(const Fingerprints& people, const CompareOptions& options) {
  return Compare(people, nullptr, options);
}

Comparison CompareWith(const Fingerprints& people, const Fingerprints& earlier,
                       const CompareOptions& options) {
  const Fingerprints ours = people.At(earlier.sites());
  const Fingerprints theirs = earlier.At(people.sites());
  return Compare(ours, &theirs, options);
}

}  // namespace genofed::qc
