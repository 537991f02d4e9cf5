// SPDX-License-Identifier: Apache-2.0
// Internal to libs/genomics: records with several alleles become several records.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "libs/genomics/norm_options.h"
#include "libs/genomics/norm_project.h"
#include "libs/genomics/norm_record.h"

namespace genofed::genomics {

// Takes one of the records that a record becomes. One at a time, because each may hold thousands of
// samples.
using RecordSink = std::function<Status(NormRecord)>;

// Whether the record has several ALT and a change of the kinds asked for.
bool ShouldSplit(const NormRecord& record, const NormaliseOptions& options);
// One record for each ALT, in their order.
Status SplitAlleles(const NormRecord& record, const NormaliseOptions& options,
                    const FieldShapes& shapes, const RecordSink& sink);

// One record for each primitive change: every ALT is cut from the right, then compared base by base
// from the left, without alignment. What remains is single nucleotide variants and one insertion or
// deletion; the same change in several ALTs becomes one record. An ALT with another change at
// the same place reads "*", or missing. Depths (AD, QS) of ALTs with the same change are added up.
// Records with alleles of other letters than A, C, G, T and N are handed on as they are.
//
// Changes of one ALT keep their places to each other: moved to the left on its own, an insertion or
// deletion could pass the base that another one changes. Errors: TOO_MANY_CHANGES, those of
// ProjectRecord.
Status AtomiseAlleles(NormRecord record, const NormaliseOptions& options, const FieldShapes& shapes,
                      const RecordSink& sink);

// "20|1000|A|C,T": how the original form of a record is written; `alts` are the 1-based ALTs that
// this record comes from, if it does not come from all.
std::string OriginalForm(const NormRecord& record, const std::vector<int>& alts = {});
// Writes it into INFO, unless an earlier step has.
void KeepOriginal(NormRecord& record, const NormaliseOptions& options, std::string_view form);

}  // namespace genofed::genomics
