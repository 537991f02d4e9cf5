// SPDX-License-Identifier: Apache-2.0
//
// The names that a variant's record lacks and that follow from what it says: HGVS and GA4GH VRS.
#pragma once

#include <functional>
#include <string>

#include "libs/genomics/variant.h"
#include "libs/genomics/variant_names.h"

namespace genofed::beacon {

using NameAllele =
    std::function<genomics::VariantNames(genomics::Assembly, const genomics::Variant&)>;

// The record with `identifiers.genomicHGVSId`, and VRS identifiers in `variantAlternativeIds`, where it states neither
// itself. What it states is never changed: a record with a VRS identifier anywhere gets no other. Only of one allele of
// known bases at a place in a known assembly, whose own parts do not contradict each other; else the record as it is.
std::string WithNames(std::string record, const NameAllele& name);

}  // namespace genofed::beacon
