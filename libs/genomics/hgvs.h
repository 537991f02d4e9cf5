// SPDX-License-Identifier: Apache-2.0
//
// HGVS descriptions at the genomic level (hgvs-nomenclature.org, DNA recommendations):
// "NC_000007.14:g.55181320A>T", and "m." for the mitochondrial genome. Descriptions on transcripts
// and proteins (c., n., r., p.) need a set of transcripts, which genofed does not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

enum class HgvsKind {
  kSubstitution,
  kDeletion,
  kDuplication,
  kInsertion,
  kDelins,
  kInversion,
};

// What a description says, in its own coordinates: 1-based, both ends included. An insertion stands
// between `start` and `end` = `start` + 1.
struct HgvsDescription {
  std::string contig;                // "7", from the accession
  std::optional<Assembly> assembly;  // none for the mitochondrial genome, which both share
  HgvsKind kind = HgvsKind::kSubstitution;
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string ref;  // of a substitution
  std::string alt;  // of a substitution, insertion or delins

  bool operator==(const HgvsDescription&) const = default;
};

// Describes a variant by the rules of HGVS: what can be called an inversion or a duplication must
// be, and of all places where it could stand the last one is meant (3' rule). `reference` may be
// null: then substitutions, inversions and delins can be described, and others are
// FAILED_PRECONDITION/REFERENCE_NEEDED. REF is not compared with the reference here.
// Errors: VARIANT_INVALID (also for alleles with N, and for REF equal to ALT), REPEAT_TOO_LONG,
// RANGE_INVALID for an insertion at an end of the contig, NOT_FOUND/ACCESSION_UNKNOWN when the
// contig is not a primary one.
Result<HgvsDescription> DescribeHgvs(const Variant& variant, Assembly assembly,
                                     Reference* reference);
// "NC_000013.11:g.32331093_32331094dup".
std::string FormatHgvs(const HgvsDescription& description, Assembly assembly);

// Reads a description on one of the primary contigs of GRCh37 or GRCh38. Uncertain positions,
// several variants at once and inserted sequences that are only referred to are not read. Errors:
// HGVS_INVALID, naming the character (1-based) and what was expected there.
Result<HgvsDescription> ParseHgvs(std::string_view text);

// The variant as VCF would write it, left-aligned. Needs the reference but for substitutions.
// Errors: REFERENCE_NEEDED, RANGE_INVALID (beyond the contig), REF_MISMATCH.
Result<Variant> VariantOfHgvs(const HgvsDescription& description, Reference* reference);

}  // namespace genofed::genomics
