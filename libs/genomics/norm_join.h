// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: records at one place become one record with several alleles.
#pragma once

#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/norm_options.h"
#include "libs/genomics/norm_record.h"

namespace genofed::genomics {

// Joins the records of one place and returns what is to be written instead, single nucleotide
// variants first. Kinds of change that options do not name stay apart; records of mixed kinds stay
// alone unless options say kAny.
//
// REF is the longest one. A genotype takes each ALT from the record that calls it, at the same
// position of the genotype where that is free; vectors of Number=A, R and G are put together, and
// what no record knows is missing. Other fields are the first record's that has them; QUAL is the
// highest; identifiers are listed. Errors with line and field: REF_CONFLICT, TOO_MANY_ALLELES (more
// than kMaxAlts), VECTOR_LENGTH, ALLELE_INDEX, MALFORMED_RECORD.
Result<std::vector<NormRecord>> JoinRecords(std::vector<NormRecord> records,
                                            const NormaliseOptions& options,
                                            const FieldShapes& shapes);

}  // namespace genofed::genomics
