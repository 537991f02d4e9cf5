// SPDX-License-Identifier: Apache-2.0
//
// Genome assemblies, contig names and small variants: the coordinates every part of genofed speaks.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace genofed::genomics {

// The longest REF or ALT that genofed reads, in bases. Longer ones are structural variants, which
// have no place in an allele-keyed index.
inline constexpr std::size_t kMaxAlleleLength = 50'000;
// No human chromosome is longer; also keeps every position within 32 bits.
inline constexpr std::int64_t kMaxPosition = 1'000'000'000;

enum class Assembly { kGrch37, kGrch38 };

std::string_view AssemblyName(Assembly assembly);
// Accepts GRCh37, GRCh37.p13, hg19, b37, hs37d5, GRCh38, hg38 and the GenBank/RefSeq assembly
// accessions.
std::optional<Assembly> ParseAssembly(std::string_view text);

// The name genofed uses for a contig: "1".."22", "X", "Y", "MT". Accepts chr20, 20, NC_000020.11,
// refseq:NC_000020.11 and CM000682.2. Another well-formed name (letters, digits, "_", ".", "-", at
// most 64) is returned as it is; anything else is InvalidArgument CONTIG_INVALID.
Result<std::string> NormaliseContig(std::string_view text);
// Whether a normalised name is one of the 25 primary human sequences.
bool IsPrimaryContig(std::string_view contig);
// The assembly that a RefSeq or GenBank accession such as NC_000020.11 belongs to. None for other
// names, and for the mitochondrial genome, which both assemblies share.
std::optional<Assembly> AssemblyOfAccession(std::string_view text);
// "NC_000020.11": the RefSeq accession of a primary contig. None for other contigs.
std::optional<std::string> RefseqAccession(Assembly assembly, std::string_view contig);
// Length in bases of a primary contig (NCBI assembly reports GCF_000001405.25 and .26).
std::optional<std::int64_t> ContigLength(Assembly assembly, std::string_view contig);

// What an allele of a VCF record is (VCF 4.3, sections 1.6.1.4, 1.6.1.5 and 5).
enum class AlleleKind {
  kBases,             // A, C, G, T, N in either case
  kMissing,           // "."
  kSpanningDeletion,  // "*"
  kSymbolic,          // "<DEL>"
  kBreakend,          // "G]17:198982]" and single breakends
  kTooLong,
  kInvalid,
};
AlleleKind ClassifyAllele(std::string_view allele);

// One alternative allele at one place. `pos` is 0-based, as in Beacon v2; alleles are upper case.
struct Variant {
  std::string contig;
  std::int64_t pos = 0;
  std::string ref;
  std::string alt;

  // The end of the reference bases it replaces, exclusive.
  std::int64_t end() const { return pos + static_cast<std::int64_t>(ref.size()); }
  auto operator<=>(const Variant&) const = default;
};

// InvalidArgument (VARIANT_INVALID) naming the wrong field of a variant that came from outside.
Status CheckVariant(const Variant& variant);
// "20-1000226-A-T": contig, 1-based position, REF, ALT.
std::string FormatVariant(const Variant& variant);
// Reads what FormatVariant writes; ":" is accepted for "-".
Result<Variant> ParseVariant(std::string_view text);

// Upper-cases A..Z only; allele text is ASCII.
std::string UpperBases(std::string_view text);

}  // namespace genofed::genomics
