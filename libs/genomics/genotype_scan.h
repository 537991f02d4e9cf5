// SPDX-License-Identifier: Apache-2.0
//
// From the genotype bytes of one record to the few people who differ from "two reference alleles".
// Most sites of a cohort have a handful of carriers (performance.md, section 1: 84 % have at most
// ten), so nothing here writes per person: kernels compare 16 to 64 people at a time with 0/0 and
// give only the others. Which kernel is used is decided once, by what the processor can do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace genofed::genomics {

// One genotype other than 0/0. Alleles are indices into {REF, ALT...}, kAlleleMissing or
// kAlleleAbsent (vcf_reader.h); `first` is never absent. `index` is a sample column or a row.
struct Call {
  std::uint32_t index = 0;
  std::int8_t first = 0;
  std::int8_t second = 0;

  int called() const { return (first >= 0 ? 1 : 0) + (second >= 0 ? 1 : 0); }
  int count(std::int8_t allele) const {
    return (first == allele ? 1 : 0) + (second == allele ? 1 : 0);
  }
  bool operator==(const Call&) const = default;
};

// GT of VCF text: `samples` are the columns behind FORMAT, whose first field is GT; only it is
// looked at. `n_alleles` counts REF. Calls come by ascending column. False when some genotype is
// not one or two alleles that the record has, or the number of columns is another: then nothing is
// appended, and a more careful reader must look. `*lanes`: every column has exactly three
// characters.
bool ScanText(std::string_view samples, std::size_t n_samples, std::size_t n_alleles,
              std::vector<Call>& calls, bool* lanes);

// The same for columns that VcfConformance has judged: a genotype of more than two alleles is
// missing, as is an allele that the record does not have (of a missing ALT), and a phasing sign may
// come first (4.4).
void TakeText(std::string_view samples, std::size_t n_samples, std::size_t n_alleles,
              std::vector<Call>& calls);

// GT of BCF (BCF 2.2, section 6.3.3): `width` bytes (1, 2 or 4) for each of `per_sample` values;
// a value is (allele + 1) << 1 | phased, 0 for missing, and the type's end-of-vector mark. `data`
// has n_samples * per_sample * width bytes. False as ScanText.
bool ScanBcf(std::span<const std::uint8_t> data, std::size_t width, std::size_t per_sample,
             std::size_t n_samples, std::size_t n_alleles, std::vector<Call>& calls);

// Appends where each tab of `text` is, at most `limit` of them.
void FindTabs(std::string_view text, std::size_t limit, std::vector<std::uint32_t>& tabs);

// The kernels, for tests: all of them that this processor can run, the portable one first.
struct ScanKernels {
  const char* name;
  // Numbers of the pairs that are not 0/0 in BCF's 8-bit form, ascending; `out` has room for n.
  std::size_t (*pairs)(const std::uint8_t* gt, std::size_t n, std::uint32_t* out);
  // Of n four-byte lanes "a|b\t" those that are not "0|0\t" or "0/0\t"; kIrregular when a lane has
  // another separator or end.
  std::size_t (*lanes)(const char* text, std::size_t n, std::uint32_t* out);
};
inline constexpr std::size_t kIrregular = SIZE_MAX;
std::span<const ScanKernels> AvailableKernels();

}  // namespace genofed::genomics
