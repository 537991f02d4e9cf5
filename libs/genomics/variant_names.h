// SPDX-License-Identifier: Apache-2.0
//
// The names under which laboratories and databases exchange a variant.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libs/genomics/reference.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {

// Empty where they cannot be given; `not_given` then says why, by a reason word.
struct VariantNames {
  std::string hgvs;     // "NC_000019.10:g.28946400T>C"
  std::string vrs_1_3;  // "ga4gh:VA.…"
  std::string vrs_2_0;
  std::string not_given;
};

// `assembly`: whose accession HGVS names; none: no HGVS. `refget`: accession of the contig's
// sequence; empty: no VRS identifier. `reference` may be null: then insertions and deletions have
// no names (REFERENCE_NEEDED). REF is not compared with it. Other reasons are those of DescribeHgvs
// and NormaliseVrsAllele.
VariantNames NameVariant(const Variant& variant, std::optional<Assembly> assembly,
                         std::string_view refget, Reference* reference);

}  // namespace genofed::genomics
