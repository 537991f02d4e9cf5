// SPDX-License-Identifier: Apache-2.0
//
// A cohort index without some of its people, for those who asked to be forgotten.
#pragma once

#include <filesystem>
#include <span>

#include "libs/core/context.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/person_records.h"

namespace genofed::genomics {

// Writes the index anew into the new or empty directory `out`. The rows stay, so that everybody
// else keeps theirs, and are called nowhere any more: as if they had not been in the files. An
// allele that nobody else carries goes with them, as it alone would tell of them; what nobody
// carried before stays, for its AN. Holds one megabase in memory. `records`, unless null, are those
// that were made beside the index: what goes has to be what they say, allele by allele. Errors:
// ROW_INVALID, DataLoss RECORDS_DISAGREE and RECORDS_CORRUPT, those of SegmentBuilder and of `ctx`.
Result<BuildSummary> EraseRows(const Context& ctx, const CohortIndex& index,
                               std::span<const std::uint32_t> rows, const PersonRecords* records,
                               const std::filesystem::path& out);

}  // namespace genofed::genomics
