// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libs/core/context.h"
#include "services/onboarding/app/layout.h"
#include "services/onboarding/domain/snapshot.h"

namespace genofed::onboarding {

inline constexpr const char* kDiffFile = "diff.json";

// Reads what a snapshot holds. DataLoss INDIVIDUALS_CORRUPT when its table is not the one that was published.
Result<SnapshotContent> ReadContent(const Layout& layout, const Snapshot& snapshot);

// The diff as JSON: {"format": "genofed-snapshot-diff", "from": 1, "to": 2, "segments_kept", "segments_added",
// "rows_kept", "changed": [{"row", "sex", "age_months", "terms"}], "added": [{"sex", ...}]}. Same diff, same bytes.
std::string FormatDiff(std::int32_t from, std::int32_t to, const SnapshotDiff& diff);

// Everything about a version that lies beside its segment.
struct VersionTables {
  std::span<const genomics::Individual> individuals;  // of all rows
  std::string_view diff;                              // to the base version; may be empty
};

// Writes them to layout.Index(dataset, version), over what an interrupted attempt left: nothing reads a version before
// it is published. Returns the SHA-256 (hex) of the table of individuals.
Result<std::string> WriteTables(const Context& ctx, const Layout& layout, const Submission& submission,
                                const VersionTables& tables);

}  // namespace genofed::onboarding
