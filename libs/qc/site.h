// SPDX-License-Identifier: Apache-2.0
//
// What quality control needs to know about one allele site. The counts depend on no reader: whoever
// reads a cohort (qc_stage.h) describes each site and hands over who carries it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace genofed::qc {

// Where a site lies, as far as ploidy is concerned.
enum class Region : std::uint8_t {
  kDiploid,  // chromosomes 1 to 22 and the pseudoautosomal regions: two alleles in everybody
  kX,        // X outside the pseudoautosomal regions
  kY,        // Y outside the pseudoautosomal regions
  kOther,    // the mitochondrial genome and further contigs
};
inline constexpr std::size_t kRegions = 4;

enum class AlleleKind : std::uint8_t { kTransition, kTransversion, kOther };
inline constexpr std::size_t kAlleleKinds = 3;

// A half-open range of 0-based positions.
struct Interval {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool Contains(std::int64_t pos) const { return begin <= pos && pos < end; }
};

// PAR1 and PAR2, as the Genome Reference Consortium publishes them
// (https://www.ncbi.nlm.nih.gov/grc/human; 1-based and inclusive there).
struct PseudoautosomalRegions {
  std::array<Interval, 2> x;
  std::array<Interval, 2> y;
};
inline constexpr PseudoautosomalRegions kParGrch37 = {
    {{{60'000, 2'699'520}, {154'931'043, 155'260'560}}},
    {{{10'000, 2'649'520}, {59'034'049, 59'363'566}}}};
inline constexpr PseudoautosomalRegions kParGrch38 = {
    {{{10'000, 2'781'479}, {155'701'382, 156'030'895}}},
    {{{10'000, 2'781'479}, {56'887'902, 57'217'415}}}};

struct SiteFacts {
  Region region = Region::kOther;
  AlleleKind kind = AlleleKind::kOther;
  // Of a single-nucleotide variant on chromosomes 1 to 22: chromosome, position and both bases in
  // one number, the same in each batch of people and ascending with chromosome and position. 0 for
  // all others, which take no part in comparing people.
  std::uint64_t snv_key = 0;

  bool operator==(const SiteFacts&) const = default;
};

// `contig` is "1".."22", "X", "Y", "MT" or another name; `pos` 0-based; alleles in upper case.
SiteFacts DescribeSite(std::string_view contig, std::int64_t pos, std::string_view ref,
                       std::string_view alt, const PseudoautosomalRegions& par);

inline std::uint64_t ChromosomeOf(std::uint64_t snv_key) { return snv_key >> 36; }
inline std::uint64_t PositionOf(std::uint64_t snv_key) { return snv_key >> 4 & 0xffff'ffffU; }

// Who carries the allele, as ascending rows, each row in one list at most. A row in none of them
// has two called alleles, neither of them this one. Borrowed for the call.
struct Carriers {
  std::span<const std::uint32_t> het;     // 1 of 2 called alleles is this one
  std::span<const std::uint32_t> hom;     // 2 of 2
  std::span<const std::uint32_t> hemi;    // 1 of 1: a haploid call, or half of one is missing
  std::span<const std::uint32_t> single;  // 0 of 1
  std::span<const std::uint32_t> nocall;  // 0 of 0
};

}  // namespace genofed::qc
