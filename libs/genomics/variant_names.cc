// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/variant_names.h"

#include "libs/genomics/hgvs.h"
#include "libs/genomics/vrs.h"

namespace genofed::genomics {

VariantNames NameVariant(const Variant& variant, std::optional<Assembly> assembly,
                         std::string_view refget, Reference* reference) {
  VariantNames names;
  if (assembly) {
    const auto described = DescribeHgvs(variant, *assembly, reference);
    if (described.ok()) {
      names.hgvs = FormatHgvs(*described, *assembly);
    } else {
      names.not_given = Reason(described.status());
    }
  }
  if (refget.empty()) return names;
  const auto allele = NormaliseVrsAllele(variant, refget, reference);
  if (allele.ok()) {
    names.vrs_1_3 = VrsAlleleId(*allele, VrsVersion::k1_3);
    names.vrs_2_0 = VrsAlleleId(*allele, VrsVersion::k2_0);
  } else if (names.not_given.empty()) {
    names.not_given = Reason(allele.status());
  }
  return names;
}

}  // namespace genofed::genomics
