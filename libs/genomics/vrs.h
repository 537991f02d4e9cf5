// SPDX-License-Identifier: Apache-2.0
//
// GA4GH Variation Representation Specification: computed identifiers of small variants, in versions
// 1.3 and 2.0 (which later 2.x versions keep). Only Alleles on genomic sequences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

enum class VrsVersion { k1_3, k2_0 };

// An Allele after normalisation. `start` and `end` are inter-residue (0-based, end exclusive).
struct VrsAllele {
  std::string refget;  // "SQ.…"
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string sequence;  // what stands there instead
  // Version 2.0 writes what can be read off the reference as its length and the length of the
  // repeated unit (ReferenceLengthExpression), so that long repeats stay short. Version 1.3 always
  // writes the sequence.
  bool reference_derived = false;
  std::int64_t repeat_subunit_length = 0;
};

// Normalises as the specification says (2.0, conventions/normalization.rst, "Allele
// Normalization"): common flanks are cut, and an insertion or deletion is expanded over the whole
// region in which it could stand. `refget` is the accession of the contig's sequence. `reference`
// may be null: then only substitutions can be normalised, and the others are
// FAILED_PRECONDITION/REFERENCE_NEEDED. REF is not compared with the reference here. Errors:
// VARIANT_INVALID, REPEAT_TOO_LONG when the region is longer than kMaxShift on one side.
Result<VrsAllele> NormaliseVrsAllele(const Variant& variant, std::string_view refget,
                                     Reference* reference);

// The digest serialisation of an Allele: JSON with sorted keys and without spaces (RFC 8785), its
// location by digest.
std::string SerialiseVrsAllele(const VrsAllele& allele, VrsVersion version);
std::string SerialiseVrsLocation(const VrsAllele& allele, VrsVersion version);
// "ga4gh:VA.…" and "ga4gh:SL.…" ("ga4gh:VSL.…" in 1.3).
std::string VrsAlleleId(const VrsAllele& allele, VrsVersion version);
std::string VrsLocationId(const VrsAllele& allele, VrsVersion version);

}  // namespace genofed::genomics
