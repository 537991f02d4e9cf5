// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: the syntax of single VCF values. Nothing here allocates.
#pragma once

#include <cstdint>
#include <string_view>

#include "libs/genomics/vcf_conformance_schema.h"

namespace genofed::genomics {

// Section 1.3 of VCF 4.3: 32-bit signed, without the eight values that BCF reserves.
bool IsVcfInteger(std::string_view text);
// Section 1.3: the regular expression given there, or inf, infinity or nan in any case.
bool IsVcfFloat(std::string_view text);
// Whether a valid number is below zero; -0 is not.
bool IsNegative(std::string_view text);
// ([0-9]+[MIDNSHPX=])+
bool IsCigar(std::string_view text);
// One value, "." included.
bool IsOfType(std::string_view text, VcfType type);

struct ListFacts {
  std::uint32_t count = 0;
  bool type_ok = true;
};
// The comma-separated values of one key.
ListFacts CheckList(std::string_view text, VcfType type);

// What a genotype is (section 1.6.2, GT).
struct GenotypeFacts {
  enum class State : std::uint8_t { kOk, kMalformed, kAlleleIndex };
  State state = State::kOk;
  std::uint32_t ploidy = 0;
  bool names_missing_alt = false;  // 1 where ALT is "."
};
// `alleles` counts REF. With `prefixed` a first phasing sign is allowed (4.4).
GenotypeFacts CheckGenotype(std::string_view text, std::uint32_t alleles, bool alt_missing,
                            bool prefixed);

// Genotypes of `alleles` alleles at one ploidy: (alleles + ploidy - 1 choose ploidy), at most
// 2^32-1.
std::uint64_t GenotypeCount(std::uint64_t alleles, std::uint64_t ploidy);

// Whether `text` is exactly `samples` columns separated by tabs, each a genotype of one or two
// alleles that the record has, and nothing else. False says only that the careful path must look.
// Meant for the hottest loop: about three bytes a cycle, no allocation.
bool ScanGenotypes(std::string_view text, std::size_t samples, std::size_t alleles);

}  // namespace genofed::genomics
